//! Removing a build and everything that belongs to it. If it is interrupted, it can be repeated: the record, which
//! names everything else, is removed last, and marked as expired before its binary is removed.

use wombat_model::{Artifact, Build, BuildKey, BuildState, Status};

use crate::{
    Builds, Store, StoreError, Versioned, Written,
    builds::{MAX_RACES, contended},
    record::Slot,
};

/// Outcome of removing a build.
#[derive(Debug, PartialEq, Eq)]
pub enum Purged {
    /// The build was removed; its binary had this many bytes.
    Gone(u64),
    /// The build isn't finished; nothing was changed.
    Open(Status),
    /// There is no such build.
    Unknown,
}

impl Store {
    /// Removes a finished build: its binary, its log, its record. An invalid value under its key is removed alone: the
    /// binary that it names may be another build's.
    pub async fn purge(&self, key: &BuildKey) -> Result<Purged, StoreError> {
        for _ in 0..MAX_RACES {
            let record = match self.builds.bucket.read::<Build>(key.as_str()).await? {
                Slot::Vacant | Slot::Deleted(_) => return Ok(Purged::Unknown),
                Slot::Unreadable { revision, .. } => {
                    if self.builds.bucket.remove_at(key.as_str(), revision).await? {
                        return Ok(Purged::Gone(0));
                    }
                    continue;
                }
                Slot::Held(record) => record,
            };
            if !record.value.status().is_terminal() {
                return Ok(Purged::Open(record.value.status()));
            }
            let Some(record) = expired(&self.builds, record).await? else {
                continue;
            };
            let artifact = record.value.named_artifact();
            self.artifacts.remove(key.as_str()).await?;
            if let Some(Artifact { name, .. }) = artifact {
                self.artifacts.remove(name.as_str()).await?;
                self.artifacts.remove(&format!("{name}.recipe")).await?;
            }
            self.logs.purge(key).await?;
            let bytes = artifact.map_or(0, |artifact| artifact.size);
            if self
                .builds
                .bucket
                .remove_at(key.as_str(), record.revision)
                .await?
            {
                return Ok(Purged::Gone(bytes));
            }
        }
        Err(contended(key))
    }
}

/// Marks a success as expired, since its binary is about to be removed. `None`: the record changed meanwhile.
async fn expired(
    builds: &Builds,
    record: Versioned<Build>,
) -> Result<Option<Versioned<Build>>, StoreError> {
    let BuildState::Success { expired: false, .. } = record.value.state() else {
        return Ok(Some(record));
    };
    Ok(match builds.expire(record).await? {
        Written::Won(record) => Some(record),
        Written::Lost => None,
    })
}
