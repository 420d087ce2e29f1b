//! Ends claims as builders do.

use anyhow::Context;
use wombat_model::{Artifact, ArtifactName, Timings};
use wombat_store::{Claim, FinishOutcome, Store, StoredObject};

/// Ends a claim with the binary that was stored for it.
pub async fn succeed(
    store: &Store,
    claim: Claim,
    stored: StoredObject,
) -> anyhow::Result<FinishOutcome> {
    let artifact = Artifact {
        name: ArtifactName::new(claim.key(), claim.id()),
        size: stored.size,
        sha256: stored.sha256.context("a new object has a digest")?,
        builder: claim.holder().builder.clone(),
        sandbox: None,
    };
    Ok(store
        .builds
        .succeed(claim, artifact, Timings::new())
        .await?)
}
