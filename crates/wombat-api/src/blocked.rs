//! Binaries that aren't served or run, because the operator blocks a module in them.
//!
//! The list is followed, so that a download asks no leader. The modules of a binary are those that its linker recorded in
//! it, if its file is on the disk; else those that its builder recorded beside it. A verdict is remembered until the list
//! is another one.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use bytes::Bytes;
use lru::LruCache;
use parking_lot::Mutex;
use tokio::{sync::watch, time::timeout};
use tracing::warn;
use wombat_binary::{BuildInfo, ModuleSource, ReadError};
use wombat_model::{
    Artifact, ArtifactName, Blocklist, BlocklistHit, Build, CompiledModule, Problem, ProblemCode,
    Refusal, RefusalStatus, wire::BuildView,
};
use wombat_store::{Artifacts, Catalog, Followers, WatchEvent};

use crate::{
    ApiError,
    cache::{ArtifactCache, CachedFile, Source},
    gateway::{Gateway, parsed},
};

/// Verdicts that are remembered.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");
/// Longest wait for the list after the start of the gateway.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// Whether a list blocks a binary.
#[derive(Clone)]
struct Verdict {
    list: Arc<Blocklist>,
    hit: Option<BlocklistHit>,
}

/// Compares binaries with the blocklist.
pub(crate) struct BlockedBinaries {
    /// `None` until it was read once.
    list: watch::Receiver<Option<Arc<Blocklist>>>,
    gateway: Gateway,
    artifacts: Artifacts,
    cache: Arc<ArtifactCache>,
    verdicts: Mutex<LruCache<ArtifactName, Verdict>>,
}

impl BlockedBinaries {
    /// Follows the list with the other followers.
    pub(crate) fn start(
        (gateway, catalog): (Gateway, &Catalog),
        artifacts: Artifacts,
        cache: Arc<ArtifactCache>,
        followers: &Followers,
    ) -> Self {
        let (sender, list) = watch::channel(None);
        let (catalog, stop) = (catalog.clone(), followers.stop().clone());
        followers.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = follow(&catalog, &sender) => {}
            }
        });
        Self {
            list,
            gateway,
            artifacts,
            cache,
            verdicts: Mutex::new(LruCache::new(CAPACITY)),
        }
    }

    /// Refuses the binary of a build if the operator blocks one of its modules.
    ///
    /// # Errors
    /// 451 with the operator's reason; 503 if the list or the modules can't be read now.
    pub(crate) async fn refuse(&self, build: &Build, artifact: &Artifact) -> Result<(), ApiError> {
        let list = self.list().await?;
        if list.is_empty() {
            return Ok(());
        }
        let hit = match self.known(&artifact.name, &list) {
            Some(verdict) => verdict.hit,
            None => self.compared(build, artifact, &list).await?,
        };
        hit.map_or(Ok(()), |hit| Err(Refusal::blocked(&hit).into()))
    }

    async fn list(&self) -> Result<Arc<Blocklist>, ApiError> {
        let mut list = self.list.clone();
        let read = timeout(FIRST_LOOK, list.wait_for(Option::is_some)).await;
        let read = read.ok().and_then(Result::ok);
        read.and_then(|list| list.clone()).ok_or_else(|| {
            warn!(
                "downloads are refused until the blocklist is known; the gateway's NATS user must be allowed to follow \
                 `$KV.catalog.blocklist`, as `wombat setup --write-config` allows it"
            );
            ApiError::unavailable("The operator's blocklist can't be read yet; try again.")
        })
    }

    fn known(&self, name: &ArtifactName, list: &Arc<Blocklist>) -> Option<Verdict> {
        let mut verdicts = self.verdicts.lock();
        let verdict = verdicts.get(name)?;
        Arc::ptr_eq(&verdict.list, list).then(|| verdict.clone())
    }

    async fn compared(
        &self,
        build: &Build,
        artifact: &Artifact,
        list: &Arc<Blocklist>,
    ) -> Result<Option<BlocklistHit>, ApiError> {
        let hit = match list.hit_of_spec(build.spec()) {
            Some(hit) => Some(hit),
            None => match self.modules(artifact).await? {
                Some(modules) => list.hit_of_binary(&modules),
                // Looked for again: its file may come onto the disk.
                None => return Ok(None),
            },
        };
        let verdict = Verdict {
            list: Arc::clone(list),
            hit: hit.clone(),
        };
        self.verdicts.lock().put(artifact.name.clone(), verdict);
        Ok(hit)
    }

    /// The modules of a binary; `None` if they aren't known. Fetches the binary only if its builder recorded none.
    async fn modules(&self, artifact: &Artifact) -> Result<Option<Vec<CompiledModule>>, ApiError> {
        if let Some(file) = self.cache.kept(artifact).await {
            return linked(artifact, file).await;
        }
        let recorded = self.artifacts.modules(&artifact.name);
        if let Some(modules) = self.gateway.read(recorded).await? {
            return Ok(Some(modules));
        }
        let finding = self.artifacts.find(artifact.name.as_str());
        if self.gateway.read(finding).await?.is_none() {
            return Ok(None);
        }
        match self.cache.fetched(artifact).await? {
            Some(Source::File(file)) => linked(artifact, file).await,
            Some(Source::Direct(_)) | None => Ok(None),
        }
    }
}

/// A build that was requested to be downloaded, unless the operator blocks it.
///
/// # Errors
/// 451 with the operator's reason, whether the service refused the request or the build is finished.
pub(crate) fn to_download(answer: Result<Bytes, ApiError>) -> Result<BuildView, ApiError> {
    match answer {
        Ok(answer) => {
            let build: BuildView = parsed(&answer)?;
            match &build.blocked {
                Some(hit) => Err(Refusal::blocked(hit).into()),
                None => Ok(build),
            }
        }
        Err(ApiError::Refused(mut refusal)) => {
            let is_blocked = |problem: &Problem| problem.code == ProblemCode::ModuleBlocked;
            if refusal.problems.iter().any(is_blocked) {
                refusal.status = RefusalStatus::Blocked;
            }
            Err(refusal.into())
        }
        Err(error) => Err(error),
    }
}

/// What the linker says. `None`: nothing that can be read.
async fn linked(
    artifact: &Artifact,
    file: CachedFile,
) -> Result<Option<Vec<CompiledModule>>, ApiError> {
    let (mut file, hold) = file.into_std().await;
    let reading = tokio::task::spawn_blocking(move || {
        let _held = hold;
        BuildInfo::of(&mut file)
    });
    match reading.await {
        Ok(Ok(info)) => {
            let named = |ModuleSource { path, version, .. }| CompiledModule { path, version };
            Ok(Some(info.sources().map(named).collect()))
        }
        Ok(Err(ReadError::Unknown(_) | ReadError::TooLarge { .. })) => Ok(None),
        Ok(Err(ReadError::Read(error))) => {
            warn!(artifact = %artifact.name, %error, "a cached file can't be read");
            Err(Refusal::internal().into())
        }
        Err(error) => {
            warn!(artifact = %artifact.name, %error, "reading a cached file failed");
            Err(Refusal::internal().into())
        }
    }
}

/// What was blocked stays blocked while the list can't be read, and until a new bucket was read.
async fn follow(catalog: &Catalog, sender: &watch::Sender<Option<Arc<Blocklist>>>) {
    let mut watcher = catalog.watch_blocklist();
    let mut is_written = false;
    loop {
        let list = match watcher.next().await {
            WatchEvent::Value { record, .. } => record.value,
            WatchEvent::Removed { .. } => Blocklist::default(),
            WatchEvent::Ready if !is_written => Blocklist::default(),
            WatchEvent::Ready => continue,
            WatchEvent::Reset => {
                is_written = false;
                continue;
            }
            WatchEvent::Unreadable { problem, .. } => {
                warn!(
                    problem,
                    "the blocklist can't be read; what it blocked before stays blocked"
                );
                is_written = true;
                sender.send_if_modified(|list| {
                    let is_first = list.is_none();
                    list.get_or_insert_default();
                    is_first
                });
                continue;
            }
        };
        is_written = true;
        sender.send_replace(Some(Arc::new(list)));
    }
}
