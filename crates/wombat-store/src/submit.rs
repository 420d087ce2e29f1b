//! Asking for a build.

use std::time::Duration;

use wombat_model::{Build, BuildKey, BuildSpec, BuildState, Retry};

use crate::{
    Artifacts, Builds, StoreError, Versioned, Written,
    builds::{MAX_RACES, contended},
    logs, open,
    record::Slot,
};

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It waits for a builder now.
    Queued(Versioned<Build>),
    /// The record answers as it stands.
    Existing(Versioned<Build>),
}

impl Submitted {
    /// The record, however it came about.
    pub fn into_record(self) -> Versioned<Build> {
        match self {
            Self::Queued(record) | Self::Existing(record) => record,
        }
    }
}

/// How a build is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    /// Whether a finished build is made anew, whatever became of it.
    pub force: bool,
    /// How long a failure through the user's or the package's fault answers before asking again tries once more.
    pub retry_after: Duration,
    /// Revision of the catalog that the request was resolved with.
    pub catalog_revision: u64,
}

impl Asking {
    /// For a finished build to be made anew.
    pub fn forced() -> Self {
        Self {
            force: true,
            ..Self::default()
        }
    }
}

impl Default for Asking {
    /// Plainly, with nothing known of the catalog.
    fn default() -> Self {
        Self {
            force: false,
            retry_after: Duration::from_mins(10),
            catalog_revision: 0,
        }
    }
}

impl Builds {
    /// Asks for a build: made if there is no record of it, else answered, or asked for again where that makes sense
    /// (see [`Build::request_again`]). A success whose binary isn't whole any more counts as expired.
    pub async fn submit(
        &self,
        spec: &BuildSpec,
        asking: Asking,
        artifacts: &Artifacts,
    ) -> Result<Submitted, StoreError> {
        let key = spec.key();
        let new = || {
            let now = self.bucket.connection().server_time();
            Build::new(spec.clone(), asking.catalog_revision, now)
        };
        for _ in 0..MAX_RACES {
            let (expected, next) = match self.bucket.read::<Build>(key.as_str()).await? {
                Slot::Vacant => (None, new()),
                Slot::Deleted(revision) => {
                    let is_current = async || {
                        let slot = self.bucket.read::<Build>(key.as_str()).await?;
                        Ok(matches!(slot, Slot::Deleted(now) if now == revision))
                    };
                    logs::forget(self.bucket.connection(), &key, is_current).await?;
                    (Some(revision), new())
                }
                // An operator who asks for it has it made anew.
                Slot::Unreadable { revision, .. } if asking.force => (Some(revision), new()),
                Slot::Unreadable { problem, .. } => return Err(problem),
                Slot::Held(entry) => {
                    let seen = without_lost_artifact(entry.value.clone(), artifacts).await?;
                    let retry = self.retry(&seen, asking);
                    match seen.request_again(retry, asking.catalog_revision) {
                        Some(next) => (Some(entry.revision), next),
                        None => return Ok(Submitted::Existing(entry)),
                    }
                }
            };
            self.bucket.check_connection()?;
            open::announce(&self.bucket, &key).await;
            if let Written::Won(record) = self.bucket.write(key.as_str(), next, expected).await? {
                return Ok(Submitted::Queued(record));
            }
        }
        Err(contended(&key))
    }

    /// What asking again may start anew of a build that stands so.
    pub fn retry(&self, build: &Build, asking: Asking) -> Retry {
        if asking.force {
            return Retry::Forced;
        }
        let now = self.bucket.connection().server_time();
        let has_rested = build
            .finished()
            .is_some_and(|finished| now - finished >= asking.retry_after);
        if has_rested {
            Retry::Rested
        } else {
            Retry::Passing
        }
    }

    /// Whether the record under this key is another build's, or none: then what a request is told is that, and an
    /// operator may remove it.
    pub async fn is_unreadable(&self, key: &BuildKey) -> Result<bool, StoreError> {
        let slot = self.bucket.read::<Build>(key.as_str()).await?;
        Ok(matches!(slot, Slot::Unreadable { .. }))
    }
}

/// A success whose binary is gone, or lacks chunks, is treated as expired.
async fn without_lost_artifact(build: Build, artifacts: &Artifacts) -> Result<Build, StoreError> {
    if let BuildState::Success {
        artifact,
        expired: false,
        ..
    } = build.state()
        && !artifacts.is_whole(artifact.name.as_str()).await?
    {
        return build
            .expire()
            .map_err(|error| StoreError::corrupt("success", &error));
    }
    Ok(build)
}
