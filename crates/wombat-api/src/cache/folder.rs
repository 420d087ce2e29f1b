//! The folder as a whole: what is done once for all who want a file, and what goes when room is short.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::sync::Semaphore;
use tracing::{info, warn};
use wombat_model::{Artifact, Refusal, Sha256};
use wombat_store::{Artifacts, StoreError};

use super::{
    CacheState,
    disk::{self, Part, Stamp},
    file::{Hold, Opened},
    ledger::Ledger,
    trouble::Trouble,
};
use crate::ApiError;

/// Fetches at once.
const FETCHES: usize = 4;
/// What all who want a file wait for.
pub(super) type Flight = Shared<BoxFuture<'static, Landed>>;

/// What is done for all who want a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Job {
    /// Its bytes on the disk are checked.
    Check,
    /// It is fetched.
    Fetch,
}

/// How that ended.
#[derive(Clone)]
pub(super) enum Landed {
    Whole,
    /// There is no such file, or object.
    Absent,
    /// The disk doesn't take it.
    NoRoom,
    Failed(ApiError),
}

#[derive(Default)]
struct Inner {
    ledger: Ledger,
    flights: HashMap<(Sha256, Job), Flight>,
    trouble: Trouble,
}

/// The folder, shared by all who want files.
pub(super) struct Folder {
    path: PathBuf,
    /// Bytes.
    limit: u64,
    artifacts: Artifacts,
    fetches: Semaphore,
    inner: Mutex<Inner>,
}

/// Why a file isn't fetched.
enum Unfetched {
    Absent,
    Disk(io::Error),
    Store(StoreError),
}

impl From<io::Error> for Unfetched {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl Folder {
    /// Without a folder it is in trouble from the start.
    pub(super) async fn open(path: PathBuf, limit: u64, artifacts: Artifacts) -> Self {
        let mut inner = Inner::default();
        let opened = async {
            disk::try_folder(&path).await?;
            disk::found(&path).await
        };
        match opened.await {
            Ok(found) => inner.ledger = Ledger::of(found),
            Err(error) => {
                warn!(%error, folder = %path.display(), "no folder for binaries: downloads come straight from the object store");
                inner.trouble.failed(&error);
            }
        }
        let folder = Self {
            path,
            limit,
            artifacts,
            fetches: Semaphore::new(FETCHES),
            inner: Mutex::new(inner),
        };
        folder.make_room(&mut folder.lock());
        folder
    }

    pub(super) fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    /// Whether storing a file was tried in vain just now.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.lock().trouble.is_fresh()
    }

    /// How it is now; it is tried at most every few seconds.
    pub(super) async fn state(&self) -> CacheState {
        let wants_a_look = self.lock().trouble.wants_a_look();
        if wants_a_look {
            let looked = disk::try_folder(&self.path).await;
            self.lock().trouble.looked(looked.as_ref().err());
        }
        let inner = self.lock();
        CacheState {
            used: inner.ledger.used(),
            limit: self.limit,
            trouble: inner.trouble.told(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn file(&self, digest: &Sha256) -> PathBuf {
        self.path.join(digest.as_str())
    }

    pub(super) fn checked(&self, digest: &Sha256) -> Option<Stamp> {
        self.lock().ledger.checked(digest)
    }

    pub(super) fn hold(self: &Arc<Self>, artifact: &Artifact) -> Hold {
        let mut inner = self.lock();
        inner.ledger.hold(&artifact.sha256, artifact.size);
        self.make_room(&mut inner);
        Hold {
            folder: Arc::clone(self),
            digest: artifact.sha256.clone(),
        }
    }

    pub(super) fn release(&self, digest: &Sha256) {
        let mut inner = self.lock();
        inner.ledger.release(digest);
        self.make_room(&mut inner);
    }

    /// Under the lock, so that no client takes a file between the decision and the deed.
    fn make_room(&self, inner: &mut Inner) {
        for digest in inner.ledger.evict(self.limit) {
            self.remove_now(&digest);
        }
    }

    /// Makes the disk less full than the limit would have it; whether that was possible.
    fn make_more_room(&self) -> bool {
        let mut inner = self.lock();
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

    /// Joins a job, or starts it. It goes on although the client that asked first may leave.
    pub(super) fn job(self: &Arc<Self>, job: Job, artifact: &Artifact) -> Flight {
        let hold = self.hold(artifact);
        let mut inner = self.lock();
        let key = (artifact.sha256.clone(), job);
        if let Some(flight) = inner.flights.get(&key) {
            let flight = flight.clone();
            drop(inner);
            drop(hold);
            return flight;
        }
        let folder = Arc::clone(self);
        let artifact = artifact.clone();
        let (name, kept) = (key.clone(), Arc::clone(self));
        let task = tokio::spawn(async move {
            let landed = match job {
                Job::Check => folder.check(&artifact).await,
                Job::Fetch => folder.fetch(&artifact, &hold).await,
            };
            kept.lock().flights.remove(&name);
            drop(hold);
            landed
        });
        let flight = async move {
            task.await
                .unwrap_or_else(|_| Landed::Failed(Refusal::internal().into()))
        }
        .boxed()
        .shared();
        inner.flights.insert(key, flight.clone());
        flight
    }

    async fn check(&self, artifact: &Artifact) -> Landed {
        let digest = &artifact.sha256;
        let path = self.file(digest);
        let _permit = self.fetches.acquire().await;
        let proved = disk::proved(&path, artifact).await;
        let stamp = proved.as_ref().ok().copied().flatten();
        self.lock().ledger.set_checked(digest, stamp);
        if stamp.is_some() {
            return Landed::Whole;
        }
        warn!(%digest, error = ?proved.err(), "a cached file doesn't have its bytes; it is removed");
        if let Err(error) = disk::remove(&path).await {
            warn!(%error, %digest, "can't remove a cached file");
        }
        Landed::Absent
    }

    async fn fetch(&self, artifact: &Artifact, hold: &Hold) -> Landed {
        let _permit = self.fetches.acquire().await;
        // It may have come after it was looked for.
        if matches!(hold.open().await, Opened::Checked(..)) {
            return Landed::Whole;
        }
        let stored = self.store(artifact).await;
        let mut inner = self.lock();
        let stamp = stored.as_ref().ok().copied();
        inner.ledger.set_checked(&artifact.sha256, stamp);
        match stored {
            Ok(_) => {
                inner.trouble.stored();
                info!(name = %artifact.name, "cached");
                Landed::Whole
            }
            Err(Unfetched::Absent) => Landed::Absent,
            Err(Unfetched::Disk(error)) => {
                warn!(%error, name = %artifact.name, "the disk doesn't take a binary: it comes straight from the object store");
                inner.trouble.failed(&error);
                Landed::NoRoom
            }
            Err(Unfetched::Store(error)) => Landed::Failed(error.into()),
        }
    }

    async fn store(&self, artifact: &Artifact) -> Result<Stamp, Unfetched> {
        let path = self.file(&artifact.sha256);
        let part = Part::create(&path).await?;
        let part_path = part.path();
        let stored = self.store_as(artifact, part, &path).await;
        if stored.is_err() {
            disk::remove(&part_path).await?;
        }
        stored
    }

    async fn store_as(
        &self,
        artifact: &Artifact,
        mut part: Part,
        path: &Path,
    ) -> Result<Stamp, Unfetched> {
        let reader = self.artifacts.reader(artifact.name.as_str()).await;
        let mut reader = reader.map_err(Unfetched::Store)?.ok_or(Unfetched::Absent)?;
        loop {
            match reader.next().await {
                Ok(Some(chunk)) => part.write(&chunk, || self.make_more_room()).await?,
                Ok(None) => break,
                Err(StoreError::Lost(_)) => return Err(Unfetched::Absent),
                Err(error) => return Err(Unfetched::Store(error)),
            }
        }
        if reader.sha256() != artifact.sha256 {
            return Err(Unfetched::Store(StoreError::Corrupt {
                name: artifact.name.to_string(),
                problem: "its bytes don't have its SHA-256".to_owned(),
            }));
        }
        Ok(part.finish(path).await?)
    }
}
