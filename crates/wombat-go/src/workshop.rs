//! A builder's workshop: everything that its builds share.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use wombat_gocache::{CacheServer, ListScope, LocalCache};
use wombat_goproxy::Relay;
use wombat_model::{BuildSpec, ImportPath, catalog::Licence};
use wombat_store::GoCache;

use super::{
    blocked::BlocklistSource,
    blocking::blocking,
    environment::target_environment,
    graph_store::{GraphStore, set_name},
    job_folder::JobFolder,
    known::KnownPackages,
    limit::Origin,
    module_use::ModuleUse,
    modules_in_use::HeldModules,
    settings::GoSettings,
    toolchains::Toolchains,
    trust::Trust,
};

/// Everything that all builds of a process share.
#[derive(Clone, Debug)]
pub struct Workshop {
    pub(super) settings: GoSettings,
    pub(super) graphs: GraphStore,
    jobs: PathBuf,
    pub(super) licences: Licence,
    pub(super) cache: Arc<CacheServer>,
    pub(super) known: KnownPackages,
    pub(super) modules: ModuleUse,
    pub(super) trust: Trust,
    pub(super) blocklist: BlocklistSource,
    pub(super) relay: Arc<Relay>,
    pub(super) toolchains: Toolchains,
    /// This process's own Go isn't trimmed.
    _own_go: Arc<HeldModules>,
}

impl Workshop {
    /// A workshop in the state directory. Removes folders of builds that an earlier process didn't finish, so no other
    /// process may use the same directory.
    pub async fn new(
        settings: GoSettings,
        state_dir: &Path,
        licences: Licence,
    ) -> io::Result<Self> {
        let state_dir = std::path::absolute(state_dir)?;
        let jobs = state_dir.join("jobs");
        let (own_jobs, graphs, own) = (jobs.clone(), state_dir.join("graphs"), settings.clone());
        let (graphs, modules) = blocking(move || -> io::Result<_> {
            make_folders(&own_jobs, &private_cache(&own))?;
            Ok((GraphStore::new(graphs)?, ModuleUse::of(&own)))
        })
        .await?;
        let own_go = Toolchains::own_module(&settings).into_iter().collect();
        Ok(Self {
            graphs,
            jobs,
            licences,
            cache: Arc::new(cache_server(&settings, None)),
            known: KnownPackages::new(&settings.module_cache),
            _own_go: Arc::new(modules.in_use().hold(own_go)),
            modules,
            trust: Trust::Alone,
            blocklist: BlocklistSource::default(),
            relay: Arc::new(relay(&settings, &state_dir).await?),
            toolchains: Toolchains::of(&settings),
            settings,
        })
    }

    /// The same, but shares its results through this bucket, as far as `trust` allows.
    #[must_use]
    pub fn shared(self, fleet: Option<GoCache>, trust: Trust) -> Self {
        let Some(fleet) = fleet else {
            return Self { trust, ..self };
        };
        Self {
            cache: Arc::new(cache_server(&self.settings, Some(fleet.clone()))),
            known: self.known.shared(fleet),
            trust,
            ..self
        }
    }

    /// The same, but builds nothing that this blocklist blocks.
    #[must_use]
    pub fn blocking(self, blocklist: BlocklistSource) -> Self {
        Self { blocklist, ..self }
    }

    /// Ends the fetches into the compile cache that go on for builds that are over, and waits until none of them runs.
    pub async fn end_fetches(&self) {
        self.cache.end_fetches().await;
    }

    /// The same with another policy for licences.
    #[must_use]
    pub fn accepting(self, licences: Licence) -> Self {
        Self { licences, ..self }
    }

    /// The Go installation.
    pub fn settings(&self) -> &GoSettings {
        &self.settings
    }

    /// Whether a build is limited as one of the catalog, by what the catalog has now.
    pub fn origin(&self, spec: &BuildSpec) -> Origin {
        self.trust.origin(spec)
    }

    /// Whether a builder with an empty cache would find all results that builds of these packages need.
    pub async fn is_shared(&self, spec: &BuildSpec) -> bool {
        let packages: Vec<ImportPath> = spec.packages().keys().cloned().collect();
        self.cache.has_lists(&list_scope(spec), &packages).await
    }

    /// The cache folders and their size limits in bytes. `compiled` is the limit of a compile cache.
    pub fn cache_folders(&self, compiled: u64) -> [(PathBuf, u64); 3] {
        [
            (self.settings.build_cache.clone(), compiled),
            (private_cache(&self.settings), compiled),
            (self.relay.folder(), self.settings.relay.fetched_limit),
        ]
    }

    /// The folder of running builds, whose disk needs free space.
    pub fn jobs_folder(&self) -> &Path {
        &self.jobs
    }

    /// A folder for one build, with the subfolders that `go` uses.
    pub(super) async fn job_folder(&self) -> io::Result<JobFolder> {
        let jobs = self.jobs.clone();
        JobFolder::new(move || make_job_folder(&jobs)).await
    }

    /// An empty folder on the disk of running builds.
    pub async fn empty_folder(&self) -> io::Result<JobFolder> {
        let jobs = self.jobs.clone();
        JobFolder::new(move || tempfile::tempdir_in(jobs)).await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn make_folders(jobs: &Path, private_cache: &Path) -> io::Result<()> {
    if jobs.exists() {
        fs::remove_dir_all(jobs)?;
    }
    fs::create_dir_all(jobs)?;
    // Created here, since compilers may not write in its parent folder.
    fs::create_dir_all(private_cache)
}

#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn make_job_folder(jobs: &Path) -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("build-").tempdir_in(jobs)?;
    let telemetry = folder.path().join("home/.config/go/telemetry");
    for path in [
        &telemetry,
        &folder.path().join("tmp"),
        &folder.path().join("source"),
    ] {
        fs::create_dir_all(path)?;
    }
    // Otherwise `go` writes usage counters to the home folder and starts a process for them.
    fs::write(telemetry.join("mode"), "off")?;
    Ok(folder)
}

async fn relay(settings: &GoSettings, state_dir: &Path) -> io::Result<Relay> {
    Relay::start(
        settings.proxy.clone(),
        &settings.checksum_database,
        state_dir.join("fetched"),
        settings.relay.goproxy_patience,
    )
    .await
}

fn cache_server(settings: &GoSettings, fleet: Option<GoCache>) -> CacheServer {
    CacheServer::start(
        LocalCache::new(&settings.build_cache),
        LocalCache::new(private_cache(settings)),
        fleet,
    )
}

/// The compile cache of builds with modules from outside the catalog.
fn private_cache(settings: &GoSettings) -> PathBuf {
    settings.gopath.with_file_name("go-build-private")
}

/// The scope of the compile cache's lists: everything that determines a package's results, except for the package.
pub(super) fn list_scope(spec: &BuildSpec) -> ListScope {
    let json = serde_json::json!({
        "graph": set_name(spec),
        "go": spec.go(),
        "target": target_environment(spec.target()),
        "tags": spec.tags(),
    });
    ListScope::of(&json.to_string())
}
