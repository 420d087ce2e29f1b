//! The folder as a whole: which files are in it, which are evicted, and whether files can be stored.

use std::{io, path::PathBuf};

use parking_lot::Mutex;
use tracing::warn;
use wombat_model::{Artifact, Sha256};

use super::{
    disk::{self, Stamp},
    ledger::Ledger,
    trouble::Trouble,
};

/// The status of the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CacheStatus {
    /// Bytes of all files.
    pub(crate) used: u64,
    /// Bytes that they may take.
    pub(crate) limit: u64,
    /// What keeps files from being stored.
    pub(crate) trouble: Option<io::ErrorKind>,
}

#[derive(Default)]
struct Bookkeeping {
    ledger: Ledger,
    trouble: Trouble,
}

/// The folder, shared by all downloads.
pub(super) struct Folder {
    path: PathBuf,
    /// Bytes.
    limit: u64,
    inner: Mutex<Bookkeeping>,
}

impl Folder {
    /// Opens the folder; one that can't be used is in trouble from the start.
    pub(super) async fn open(path: PathBuf, limit: u64) -> Self {
        let mut inner = Bookkeeping::default();
        let opened = async {
            disk::try_folder(&path).await?;
            disk::found(&path).await
        };
        match opened.await {
            Ok(found) => inner.ledger = Ledger::of(found),
            Err(error) => {
                warn!(%error, folder = %path.display(), "can't use the folder for binaries: downloads come straight from the object store");
                inner.trouble.failed(&error);
            }
        }
        let folder = Self {
            path,
            limit,
            inner: Mutex::new(inner),
        };
        folder.make_room(&mut folder.inner.lock());
        folder
    }

    /// Whether storing a file failed a moment ago.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.inner.lock().trouble.is_fresh()
    }

    /// The status now; the folder is probed at most every few seconds.
    pub(super) async fn state(&self) -> CacheStatus {
        let needs_probe = self.inner.lock().trouble.needs_probe();
        if needs_probe {
            let probe = disk::try_folder(&self.path).await;
            self.inner.lock().trouble.probed(probe.as_ref().err());
        }
        let inner = self.inner.lock();
        CacheStatus {
            used: inner.ledger.used(),
            limit: self.limit,
            trouble: inner.trouble.reason(),
        }
    }

    pub(super) fn file(&self, digest: &Sha256) -> PathBuf {
        self.path.join(digest.as_str())
    }

    pub(super) fn verified(&self, digest: &Sha256) -> Option<Stamp> {
        self.inner.lock().ledger.verified(digest)
    }

    pub(super) fn set_verified(&self, digest: &Sha256, verified: Option<Stamp>) {
        self.inner.lock().ledger.set_verified(digest, verified);
    }

    /// A file was stored.
    pub(super) fn stored(&self, digest: &Sha256, stamp: Stamp) {
        let mut inner = self.inner.lock();
        inner.ledger.set_verified(digest, Some(stamp));
        inner.trouble.stored();
    }

    /// A file couldn't be stored on the disk.
    pub(super) fn failed(&self, digest: &Sha256, error: &io::Error) {
        let mut inner = self.inner.lock();
        inner.ledger.set_verified(digest, None);
        inner.trouble.failed(error);
    }

    /// Keeps a file from being evicted, even before it is fetched, until it is released as often as it was held.
    pub(super) fn hold(&self, artifact: &Artifact) {
        let mut inner = self.inner.lock();
        inner.ledger.hold(&artifact.sha256, artifact.size);
        self.make_room(&mut inner);
    }

    pub(super) fn release(&self, digest: &Sha256) {
        let mut inner = self.inner.lock();
        inner.ledger.release(digest);
        self.make_room(&mut inner);
    }

    /// Under the lock, so that no client opens a file between the decision and its removal.
    fn make_room(&self, inner: &mut Bookkeeping) {
        for digest in inner.ledger.evict(self.limit) {
            self.remove_now(&digest);
        }
    }

    /// Evicts one more file than the limit asks for; returns whether that made room.
    pub(super) fn make_more_room(&self) -> bool {
        let mut inner = self.inner.lock();
        let evicted = inner.ledger.evict_one();
        evicted.is_some_and(|digest| self.remove_now(&digest))
    }

    fn remove_now(&self, digest: &Sha256) -> bool {
        let removed = wombat_files::remove(&self.file(digest));
        if let Err(error) = &removed {
            warn!(%error, %digest, "can't remove a cached file");
        }
        removed.is_ok()
    }
}
