//! The folder as a whole: which files are in it, which are evicted, and whether files can be stored.

use std::{collections::HashSet, io, path::PathBuf};

use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::watch, task::JoinHandle};
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
    /// Evicted files that are still on the disk.
    evicted: watch::Sender<HashSet<Sha256>>,
    /// Whose blocking threads remove them.
    runtime: Handle,
}

/// The removal of a file. It is over when this is dropped.
struct Removal {
    digest: Sha256,
    evicted: watch::Sender<HashSet<Sha256>>,
}

impl Drop for Removal {
    fn drop(&mut self) {
        self.evicted.send_modify(|files| {
            files.remove(&self.digest);
        });
    }
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
            evicted: watch::Sender::default(),
            runtime: Handle::current(),
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

    /// Keeps a file from being evicted, if it is there, until it is released as often as it was held.
    pub(super) fn hold(&self, artifact: &Artifact) {
        let mut inner = self.inner.lock();
        inner.ledger.hold(&artifact.sha256, artifact.size);
    }

    /// A file that is held turned out to be on the disk, where another process may have stored it.
    pub(super) fn is_there(&self, digest: &Sha256) {
        let mut inner = self.inner.lock();
        inner.ledger.is_there(digest);
        self.make_room(&mut inner);
    }

    /// Makes room for a file that is held. Returns whether there is any: files that are being read keep theirs.
    pub(super) fn reserve(&self, digest: &Sha256) -> bool {
        let mut inner = self.inner.lock();
        let evicted = inner.ledger.reserve(digest, self.limit);
        let Some(evicted) = evicted else {
            return false;
        };
        for digest in evicted {
            drop(self.remove(digest));
        }
        true
    }

    pub(super) fn release(&self, digest: &Sha256) {
        let mut inner = self.inner.lock();
        inner.ledger.release(digest);
        self.make_room(&mut inner);
    }

    fn make_room(&self, inner: &mut Bookkeeping) {
        for digest in inner.ledger.evict(self.limit) {
            drop(self.remove(digest));
        }
    }

    /// Evicts one more file than the limit asks for; returns whether that made room.
    pub(super) async fn make_more_room(&self) -> bool {
        let removing = {
            let mut inner = self.inner.lock();
            let evicted = inner.ledger.evict_one();
            evicted.map(|digest| self.remove(digest))
        };
        match removing {
            Some(removing) => removing.await.is_ok_and(|removed| removed),
            None => false,
        }
    }

    /// Removes an evicted file. Called under the lock: clients that hold the file from now on wait for the removal.
    fn remove(&self, digest: Sha256) -> JoinHandle<bool> {
        let path = self.file(&digest);
        self.evicted.send_modify(|files| {
            files.insert(digest.clone());
        });
        let removal = Removal {
            digest,
            evicted: self.evicted.clone(),
        };
        self.runtime.spawn_blocking(move || {
            let removed = wombat_files::remove(&path);
            if let Err(error) = &removed {
                warn!(%error, digest = %removal.digest, "can't remove a cached file");
            }
            drop(removal);
            removed.is_ok()
        })
    }

    /// Waits until a file that is held isn't being removed any more.
    pub(super) async fn until_removed(&self, digest: &Sha256) {
        let mut evicted = self.evicted.subscribe();
        // Never fails, since the sender lives as long as the folder.
        drop(evicted.wait_for(|files| !files.contains(digest)).await);
    }

    /// Waits until all evicted files are removed, so that others have room.
    pub(super) async fn until_room(&self) {
        let mut evicted = self.evicted.subscribe();
        drop(evicted.wait_for(HashSet::is_empty).await);
    }
}
