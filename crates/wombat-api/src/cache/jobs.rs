//! Jobs that run once for all clients that want a file: verifying its bytes, and fetching it.

use std::{collections::HashMap, io, path::Path, sync::Arc};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};
use tracing::{info, warn};
use wombat_model::{Artifact, Refusal, Sha256};
use wombat_store::{Artifacts, Followers, StoreError};

use super::{
    disk::{self, PartFile, Stamp},
    file::{Hold, Opened},
    folder::Folder,
};
use crate::ApiError;

/// Jobs at once.
const AT_ONCE: usize = 4;
/// The outcome of a job, for all clients that wait for it.
pub(super) type SharedOutcome = Shared<BoxFuture<'static, JobOutcome>>;

/// What a job does with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum FileJob {
    /// Verifies its bytes on the disk.
    Verify,
    /// Fetches it.
    Fetch,
}

/// How a job ended.
#[derive(Clone)]
pub(super) enum JobOutcome {
    Whole,
    /// There is no such file, or object.
    Absent,
    /// The disk couldn't store it.
    NotStored,
    Failed(ApiError),
}

/// Why a fetch failed.
enum FetchError {
    Absent,
    Disk(io::Error),
    Store(StoreError),
}

impl From<io::Error> for FetchError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// The jobs that are running.
pub(super) struct FileJobs {
    folder: Arc<Folder>,
    artifacts: Artifacts,
    permits: Semaphore,
    running: Mutex<HashMap<(Sha256, FileJob), SharedOutcome>>,
    /// Not ended by the gateway's `stop`: running requests may finish, and need them.
    tasks: Followers,
}

impl FileJobs {
    /// No jobs yet.
    pub(super) fn new(folder: Arc<Folder>, artifacts: Artifacts) -> Self {
        Self {
            folder,
            artifacts,
            permits: Semaphore::new(AT_ONCE),
            running: Mutex::default(),
            tasks: Followers::default(),
        }
    }

    /// Ends all jobs; their clients get an error.
    pub(super) async fn end(&self) {
        self.tasks.end().await;
    }

    /// Joins a job, or starts it. It goes on if the client that started it leaves.
    pub(super) fn run(self: &Arc<Self>, job: FileJob, artifact: &Artifact) -> SharedOutcome {
        let hold = Hold::new(Arc::clone(&self.folder), artifact);
        let mut running = self.running.lock();
        let key = (artifact.sha256.clone(), job);
        if let Some(outcome) = running.get(&key) {
            let outcome = outcome.clone();
            drop(running);
            drop(hold);
            return outcome;
        }
        let artifact = artifact.clone();
        let (name, jobs) = (key.clone(), Arc::clone(self));
        let (ended, end) = oneshot::channel();
        let work = async move {
            let outcome = match job {
                FileJob::Verify => jobs.verify(&artifact).await,
                FileJob::Fetch => jobs.fetch(&artifact, &hold).await,
            };
            jobs.running.lock().remove(&name);
            drop(hold);
            // All clients may have left.
            let _unheard = ended.send(outcome);
        };
        let stop = self.tasks.stop().clone();
        self.tasks
            .spawn(stop.run_until_cancelled_owned(work).map(drop));
        let outcome = async move {
            end.await
                .unwrap_or_else(|_| JobOutcome::Failed(Refusal::internal().into()))
        }
        .boxed()
        .shared();
        running.insert(key, outcome.clone());
        outcome
    }

    async fn verify(&self, artifact: &Artifact) -> JobOutcome {
        let digest = &artifact.sha256;
        let path = self.folder.file(digest);
        let _permit = self.permits.acquire().await;
        let verified = disk::verify(&path, artifact).await;
        let stamp = verified.as_ref().ok().copied().flatten();
        self.folder.set_verified(digest, stamp);
        if stamp.is_some() {
            return JobOutcome::Whole;
        }
        warn!(%digest, error = ?verified.err(), "a cached file has wrong bytes; removing it");
        if let Err(error) = disk::remove(&path).await {
            warn!(%error, %digest, "can't remove a cached file");
        }
        JobOutcome::Absent
    }

    async fn fetch(&self, artifact: &Artifact, hold: &Hold) -> JobOutcome {
        let _permit = self.permits.acquire().await;
        // An earlier job may have fetched it since the client looked for it.
        if matches!(hold.open().await, Opened::Verified(..)) {
            return JobOutcome::Whole;
        }
        let digest = &artifact.sha256;
        match self.store(artifact).await {
            Ok(stamp) => {
                self.folder.stored(digest, stamp);
                info!(name = %artifact.name, "cached a binary");
                JobOutcome::Whole
            }
            Err(FetchError::Absent) => {
                self.folder.set_verified(digest, None);
                JobOutcome::Absent
            }
            Err(FetchError::Disk(error)) => {
                warn!(%error, name = %artifact.name, "can't store a binary on the disk: it comes straight from the object store");
                self.folder.failed(digest, &error);
                JobOutcome::NotStored
            }
            Err(FetchError::Store(error)) => {
                self.folder.set_verified(digest, None);
                JobOutcome::Failed(error.into())
            }
        }
    }

    async fn store(&self, artifact: &Artifact) -> Result<Stamp, FetchError> {
        self.folder.until_room().await;
        let path = self.folder.file(&artifact.sha256);
        let part = PartFile::create(&path).await?;
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
        mut part: PartFile,
        path: &Path,
    ) -> Result<Stamp, FetchError> {
        let reader = self.artifacts.reader(artifact.name.as_str()).await;
        let mut reader = reader
            .map_err(FetchError::Store)?
            .ok_or(FetchError::Absent)?;
        // There is room for so many bytes.
        if reader.object().size != artifact.size {
            return Err(FetchError::Store(StoreError::Corrupt {
                name: artifact.name.to_string(),
                problem: "its size isn't the one in the build's record".to_owned(),
            }));
        }
        loop {
            match reader.next().await {
                Ok(Some(chunk)) => self.append(&mut part, &chunk).await?,
                Ok(None) => break,
                Err(StoreError::Lost(_)) => return Err(FetchError::Absent),
                Err(error) => return Err(FetchError::Store(error)),
            }
        }
        if reader.sha256() != artifact.sha256 {
            return Err(FetchError::Store(StoreError::Corrupt {
                name: artifact.name.to_string(),
                problem: "its bytes don't match its SHA-256".to_owned(),
            }));
        }
        Ok(part.finish(path).await?)
    }

    /// Appends bytes. While the disk is full, evicts other files.
    async fn append(&self, part: &mut PartFile, bytes: &[u8]) -> io::Result<()> {
        loop {
            match part.write(bytes).await {
                Err(error) if disk::is_full(&error) => {
                    if !self.folder.make_more_room().await {
                        return Err(error);
                    }
                }
                written => return written,
            }
        }
    }
}
