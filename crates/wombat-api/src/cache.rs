//! Binaries on the gateway's own disk, because an object store can't be read from the middle.
//!
//! A file is named by its digest. It is fetched once, however many ask for it, under another name; it gets its own
//! only when it is whole and its bytes were checked. Files that are being read are never removed; of the others the
//! one that wasn't read for longest goes first.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use sha2::{Digest, Sha256 as Hasher};
use tokio::{fs, io::AsyncReadExt, sync::Semaphore};
use tracing::{info, warn};
use wombat_model::{Artifact, ArtifactName, Sha256};
use wombat_store::{Artifacts, StoreError};

use crate::ApiError;

/// Ending of files that aren't whole.
const PART: &str = "part";
/// A part that is older was left behind by a process that is gone.
const ABANDONED: Duration = Duration::from_hours(1);
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
struct Kept {
    size: u64,
    /// When it was last asked for, counted in requests.
    used: u64,
    readers: usize,
    /// Whether its bytes were checked in the life of this process.
    checked: bool,
}

#[derive(Default)]
struct Inner {
    files: HashMap<Sha256, Kept>,
    flights: HashMap<Sha256, Flight>,
    uses: u64,
}

impl Inner {
    fn total(&self) -> u64 {
        self.files.values().map(|file| file.size).sum()
    }

    /// Files to remove so that what is kept fits again.
    fn evict(&mut self, limit: u64) -> Vec<Sha256> {
        let mut evicted = Vec::new();
        while self.total() > limit {
            let oldest = self
                .files
                .iter()
                .filter(|(_, file)| file.readers == 0)
                .min_by_key(|(_, file)| file.used)
                .map(|(digest, _)| digest.clone());
            let Some(oldest) = oldest else { break };
            self.files.remove(&oldest);
            evicted.push(oldest);
        }
        evicted
    }
}

/// The folder of binaries.
pub(crate) struct ArtifactCache {
    shared: Arc<Folder>,
}

struct Folder {
    path: PathBuf,
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
        let evicted = {
            let mut inner = self.folder.lock();
            if let Some(file) = inner.files.get_mut(&self.digest) {
                file.readers -= 1;
            }
            inner.evict(self.folder.limit)
        };
        self.folder.remove(&evicted);
    }
}

impl ArtifactCache {
    /// Opens a folder, made if it isn't there, that holds up to `limit` bytes.
    pub(crate) async fn open(path: PathBuf, limit: u64, artifacts: Artifacts) -> io::Result<Self> {
        fs::create_dir_all(&path).await?;
        let inner = Mutex::new(Inner {
            files: found(&path).await?,
            ..Inner::default()
        });
        let folder = Folder {
            path,
            limit,
            artifacts,
            fetches: Semaphore::new(FETCHES),
            inner,
        };
        let evicted = folder.lock().evict(limit);
        folder.remove(&evicted);
        Ok(Self {
            shared: Arc::new(folder),
        })
    }

    /// Whether a file is there and was checked.
    pub(crate) fn holds(&self, digest: &Sha256) -> bool {
        let inner = self.shared.lock();
        inner.files.get(digest).is_some_and(|file| file.checked)
    }

    /// The file of an artifact, fetched if need be. `None`: the object store doesn't have it.
    pub(crate) async fn get(&self, artifact: &Artifact) -> Result<Option<CachedFile>, ApiError> {
        let (file, flight) = self.shared.take(artifact);
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

    fn remove(&self, digests: &[Sha256]) {
        for digest in digests {
            if let Err(error) = std::fs::remove_file(self.file(digest))
                && error.kind() != io::ErrorKind::NotFound
            {
                warn!(%error, %digest, "can't remove a cached file");
            }
        }
    }

    /// Holds the file, and the fetch to wait for unless it is there and checked.
    fn take(self: &Arc<Self>, artifact: &Artifact) -> (CachedFile, Option<Flight>) {
        let digest = &artifact.sha256;
        let mut inner = self.lock();
        inner.uses += 1;
        let used = inner.uses;
        let kept = inner.files.entry(digest.clone()).or_default();
        kept.used = used;
        kept.readers += 1;
        // Counted before it is there, so that it has room when it comes.
        kept.size = artifact.size;
        // Somebody may have tidied the folder by hand.
        let usable = kept.checked && self.file(digest).is_file();
        kept.checked = usable;
        let flight = (!usable).then(|| {
            inner
                .flights
                .entry(digest.clone())
                .or_insert_with(|| self.start(artifact.clone()))
                .clone()
        });
        let evicted = inner.evict(self.limit);
        drop(inner);
        self.remove(&evicted);
        let file = CachedFile {
            folder: Arc::clone(self),
            digest: digest.clone(),
        };
        (file, flight)
    }

    /// Starts a fetch that goes on although whoever asked for it first may leave.
    fn start(self: &Arc<Self>, artifact: Artifact) -> Flight {
        let folder = Arc::clone(self);
        let task = tokio::spawn(async move {
            let fetched = match folder.fetch(&artifact).await {
                Ok(true) => Fetched::Whole,
                Ok(false) => Fetched::Absent,
                Err(error) => Fetched::Failed(error.into()),
            };
            let mut inner = folder.lock();
            inner.flights.remove(&artifact.sha256);
            if let Some(file) = inner.files.get_mut(&artifact.sha256) {
                match fetched {
                    Fetched::Whole => file.checked = true,
                    Fetched::Absent | Fetched::Failed(_) => file.size = 0,
                }
            }
            fetched
        });
        let failed = || Fetched::Failed(wombat_model::Refusal::internal().into());
        async move { task.await.unwrap_or_else(|_| failed()) }
            .boxed()
            .shared()
    }

    async fn fetch(&self, artifact: &Artifact) -> Result<bool, StoreError> {
        let path = self.file(&artifact.sha256);
        if is_intact(&path, artifact).await {
            return Ok(true);
        }
        let _permit = self.fetches.acquire().await;
        let part = path.with_extension(format!("{}.{PART}", uuid::Uuid::new_v4().simple()));
        let fetched = self
            .fetch_into(&artifact.name, &artifact.sha256, &part, &path)
            .await;
        if !matches!(fetched, Ok(true)) {
            // It may not have come to be.
            drop(fs::remove_file(&part).await);
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

/// What an earlier process left in the folder, oldest use first.
async fn found(path: &Path) -> io::Result<HashMap<Sha256, Kept>> {
    let mut entries = fs::read_dir(path).await?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let metadata = entry.metadata().await?;
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if let Ok(digest) = name.parse::<Sha256>() {
            files.push((modified, digest, metadata.len()));
        } else if name.ends_with(PART) && modified.elapsed().is_ok_and(|age| age > ABANDONED) {
            fs::remove_file(entry.path()).await?;
        }
    }
    files.sort();
    Ok(files
        .into_iter()
        .map(|(_, digest, size)| {
            let kept = Kept {
                size,
                ..Kept::default()
            };
            (digest, kept)
        })
        .collect())
}

/// Whether a file that an earlier process left has the bytes that it ought to have.
async fn is_intact(path: &Path, artifact: &Artifact) -> bool {
    let read = async {
        let mut file = fs::File::open(path).await?;
        if file.metadata().await?.len() != artifact.size {
            return Ok(false);
        }
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = file.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
        }
        Ok::<_, io::Error>(Sha256::from_bytes(hasher.finalize().into()) == artifact.sha256)
    };
    read.await.unwrap_or(false)
}
