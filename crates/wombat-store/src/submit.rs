//! Requesting a build.

use std::time::Duration;

use futures::future::try_join;
use wombat_model::{Build, BuildSpec, BuildState, Failure, Retry};

use crate::{
    Artifacts, Builds, Settled, StoreError, Versioned, Written,
    builds::{MAX_RACES, contended},
    logs, open,
    publications::Granted,
    record::Slot,
    settle::{restore, settle},
};

/// Outcome of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Submitted {
    /// The build waits for a builder now.
    Queued(Versioned<Build>),
    /// The answer is the record as it is.
    Existing(Versioned<Build>),
}

impl Submitted {
    /// The record, in either case.
    pub fn into_record(self) -> Versioned<Build> {
        match self {
            Self::Queued(record) | Self::Existing(record) => record,
        }
    }
}

/// Options of a request.
#[derive(Clone, Copy, Debug)]
pub struct SubmitOptions {
    /// Whether a finished build is built again, whatever its outcome.
    pub force: bool,
    /// How long a failure because of the request or a package is the answer before a new request tries again.
    pub retry_after: Duration,
    /// Revision of the catalog that the request was resolved with.
    pub catalog_revision: u64,
}

impl SubmitOptions {
    /// Options for building a finished build again.
    pub fn forced() -> Self {
        Self {
            force: true,
            ..Self::default()
        }
    }
}

impl Default for SubmitOptions {
    /// Not forced, and without a catalog revision.
    fn default() -> Self {
        Self {
            force: false,
            retry_after: Duration::from_mins(10),
            catalog_revision: 0,
        }
    }
}

impl Builds {
    /// Requests a build: without a record it is queued; otherwise the record is the answer, or is queued again if its
    /// outcome may change (see [`Build::request_again`]). A success whose binary lost bytes counts as expired, and a
    /// damaged record as none. Whatever is queued is granted before. A record that was removed without permission is
    /// restored.
    pub async fn submit(
        &self,
        spec: &BuildSpec,
        options: SubmitOptions,
        artifacts: &Artifacts,
    ) -> Result<Submitted, StoreError> {
        let key = spec.key();
        let new = || {
            let now = self.bucket.connection().server_time();
            Build::new(spec.clone(), options.catalog_revision, now)
        };
        for _ in 0..MAX_RACES {
            let slot = self.bucket.read::<Build>(key.as_str()).await?;
            // What can't be read is put back as well.
            let is_removed = !matches!(slot, Slot::Held(_));
            let deleted = match &slot {
                Slot::Deleted(revision) => Some(*revision),
                Slot::Vacant | Slot::Unreadable { .. } | Slot::Held(_) => None,
            };
            let (expected, next) = match slot {
                Slot::Vacant => (None, new()),
                // Only a forced request replaces what a newer version wrote.
                Slot::Unreadable {
                    problem,
                    is_newer: true,
                    ..
                } if !options.force => return Err(problem),
                Slot::Deleted(revision) | Slot::Unreadable { revision, .. } => {
                    (Some(revision), new())
                }
                Slot::Held(entry) => {
                    let checked = without_lost_artifact(entry.value.clone(), artifacts);
                    let (seen, agrees) = try_join(checked, self.agrees(&entry, artifacts)).await?;
                    if !agrees {
                        continue;
                    }
                    let retry = self.retry(&seen, options);
                    match seen.request_again(retry, options.catalog_revision) {
                        Some(next) => (Some(entry.revision), next),
                        None => return Ok(Submitted::Existing(entry)),
                    }
                }
            };
            self.bucket.check_connection()?;
            let granted = self.publications.grant(&key, expected, is_removed);
            if let Granted::Published(published) = granted.await? {
                restore(self, artifacts, next, expected, &published).await?;
                continue;
            }
            // Only now: a record that is restored keeps its log.
            if let Some(deleted) = deleted {
                let is_current = async || {
                    let slot = self.bucket.read::<Build>(key.as_str()).await?;
                    Ok(matches!(slot, Slot::Deleted(now) if now == deleted))
                };
                logs::forget(self.bucket.connection(), &key, is_current).await?;
            }
            open::announce(&self.bucket, &key).await;
            if let Written::Won(record) = self.bucket.write(key.as_str(), next, expected).await? {
                return Ok(Submitted::Queued(record));
            }
        }
        Err(contended(&key))
    }

    /// Whether a finished build agrees with what is published of it. If not, its record is put back.
    async fn agrees(
        &self,
        entry: &Versioned<Build>,
        artifacts: &Artifacts,
    ) -> Result<bool, StoreError> {
        if open::is_open(&entry.value) {
            return Ok(true);
        }
        Ok(match settle(self, artifacts, entry.clone()).await? {
            Settled::Agrees | Settled::Concluded => true,
            Settled::PutBack(_) | Settled::Changed => false,
        })
    }

    /// Which retry a new request of this build amounts to.
    pub fn retry(&self, build: &Build, options: SubmitOptions) -> Retry {
        if options.force {
            return Retry::Forced;
        }
        let now = self.bucket.connection().server_time();
        let has_rested = build
            .finished()
            .is_some_and(|finished| now - finished >= options.retry_after);
        // What was blocked may be permitted since the list is another one.
        let is_other_list = build.failure().is_some_and(Failure::is_blocked)
            && build.catalog_revision() < options.catalog_revision;
        if has_rested || is_other_list {
            Retry::Rested
        } else {
            Retry::Passing
        }
    }
}

/// Treats a success whose binary is gone, or lacks chunks, as expired.
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
