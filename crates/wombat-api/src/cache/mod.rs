//! Binaries on the gateway's own disk, because an object store can't be read from the middle.
//!
//! A file is named by its digest. It is fetched once, however many ask for it, under another name; it gets its own
//! only when it is whole and its bytes were checked. Files that are being read are never removed; of the others the
//! one that wasn't asked for for longest goes first. `folder`: who checks and fetches · `file`: how one is read · `disk`: how
//! one is stored and checked · `ledger`: which are there · `trouble`: what keeps them from being stored · `direct`: downloads
//! without them.
//!
//! Nothing on a disk is believed for long: a file's bytes are checked when this process first opens it, and again when
//! it looks different from what was checked. A file with other bytes is removed and fetched anew.

mod direct;
mod disk;
mod file;
mod folder;
mod ledger;
mod trouble;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::timeout};
use wombat_model::Artifact;
use wombat_store::Artifacts;

pub(crate) use self::{direct::DirectRead, file::CachedFile};
use self::{
    file::{Hold, Opened},
    folder::{Folder, Job, Landed},
};
use crate::ApiError;

/// Downloads without the disk at once: each takes a reader of the object store.
const DIRECT: usize = 32;
/// How long one more waits for its turn.
const DIRECT_WAIT: Duration = Duration::from_secs(5);

/// Where a download comes from.
pub(crate) enum Source {
    /// From a file of the cache.
    File(CachedFile),
    /// Straight from the object store.
    Direct(DirectRead),
}

/// How the folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheState {
    /// Bytes of all files.
    pub(crate) used: u64,
    /// Bytes that they may have.
    pub(crate) limit: u64,
    /// What keeps files from being stored.
    pub(crate) trouble: Option<io::ErrorKind>,
}

/// The folder of binaries.
pub(crate) struct ArtifactCache {
    folder: Arc<Folder>,
    direct: Arc<Semaphore>,
}

impl ArtifactCache {
    /// Opens a folder, made if it isn't there, that holds up to `limit` bytes. Without one downloads come from the object
    /// store.
    pub(crate) async fn open(path: PathBuf, limit: u64, artifacts: Artifacts) -> Self {
        let folder = Folder::open(path, limit, artifacts).await;
        Self {
            folder: Arc::new(folder),
            direct: Arc::new(Semaphore::new(DIRECT)),
        }
    }

    /// The file of an artifact, if it is on the disk and has its bytes. NATS isn't asked.
    pub(crate) async fn kept(&self, artifact: &Artifact) -> Option<CachedFile> {
        let hold = self.folder.hold(artifact);
        match hold.open().await {
            Opened::Checked(file, stamp) => return Some(CachedFile::new(file, stamp, hold)),
            Opened::Nothing => return None,
            Opened::Unknown => {}
        }
        match self.folder.job(Job::Check, artifact).await {
            Landed::Whole => checked(hold).await,
            Landed::Absent | Landed::NoRoom | Landed::Failed(_) => None,
        }
    }

    /// The artifact from the object store, by way of the disk if it takes it. `None`: the object store doesn't have it.
    pub(crate) async fn fetched(&self, artifact: &Artifact) -> Result<Option<Source>, ApiError> {
        if self.folder.is_in_trouble() {
            return self.direct(artifact).await;
        }
        let hold = self.folder.hold(artifact);
        match self.folder.job(Job::Fetch, artifact).await {
            Landed::Whole => {}
            Landed::Absent => return Ok(None),
            Landed::NoRoom => return self.direct(artifact).await,
            Landed::Failed(error) => return Err(error),
        }
        match checked(hold).await {
            Some(file) => Ok(Some(Source::File(file))),
            // It was changed, or removed, since.
            None => self.direct(artifact).await,
        }
    }

    async fn direct(&self, artifact: &Artifact) -> Result<Option<Source>, ApiError> {
        let turn = timeout(DIRECT_WAIT, Arc::clone(&self.direct).acquire_owned()).await;
        let Ok(Ok(permit)) = turn else {
            return Err(ApiError::unavailable(
                "The gateway has no room for binaries on its disk, and too many downloads go without; try again.",
            ));
        };
        let begun = DirectRead::begin(self.folder.artifacts(), artifact, permit).await?;
        Ok(begun.map(Source::Direct))
    }

    /// How the folder is now; it is tried at most every few seconds.
    pub(crate) async fn state(&self) -> CacheState {
        self.folder.state().await
    }
}

async fn checked(hold: Hold) -> Option<CachedFile> {
    match hold.open().await {
        Opened::Checked(file, stamp) => Some(CachedFile::new(file, stamp, hold)),
        Opened::Unknown | Opened::Nothing => None,
    }
}
