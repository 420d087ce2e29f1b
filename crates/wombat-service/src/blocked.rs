//! Which finished builds the blocklist hits: by the modules that were requested, and those that the builder recorded.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt as _, stream};
use lru::LruCache;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};
use wombat_model::{
    ArtifactName, Blocklist, BlocklistHit, CompiledModule, ModulePattern, Status,
    wire::{BlocklistEffect, BuildJson},
};
use wombat_store::{Artifacts, StoreError};

/// Verdicts that are remembered.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");
/// How long the modules of finished builds are read, to count those that a new list hits: the client waits.
const COUNTING: Duration = Duration::from_millis(800);
/// Binaries whose modules are read at once.
const AT_ONCE: usize = 32;

/// Whether a list blocks a binary.
#[derive(Debug)]
struct Verdict {
    list: Arc<Blocklist>,
    hit: Option<BlocklistHit>,
}

/// Compares finished builds with the blocklist.
#[derive(Debug)]
pub(crate) struct BlockedBuilds {
    artifacts: Artifacts,
    verdicts: Mutex<LruCache<ArtifactName, Verdict>>,
}

impl BlockedBuilds {
    pub(crate) fn new(artifacts: Artifacts) -> Self {
        Self {
            artifacts,
            verdicts: Mutex::new(LruCache::new(CAPACITY)),
        }
    }

    /// The first module of a build that the list blocks. While the recorded modules can't be read, only those that were
    /// requested count.
    pub(crate) async fn hit(
        &self,
        build: &BuildJson,
        list: &Arc<Blocklist>,
    ) -> Option<BlocklistHit> {
        if list.is_empty() {
            return None;
        }
        let requested = hit_of_request(build, list);
        let Some(name) = build.artifact.as_ref().filter(|_| requested.is_none()) else {
            return requested;
        };
        if let Some(verdict) = self.verdicts.lock().get(name)
            && Arc::ptr_eq(&verdict.list, list)
        {
            return verdict.hit.clone();
        }
        match self.artifacts.modules(name).await {
            Ok(modules) => {
                let hit = modules.and_then(|modules| list.hit_of_binary(&modules));
                let verdict = Verdict {
                    list: Arc::clone(list),
                    hit: hit.clone(),
                };
                self.verdicts.lock().put(name.clone(), verdict);
                hit
            }
            Err(error) => {
                warn!(artifact = %name, %error, "can't read which modules a binary has");
                None
            }
        }
    }

    /// The names of all binaries in the store.
    pub(crate) async fn binaries(&self) -> Result<Vec<ArtifactName>, StoreError> {
        let objects = self.artifacts.list().await?.into_iter();
        Ok(objects
            .filter_map(|object| object.name.parse().ok())
            .collect())
    }

    /// Counts which of these builds the list hits. Builds without a binary don't count.
    pub(crate) async fn effect(&self, builds: Vec<BuildJson>, list: &Blocklist) -> BlocklistEffect {
        let until = Instant::now() + COUNTING;
        let finished = builds.into_iter().filter(|build| {
            build.status == Status::Success && !build.expired && build.artifact.is_some()
        });
        let read = stream::iter(finished).map(async |build| {
            let modules = match &build.artifact {
                Some(name) if !list.is_empty() => {
                    timeout_at(until, self.artifacts.modules(name)).await
                }
                Some(_) | None => Ok(Ok(None)),
            };
            let modules = modules.ok().and_then(|read| {
                read.inspect_err(|error| debug!(%error, "can't read modules"))
                    .ok()
            });
            (build, modules.flatten())
        });
        let mut read = std::pin::pin!(read.buffer_unordered(AT_ONCE));
        let mut entries = Entries::of(list);
        let mut effect = BlocklistEffect::default();
        while let Some((build, modules)) = read.next().await {
            let mut hit = BTreeSet::new();
            for (path, version) in &build.modules {
                hit.extend(entries.matching(path.as_str(), version.as_str()));
            }
            for CompiledModule { path, version } in modules.iter().flatten() {
                hit.extend(entries.matching(path, version));
            }
            effect.unread += u64::from(modules.is_none() && !list.is_empty());
            effect.builds += u64::from(!hit.is_empty());
            for entry in hit {
                *effect.by_entry.entry(entry.clone()).or_default() += 1;
            }
        }
        effect
    }
}

fn hit_of_request(build: &BuildJson, list: &Blocklist) -> Option<BlocklistHit> {
    let mut modules = build.modules.iter();
    modules.find_map(|(path, version)| list.hit(path.as_str(), version.as_str()))
}

/// The entries that match each module. Many builds have the same modules, so each is compared once.
struct Entries<'a> {
    list: &'a Blocklist,
    known: BTreeMap<(String, String), Vec<&'a ModulePattern>>,
}

impl<'a> Entries<'a> {
    fn of(list: &'a Blocklist) -> Self {
        Self {
            list,
            known: BTreeMap::new(),
        }
    }

    fn matching(&mut self, path: &str, version: &str) -> Vec<&'a ModulePattern> {
        let list = self.list;
        let matching = self.known.entry((path.to_owned(), version.to_owned()));
        matching
            .or_insert_with(|| list.matching(path, version).collect())
            .clone()
    }
}
