//! Uploads a binary to the object store, and points the build's link at it.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{debug, warn};
use wombat_model::{Artifact, ArtifactName, BuildKey, Failure, FailureClass, Timings, log::Phase};
use wombat_store::{Artifacts, Claim, Store, StoreError};

use wombat_go::report::Reporter;
use wombat_go::{BuildError, Origin, Product};

/// Pauses before retries of an upload.
const RETRY_AFTER: [Duration; ArtifactName::MAX_UPLOADS as usize - 1] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

/// A stored binary that isn't in the record yet.
#[derive(Debug)]
pub(super) struct Uploaded {
    pub(super) artifact: Artifact,
    pub(super) timings: Timings,
}

/// Why a binary isn't stored.
#[derive(Debug)]
enum NotStored {
    Store(StoreError),
    /// The room that is left is for builds of the catalog, in words.
    NoRoomForUncatalogued(String),
}

impl From<StoreError> for NotStored {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl NotStored {
    /// Whether it may be stored soon. A full store may have room again when the janitor has run.
    fn is_passing(&self) -> bool {
        match self {
            Self::Store(error) => matches!(
                error,
                StoreError::Unavailable(_) | StoreError::Full(_) | StoreError::Lost(_)
            ),
            Self::NoRoomForUncatalogued(_) => true,
        }
    }

    fn failure(&self) -> Failure {
        match self {
            Self::Store(error) => failure(error),
            Self::NoRoomForUncatalogued(words) => Failure::new(FailureClass::Infra, words),
        }
    }
}

/// Stores the binary and its recipe under the claim's own name, and verifies the stored binary.
pub(super) async fn upload(
    artifacts: &Artifacts,
    claim: &Claim,
    (product, origin): (&Product, Origin),
    reporter: &Reporter,
) -> Result<Uploaded, BuildError> {
    let begun = Instant::now();
    let mut pauses = RETRY_AFTER.into_iter();
    let mut attempt = 0;
    let artifact = loop {
        attempt += 1;
        match store(artifacts, claim, (product, origin), attempt).await {
            Ok(artifact) => break artifact,
            Err(error) => {
                let failure = error.failure();
                let Some(pause) = pauses.next().filter(|_| error.is_passing()) else {
                    return Err(failure.into());
                };
                reporter.line(format!(
                    "{} Trying again in {} s.",
                    failure.message,
                    pause.as_secs()
                ));
                sleep(pause).await;
            }
        }
    };
    let mut timings = product.timings.clone();
    timings.insert(
        Phase::Upload,
        u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    );
    Ok(Uploaded { artifact, timings })
}

async fn store(
    artifacts: &Artifacts,
    claim: &Claim,
    (product, origin): (&Product, Origin),
    attempt: u32,
) -> Result<Artifact, NotStored> {
    if origin == Origin::Elsewhere
        && let Some(words) = artifacts.room().await?.uncatalogued_refusal()
    {
        return Err(NotStored::NoRoomForUncatalogued(words));
    }
    // Each attempt uses a new name: the object of an earlier one may be incomplete.
    let name = ArtifactName::nth(claim.key(), claim.id(), attempt);
    let sent = artifacts.put_file(&name, &product.path).await?;
    if sent.size != product.size || sent.sha256.as_ref() != Some(&product.sha256) {
        let problem = "the file of the binary changed while it was sent";
        return Err(StoreError::Unavailable(problem.to_owned()).into());
    }
    let recipe =
        serde_json::to_vec(&product.recipe).map_err(|error| StoreError::File(error.into()))?;
    artifacts
        .put_bytes(&format!("{name}.recipe"), &recipe)
        .await?;
    Ok(Artifact {
        name,
        size: product.size,
        sha256: product.sha256.clone(),
        builder: claim.holder().builder.clone(),
        sandbox: Some(product.sandbox),
    })
}

fn failure(error: &StoreError) -> Failure {
    match error {
        // The build itself is fine: it may be requested again once there is room.
        StoreError::Full(_) => Failure::new(FailureClass::Infra, "The store of binaries is full."),
        StoreError::Unavailable(_) | StoreError::Lost(_) => Failure::new(
            FailureClass::Infra,
            format!("The binary can't be stored: {error}."),
        ),
        StoreError::Missing(_)
        | StoreError::Unfinished(_)
        | StoreError::NoJetStream(_)
        | StoreError::Corrupt { .. }
        | StoreError::File(_)
        | StoreError::Denied(_)
        | StoreError::Refused(_) => Failure::new(
            FailureClass::Internal,
            format!("The binary can't be stored: {error}."),
        ),
    }
}

/// Links `<key>` to the binary, for clients that fetch it with NATS tools. Only the first link is the builder's: the
/// service moves one that is there, and makes one that fails here.
pub(super) async fn publish(store: &Store, key: &BuildKey, ours: &ArtifactName) {
    match store.artifacts.link(key, ours).await {
        Ok(true) => {}
        Ok(false) => debug!(%key, "the service moves the link of the binary"),
        Err(error) => warn!(%error, "can't link the binary"),
    }
}
