//! Which binary of a build is served: that of its record, if the record agrees with what the service published, or if its
//! grant waits for a result; else that of the newest result.

use std::{num::NonZeroUsize, sync::Arc};

use lru::LruCache;
use parking_lot::Mutex;
use tracing::warn;
use wombat_model::{Agreement, Artifact, BuildKey, Sha256};
use wombat_store::{Publications, Revision, Versioned};

use crate::{ApiError, gateway::Gateway, live::Record};

/// Records that are remembered to agree.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// Compares records with publications. A record that agrees is remembered: no later result makes it wrong, because the
/// record changes first.
pub(crate) struct PublishedBuilds {
    gateway: Gateway,
    publications: Publications,
    agreed: Mutex<LruCache<BuildKey, (u64, Sha256)>>,
}

impl PublishedBuilds {
    pub(crate) fn new(gateway: Gateway, publications: Publications) -> Self {
        Self {
            gateway,
            publications,
            agreed: Mutex::new(LruCache::new(CAPACITY)),
        }
    }

    /// The record by which a binary is served. Without a binary, that is the record as it is.
    pub(crate) async fn served(&self, record: Arc<Record>) -> Result<Arc<Record>, ApiError> {
        let Some(artifact) = record.build.artifact() else {
            return Ok(record);
        };
        let key = record.build.key();
        let known = (record.revision, artifact.sha256.clone());
        if self.agreed.lock().get(&key) == Some(&known) {
            return Ok(record);
        }
        // From the leader, after the record.
        let published = self.gateway.read(self.publications.of(&key)).await?;
        match published.agreement(&record.build, record.revision) {
            Agreement::Agrees => {
                self.agreed.lock().put(key, known);
                Ok(record)
            }
            // No download waits for the service.
            Agreement::First(_) => Ok(record),
            Agreement::Ended | Agreement::Differs => {
                warn!(%key, "a record doesn't agree with the result of its build");
                let binary = published.binary().cloned().map(Artifact::from);
                binary.map_or_else(
                    || Err(without_result(&key)),
                    |binary| Ok(with_binary(&record, binary)),
                )
            }
        }
    }
}

/// The same record with the binary of the newest result.
fn with_binary(record: &Record, binary: Artifact) -> Arc<Record> {
    let value = record.build.clone().put_back(Some(binary), false);
    let revision = Revision::new(record.revision);
    Record::new(Versioned { value, revision }, None)
}

fn without_result(key: &BuildKey) -> ApiError {
    ApiError::unavailable(format!(
        "The record of build `{key}` was changed without permission, and no binary is served before the service has put it back; try again in a moment."
    ))
}
