//! Binaries on the gateway's own disk, because an object store can't be read from the middle.
//!
//! A file is named by its digest. It is fetched once, however many ask for it, under another name; it gets its own
//! only when it is whole and its bytes were checked. Files that are being read are never removed; of the others the
//! one that wasn't asked for for longest goes first.

mod disk;
mod ledger;

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
use tokio::{fs, sync::Semaphore};
use tracing::{info, warn};
use wombat_model::{Artifact, ArtifactName, Refusal, Sha256};
use wombat_store::{Artifacts, StoreError};

use self::ledger::Ledger;
use crate::ApiError;

/// Fetches at once.
const FETCHES: usize = 4;

/// A fetch that all who ask for the file share.
type Flight = Shared<BoxFuture<'static, Fetched>>;

/// How a fetch ended.
#[derive(Clone)]
enum Fetched {
    Whole,
    /// There is no such object.
    Absent,
    Failed(ApiError),
}

#[derive(Default)]
struct Inner {
    ledger: Ledger,
    flights: HashMap<Sha256, Flight>,
}

/// The folder of binaries.
pub(crate) struct ArtifactCache(Arc<Folder>);

struct Folder {
    path: PathBuf,
    /// Bytes.
    limit: u64,
    artifacts: Artifacts,
    fetches: Semaphore,
    inner: Mutex<Inner>,
}

/// A file that stays while this lives.
pub(crate) struct CachedFile {
    folder: Arc<Folder>,
    digest: Sha256,
}

impl CachedFile {
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.file(&self.digest)
    }
}

impl Drop for CachedFile {
    fn drop(&mut self) {
        let mut inner = self.folder.lock();
        inner.ledger.release(&self.digest);
        self.folder.make_room(&mut inner);
    }
}

impl ArtifactCache {
    /// Opens a folder, made if it isn't there, that holds up to `limit` bytes.
    pub(crate) async fn open(path: PathBuf, limit: u64, artifacts: Artifacts) -> io::Result<Self> {
        fs::create_dir_all(&path).await?;
        let inner = Inner {
            ledger: Ledger::of(disk::found(&path).await?),
            ..Inner::default()
        };
        let folder = Folder {
            path,
            limit,
            artifacts,
            fetches: Semaphore::new(FETCHES),
            inner: Mutex::new(inner),
        };
        folder.make_room(&mut folder.lock());
        Ok(Self(Arc::new(folder)))
    }

    /// Whether a file is there and was checked.
    pub(crate) fn holds(&self, digest: &Sha256) -> bool {
        self.0.lock().ledger.is_checked(digest)
    }

    /// The file of an artifact, fetched if need be. `None`: the object store doesn't have it.
    pub(crate) async fn get(&self, artifact: &Artifact) -> Result<Option<CachedFile>, ApiError> {
        let (file, flight) = self.0.take(artifact);
        let Some(flight) = flight else {
            return Ok(Some(file));
        };
        match flight.await {
            Fetched::Whole => Ok(Some(file)),
            Fetched::Absent => Ok(None),
            Fetched::Failed(error) => Err(error),
        }
    }
}

impl Folder {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, digest: &Sha256) -> PathBuf {
        self.path.join(digest.as_str())
    }

    /// Under the lock, so that nobody takes a file between the decision and the deed.
    fn make_room(&self, inner: &mut Inner) {
        for digest in inner.ledger.evict(self.limit) {
            if let Err(error) = std::fs::remove_file(self.file(&digest))
                && error.kind() != io::ErrorKind::NotFound
            {
                warn!(%error, %digest, "can't remove a cached file");
            }
        }
    }

    fn held(self: &Arc<Self>, inner: &mut Inner, artifact: &Artifact) -> CachedFile {
        inner.ledger.hold(&artifact.sha256, artifact.size);
        CachedFile {
            folder: Arc::clone(self),
            digest: artifact.sha256.clone(),
        }
    }

    /// Holds the file, and gives the fetch to wait for unless it is there and checked.
    fn take(self: &Arc<Self>, artifact: &Artifact) -> (CachedFile, Option<Flight>) {
        let digest = &artifact.sha256;
        let mut inner = self.lock();
        let file = self.held(&mut inner, artifact);
        // Somebody may have tidied the folder by hand.
        let usable = inner.ledger.is_checked(digest) && self.file(digest).is_file();
        let flight = (!usable).then(|| match inner.flights.get(digest) {
            Some(flight) => flight.clone(),
            None => self.start(&mut inner, artifact),
        });
        self.make_room(&mut inner);
        (file, flight)
    }

    /// Starts a fetch that goes on although whoever asked for it first may leave.
    fn start(self: &Arc<Self>, inner: &mut Inner, artifact: &Artifact) -> Flight {
        let file = self.held(inner, artifact);
        let folder = Arc::clone(self);
        let artifact = artifact.clone();
        let digest = artifact.sha256.clone();
        let task = tokio::spawn(async move {
            let fetched = match folder.fetch(&artifact).await {
                Ok(true) => Fetched::Whole,
                Ok(false) => Fetched::Absent,
                Err(error) => Fetched::Failed(error.into()),
            };
            let mut inner = folder.lock();
            inner.flights.remove(&artifact.sha256);
            let whole = matches!(fetched, Fetched::Whole);
            inner.ledger.set_checked(&artifact.sha256, whole);
            drop(inner);
            drop(file);
            fetched
        });
        let flight = async move {
            task.await
                .unwrap_or_else(|_| Fetched::Failed(Refusal::internal().into()))
        }
        .boxed()
        .shared();
        inner.flights.insert(digest, flight.clone());
        flight
    }

    async fn fetch(&self, artifact: &Artifact) -> Result<bool, StoreError> {
        let path = self.file(&artifact.sha256);
        if disk::is_intact(&path, artifact).await {
            return Ok(true);
        }
        disk::remove(&path).await?;
        let _permit = self.fetches.acquire().await;
        let part = disk::part_of(&path);
        let fetched = self
            .fetch_into(&artifact.name, &artifact.sha256, &part, &path)
            .await;
        if !matches!(fetched, Ok(true)) {
            disk::remove(&part).await?;
        }
        fetched
    }

    async fn fetch_into(
        &self,
        name: &ArtifactName,
        digest: &Sha256,
        part: &Path,
        path: &Path,
    ) -> Result<bool, StoreError> {
        if !self.artifacts.fetch(name, digest, part).await? {
            return Ok(false);
        }
        // Its name must not outlive its bytes when the power fails.
        fs::File::open(part).await?.sync_all().await?;
        fs::rename(part, path).await?;
        info!(%name, "cached");
        Ok(true)
    }
}
