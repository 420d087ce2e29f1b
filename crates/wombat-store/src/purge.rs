//! Removing a build and everything that belongs to it. If it is interrupted, it can be repeated: the record, which
//! names everything else, is removed last, and marked as expired before its binary is removed. Its grants and results are
//! void by a closed grant; the janitor removes them later.

use wombat_model::{Agreement, Artifact, Build, BuildKey, BuildState, Status};

use crate::{
    Builds, Revision, Store, StoreError, Versioned, Written,
    builds::{MAX_RACES, contended},
    open,
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
            let (revision, record) = match self.builds.bucket.read::<Build>(key.as_str()).await? {
                Slot::Vacant | Slot::Deleted(_) => {
                    // What can't be read would be in the way of a new request.
                    let was_there = self.publications.remove_unreadable(key).await?;
                    return Ok(if was_there {
                        Purged::Gone(0)
                    } else {
                        Purged::Unknown
                    });
                }
                Slot::Unreadable { revision, .. } => (revision, None),
                Slot::Held(record) if open::is_open(&record.value) => {
                    return Ok(Purged::Open(record.value.status()));
                }
                Slot::Held(record) => match expired(&self.builds, record).await? {
                    Some(record) => (record.revision, Some(record.value)),
                    None => continue,
                },
            };
            match self.close(key, revision, record.as_ref()).await {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error @ StoreError::Corrupt { .. }) => {
                    if self.publications.remove_unreadable(key).await? {
                        continue;
                    }
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
            let mut bytes = 0;
            if let Some(record) = &record {
                bytes = self.remove_content(key, record).await?;
            }
            if self.builds.bucket.remove_at(key.as_str(), revision).await? {
                return Ok(Purged::Gone(bytes));
            }
        }
        Err(contended(key))
    }

    /// Marks a success as expired, and ends its result. Its objects may be removed then. A record that doesn't agree with
    /// the result is left alone.
    pub async fn expire(&self, record: Versioned<Build>) -> Result<Written<Build>, StoreError> {
        let key = record.value.key();
        let published = self.publications.of(&key).await?;
        match published.agreement(&record.value, record.revision.get()) {
            Agreement::Agrees | Agreement::First(_) | Agreement::Ended => {}
            Agreement::Differs => return Ok(Written::Lost),
        }
        let written = self.builds.expire(record).await?;
        let Written::Won(expired) = &written else {
            return Ok(written);
        };
        let is_closed = self.close(&key, expired.revision, Some(&expired.value));
        Ok(if is_closed.await? {
            written
        } else {
            Written::Lost
        })
    }

    /// Lets nothing be built or served under this key until it is granted again. `false`: a client requests the build at
    /// the same time.
    async fn close(
        &self,
        key: &BuildKey,
        revision: Revision,
        record: Option<&Build>,
    ) -> Result<bool, StoreError> {
        let publications = &self.publications;
        let published = publications.of(key).await?;
        let newest = published.newest.as_ref();
        if newest.is_some_and(|newest| newest.grant.closed) {
            return Ok(true);
        }
        if published.awaits(revision.get()) {
            let Some(record) = record else {
                // Its opening fails once this revision is removed.
                return Ok(true);
            };
            // Its opening fails from here on.
            self.builds.change(key, record.clone(), revision).await?;
            return Ok(false);
        }
        publications.close(key, &published, revision).await
    }

    /// Removes the binary and the log. Returns the size of the binary.
    async fn remove_content(&self, key: &BuildKey, record: &Build) -> Result<u64, StoreError> {
        let artifact = record.named_artifact();
        self.artifacts.remove(key.as_str()).await?;
        if let Some(Artifact { name, .. }) = artifact {
            self.artifacts.remove(name.as_str()).await?;
            self.artifacts.remove(&format!("{name}.recipe")).await?;
        }
        self.logs.purge(key).await?;
        Ok(artifact.map_or(0, |artifact| artifact.size))
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
