//! Which binary of a build is served: that of its record, if the record agrees with what the service published, or if its
//! grant waits for a result; else that of the newest result.

use std::{num::NonZeroUsize, sync::Arc};

use lru::LruCache;
use parking_lot::Mutex;
use tracing::warn;
use wombat_model::{Agreement, Artifact, BuildKey, Sha256};
use wombat_store::{Publications, Revision, Versioned, read_or_seen};

use crate::{ApiError, gateway::Gateway, live::Record};

/// Records that are remembered.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// Compares records with publications. A record that agrees is remembered: no later result makes it wrong, because the
/// record changes first.
pub(crate) struct PublishedBuilds {
    gateway: Gateway,
    publications: Publications,
    served: Mutex<LruCache<BuildKey, ServedRecord>>,
}

/// A record by which a binary was served.
struct ServedRecord {
    revision: u64,
    sha256: Sha256,
    /// Whether its binary is the result of its grant. Until then it is compared each time.
    is_result: bool,
}

impl PublishedBuilds {
    pub(crate) fn new(gateway: Gateway, publications: Publications) -> Self {
        Self {
            gateway,
            publications,
            served: Mutex::new(LruCache::new(CAPACITY)),
        }
    }

    /// The record by which a binary is served. Without a binary, that is the record as it is.
    pub(crate) async fn served(&self, record: Arc<Record>) -> Result<Arc<Record>, ApiError> {
        let Some(artifact) = record.build.artifact() else {
            return Ok(record);
        };
        let key = record.build.key();
        let (revision, sha256) = (record.revision, artifact.sha256.clone());
        let known = self.known(&key, revision, &sha256);
        if known == Some(true) {
            return Ok(record);
        }
        // From the leader, after the record. While the leader is away, nothing can change.
        let reading = async { self.publications.of(&key).await.map(Some) };
        let reading = self.gateway.read(reading);
        let seen = || known.map(|_| None);
        let Some(published) = read_or_seen(reading, ApiError::is_unavailable, seen).await? else {
            return Ok(record);
        };
        match published.agreement(&record.build, record.revision) {
            agreement @ (Agreement::Agrees | Agreement::First(_)) => {
                let served = ServedRecord {
                    revision,
                    sha256,
                    // No download waits for the service.
                    is_result: agreement == Agreement::Agrees,
                };
                self.served.lock().put(key, served);
                Ok(record)
            }
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

impl PublishedBuilds {
    /// Whether a record by which a binary was served has the result of its grant.
    fn known(&self, key: &BuildKey, revision: u64, sha256: &Sha256) -> Option<bool> {
        let mut served = self.served.lock();
        let served = served.get(key)?;
        let is_same = served.revision == revision && served.sha256 == *sha256;
        is_same.then_some(served.is_result)
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
