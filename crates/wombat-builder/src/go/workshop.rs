//! A builder's workshop: what its builds share, and how often each is attempted.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use wombat_model::{BuildSpec, FailureClass, ImportPath};
use wombat_store::GoCache;

use super::{
    attempt::Attempt,
    environment::target_environment,
    graph::{self, GraphFiles, GraphStore},
    invocation::{BuildError, CompileCache, Scope},
    known::KnownPackages,
    licence::LicencePolicy,
    main_file::main_file,
    product::Product,
    settings::GoSettings,
    toolchain::Toolchains,
};
use crate::{
    cache::{CacheServer, ListScope, LocalCache, Outcome, Trust},
    relay::Relay,
};

/// Pauses before a build that failed for reasons outside is tried again.
const RETRY_AFTER: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

/// What all builds of a process share.
#[derive(Clone, Debug)]
pub struct Workshop {
    pub(super) settings: GoSettings,
    pub(super) graphs: GraphStore,
    jobs: PathBuf,
    pub(super) licences: LicencePolicy,
    cache: Arc<CacheServer>,
    pub(super) known: KnownPackages,
    trust: Trust,
    pub(super) relay: Arc<Relay>,
    pub(super) toolchains: Toolchains,
}

impl Workshop {
    /// A workshop in the state directory. Folders of builds that an earlier process didn't finish are removed, so
    /// no other process may use the same directory.
    pub async fn new(
        settings: GoSettings,
        state_dir: &Path,
        licences: LicencePolicy,
    ) -> io::Result<Self> {
        let state_dir = std::path::absolute(state_dir)?;
        let jobs = state_dir.join("jobs");
        if jobs.exists() {
            fs::remove_dir_all(&jobs)?;
        }
        fs::create_dir_all(&jobs)?;
        // No compiler may make it: what lies around it isn't theirs.
        fs::create_dir_all(private_cache(&settings))?;
        Ok(Self {
            graphs: GraphStore::new(state_dir.join("graphs"), None)?,
            jobs,
            licences,
            cache: Arc::new(cache_server(&settings, None)),
            known: KnownPackages::new(None),
            trust: Trust::Alone,
            relay: Arc::new(relay(&settings, &state_dir).await?),
            toolchains: Toolchains::default(),
            settings,
        })
    }

    /// The same, sharing what it compiles with all that have the same bucket, where `trust` allows it.
    pub(crate) fn shared(self, fleet: Option<GoCache>, trust: Trust) -> Self {
        let Some(fleet) = fleet else {
            return Self { trust, ..self };
        };
        Self {
            cache: Arc::new(cache_server(&self.settings, Some(fleet.clone()))),
            graphs: self.graphs.shared(fleet.clone()),
            known: KnownPackages::new(Some(fleet)),
            trust,
            ..self
        }
    }

    /// The same under another rule for licences.
    pub(crate) fn accepting(self, licences: LicencePolicy) -> Self {
        Self { licences, ..self }
    }

    /// The Go installation.
    pub fn settings(&self) -> &GoSettings {
        &self.settings
    }

    /// Whether a builder that has nothing finds all that builds of these packages ask for.
    pub(crate) async fn is_shared(&self, spec: &BuildSpec) -> bool {
        let packages: Vec<ImportPath> = spec.packages().keys().cloned().collect();
        self.cache.has_lists(&list_scope(spec), &packages).await
    }

    /// The folders that things gather in, and how many bytes each may take. `compiled` is for what is compiled.
    pub(crate) fn cache_folders(&self, compiled: u64) -> [(PathBuf, u64); 3] {
        [
            (self.settings.build_cache.clone(), compiled),
            (private_cache(&self.settings), compiled),
            (self.relay.folder(), self.settings.relay.fetched_limit),
        ]
    }

    /// Where builds take place: the disk that has to have room.
    pub fn jobs_folder(&self) -> &Path {
        &self.jobs
    }

    /// Builds a spec. What fails because something outside was away is tried again, three times.
    pub async fn build(&self, spec: &BuildSpec, scope: &Scope) -> Result<Product, BuildError> {
        for pause in RETRY_AFTER {
            match self.build_once(spec, scope).await {
                Err(BuildError::Failed(failure)) if failure.class == FailureClass::Infra => {
                    scope.reporter.line(format!(
                        "{} Trying again in {} s.",
                        failure.message,
                        pause.as_secs()
                    ));
                    scope.limit(tokio::time::sleep(pause)).await?;
                }
                result => return result,
            }
        }
        self.build_once(spec, scope).await
    }

    /// With helpers of the compile cache; without them if they went away in the middle.
    async fn build_once(&self, spec: &BuildSpec, scope: &Scope) -> Result<Product, BuildError> {
        let trusted = self.trust.covers(spec);
        let session = self.cache.session(trusted);
        let lists = list_scope(spec);
        let packages: Vec<ImportPath> = spec.packages().keys().cloned().collect();
        session.fetch_ahead(&lists, packages.clone());
        let helped = Attempt {
            workshop: self,
            spec,
            scope,
            cache: CompileCache::Helped(&session),
            lists: &lists,
            trusted,
        };
        let built = Box::pin(helped.run()).await;
        let complete = session.outcome().await == Outcome::Complete;
        // What a failed build asked for isn't all that its packages need.
        let listed = if built.is_ok() { &packages[..] } else { &[] };
        drop(session.hand_on(&lists, listed));
        match built {
            Err(BuildError::Failed(_)) if !complete => {
                scope
                    .reporter
                    .line("The compile cache went away; building without it.");
                let alone = Attempt {
                    cache: CompileCache::Folder(session.folder()),
                    ..helped
                };
                Box::pin(alone.run()).await
            }
            built => built,
        }
    }

    /// A folder for one build, with the folders that `go` takes for its own.
    pub(super) fn job_folder(&self) -> io::Result<TempDir> {
        let folder = tempfile::Builder::new()
            .prefix("build-")
            .tempdir_in(&self.jobs)?;
        let telemetry = folder.path().join("home/.config/go/telemetry");
        for path in [
            &telemetry,
            &folder.path().join("tmp"),
            &folder.path().join("source"),
        ] {
            fs::create_dir_all(path)?;
        }
        // Otherwise `go` counts its uses into the home folder and starts a process to look after that.
        fs::write(telemetry.join("mode"), "off")?;
        Ok(folder)
    }
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

/// Where builds of modules from outside the catalog keep what they compile.
fn private_cache(settings: &GoSettings) -> PathBuf {
    settings.gopath.with_file_name("go-build-private")
}

/// What results of the compile cache hang on, besides their package.
fn list_scope(spec: &BuildSpec) -> ListScope {
    let json = serde_json::json!({
        "graph": graph::set_name(spec),
        "go": spec.go(),
        "target": target_environment(spec.target()),
        "tags": spec.tags(),
    });
    ListScope::of(&json.to_string())
}

pub(super) fn write_source(
    folder: &Path,
    spec: &BuildSpec,
    graph: &GraphFiles,
) -> Result<(), BuildError> {
    write_file(folder, "main.go", &main_file(spec, None))?;
    write_file(folder, "go.mod", &graph.go_mod)?;
    write_file(folder, "go.sum", &graph.go_sum)
}

pub(super) fn write_file(folder: &Path, name: &str, text: &str) -> Result<(), BuildError> {
    fs::write(folder.join(name), text).map_err(|error| BuildError::local("write a file", &error))
}

pub(super) fn read_file(folder: &Path, name: &str) -> Result<String, BuildError> {
    fs::read_to_string(folder.join(name)).map_err(|error| BuildError::local("read a file", &error))
}
