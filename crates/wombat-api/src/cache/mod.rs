//! Cache of binaries on the gateway's own disk, because an object store can't be read from the middle.
//!
//! A file is named by its digest. It is fetched once for all clients that want it, under a temporary name; it gets its own
//! only when it is complete and verified. Files that are being read are never evicted; of the others, the least recently
//! used goes first. A file that finds no room beside those comes straight from the object store. `jobs`: verifying and fetching a file once for all · `file`: reading one · `disk`: storing and verifying
//! one · `folder`: all of them together · `ledger`: which there are · `trouble`: why none can be stored · `direct`: downloads
//! that bypass the cache.
//!
//! The disk isn't trusted: a file's bytes are verified when this process first opens it, and again when its metadata has
//! changed since. A file with other bytes is removed and fetched again.

mod direct;
mod disk;
mod file;
mod folder;
mod jobs;
mod ledger;
mod trouble;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::timeout};
use wombat_model::Artifact;
use wombat_store::Artifacts;

pub(crate) use self::{direct::DirectRead, file::CachedFile, folder::CacheStatus};
use self::{
    file::{Hold, Opened},
    folder::Folder,
    jobs::{FileJob, FileJobs, JobOutcome},
};
use crate::ApiError;

/// Concurrent downloads that bypass the disk: each takes a reader of the object store.
const DIRECT: usize = 32;
/// How long a further one waits for its turn.
const DIRECT_WAIT: Duration = Duration::from_secs(5);

/// Where a download comes from.
pub(crate) enum Source {
    /// From a file of the cache.
    File(CachedFile),
    /// Straight from the object store.
    Direct(DirectRead),
}

/// The cache.
pub(crate) struct ArtifactCache {
    folder: Arc<Folder>,
    jobs: Arc<FileJobs>,
    artifacts: Artifacts,
    direct: Arc<Semaphore>,
}

impl ArtifactCache {
    /// Opens a folder for up to `limit` bytes, and makes it if it is missing. If it can't be used, downloads come from the
    /// object store.
    pub(crate) async fn open(path: PathBuf, limit: u64, artifacts: Artifacts) -> Self {
        let folder = Arc::new(Folder::open(path, limit).await);
        Self {
            jobs: Arc::new(FileJobs::new(Arc::clone(&folder), artifacts.clone())),
            folder,
            artifacts,
            direct: Arc::new(Semaphore::new(DIRECT)),
        }
    }

    /// The file of an artifact, if it is on the disk and has the right bytes. Needs no NATS.
    pub(crate) async fn kept(&self, artifact: &Artifact) -> Option<CachedFile> {
        let hold = Hold::new(Arc::clone(&self.folder), artifact);
        match hold.open().await {
            Opened::Verified(file, stamp) => return Some(CachedFile::new(file, stamp, hold)),
            Opened::Missing => return None,
            Opened::Unverified => {}
        }
        match self.jobs.run(FileJob::Verify, artifact).await {
            JobOutcome::Whole => verified(hold).await,
            JobOutcome::Absent | JobOutcome::NotStored | JobOutcome::Failed(_) => None,
        }
    }

    /// The artifact from the object store, through the disk if that can store it. `None`: the object store doesn't have it.
    pub(crate) async fn fetched(&self, artifact: &Artifact) -> Result<Option<Source>, ApiError> {
        if self.folder.is_in_trouble() {
            return self.direct(artifact).await;
        }
        let hold = Hold::new(Arc::clone(&self.folder), artifact);
        if !hold.reserve() {
            drop(hold);
            return self.direct(artifact).await;
        }
        match self.jobs.run(FileJob::Fetch, artifact).await {
            JobOutcome::Whole => {}
            JobOutcome::Absent => return Ok(None),
            JobOutcome::NotStored => return self.direct(artifact).await,
            JobOutcome::Failed(error) => return Err(error),
        }
        match verified(hold).await {
            Some(file) => Ok(Some(Source::File(file))),
            // The file was changed or removed after the fetch.
            None => self.direct(artifact).await,
        }
    }

    /// Ends the jobs that still run.
    pub(crate) async fn end(&self) {
        self.jobs.end().await;
    }

    async fn direct(&self, artifact: &Artifact) -> Result<Option<Source>, ApiError> {
        let turn = timeout(DIRECT_WAIT, Arc::clone(&self.direct).acquire_owned()).await;
        let Ok(Ok(permit)) = turn else {
            return Err(ApiError::unavailable(format!(
                "The gateway has no room for the binary on its disk, and {DIRECT} downloads bypass the disk already: try again when some have ended. The operator can give it more with --artifact-cache-limit."
            )));
        };
        let begun = DirectRead::begin(&self.artifacts, artifact, permit).await?;
        Ok(begun.map(Source::Direct))
    }

    /// The status of the folder; it is probed at most every few seconds.
    pub(crate) async fn state(&self) -> CacheStatus {
        self.folder.state().await
    }
}

async fn verified(hold: Hold) -> Option<CachedFile> {
    match hold.open().await {
        Opened::Verified(file, stamp) => Some(CachedFile::new(file, stamp, hold)),
        Opened::Unverified | Opened::Missing => None,
    }
}
