//! A builder's workshop: from a spec to a binary on disk, step by step, in a folder that is gone afterwards.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::Instant;
use wombat_model::{BuildSpec, Failure, FailureClass, ImportPath, log::Phase};
use wombat_store::GoCache;

use super::{
    compile, doubt,
    environment::target_environment,
    graph::{self, GraphFiles, GraphStore},
    invocation::{BuildError, CompileCache, Go, Scope},
    known::KnownPackages,
    licence::{self, LicencePolicy},
    list,
    main_file::main_file,
    packages::Packages,
    product::{Product, inspect, timings},
    settings::GoSettings,
    toolchain::Toolchains,
};
use crate::{
    cache::{CacheServer, ListScope, LocalCache, Outcome, Trust},
    recipe::recipe,
    relay::{Relay, RelaySession},
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
    licences: LicencePolicy,
    cache: Arc<CacheServer>,
    known: KnownPackages,
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
        let cache = CompileCache::Helped(&session);
        let built = Box::pin(self.build_with(spec, scope, cache, &lists, trusted)).await;
        let complete = session.outcome().await == Outcome::Complete;
        // What a failed build asked for isn't all that its packages need.
        let listed = if built.is_ok() { &packages[..] } else { &[] };
        drop(session.hand_on(&lists, listed));
        match built {
            Err(BuildError::Failed(_)) if !complete => {
                scope
                    .reporter
                    .line("The compile cache went away; building without it.");
                let cache = CompileCache::Folder(session.folder());
                Box::pin(self.build_with(spec, scope, cache, &lists, trusted)).await
            }
            built => built,
        }
    }

    /// Once more, where a failure may come from this builder's own files; only the second answer counts.
    async fn build_with(
        &self,
        spec: &BuildSpec,
        scope: &Scope,
        cache: CompileCache<'_>,
        lists: &ListScope,
        trusted: bool,
    ) -> Result<Product, BuildError> {
        let built = Box::pin(self.build_by_known(spec, scope, cache, lists, trusted)).await;
        match built {
            Err(BuildError::Failed(failure))
                if scope.limit(self.doubts(spec, &failure)).await? =>
            {
                self.known.forget(lists);
                scope.reporter.line(failure.message);
                scope.reporter.line(doubt::ONCE_MORE);
                Box::pin(self.build_by_list(spec, scope, cache, lists, trusted)).await
            }
            built => built,
        }
    }

    /// With what earlier builds found out, if that is enough; else, or if that fails, with a list of its own.
    async fn build_by_known(
        &self,
        spec: &BuildSpec,
        scope: &Scope,
        cache: CompileCache<'_>,
        lists: &ListScope,
        trusted: bool,
    ) -> Result<Product, BuildError> {
        let hook = licence::hook(spec);
        let module_cache = &self.settings.module_cache;
        // Together, and before what is fetched ahead fills the line.
        let (known, ()) = tokio::join!(
            self.known
                .packages(lists, spec, hook.as_ref(), module_cache),
            async {
                if trusted {
                    self.graphs.bring(spec).await;
                }
            }
        );
        if let Some(packages) = known {
            match self
                .build_listed(spec, scope, cache, Some(packages), trusted)
                .await
            {
                Err(BuildError::Failed(failure))
                    if !matches!(
                        failure.class,
                        FailureClass::Compile | FailureClass::Resource
                    ) =>
                {
                    self.known.forget(lists);
                    let message =
                        "That didn't work with what is known of these packages; listing them anew.";
                    scope.reporter.line(message);
                }
                built => return built.map(|(product, _)| product),
            }
        }
        self.build_by_list(spec, scope, cache, lists, trusted).await
    }

    async fn build_by_list(
        &self,
        spec: &BuildSpec,
        scope: &Scope,
        cache: CompileCache<'_>,
        lists: &ListScope,
        trusted: bool,
    ) -> Result<Product, BuildError> {
        let (product, packages) = self.build_listed(spec, scope, cache, None, trusted).await?;
        if let Some(packages) = packages {
            let hook = licence::hook(spec);
            self.known
                .learn(lists, spec, hook.as_ref(), &packages, trusted);
        }
        Ok(product)
    }

    async fn build_listed(
        &self,
        spec: &BuildSpec,
        scope: &Scope,
        cache: CompileCache<'_>,
        known: Option<Packages>,
        trusted: bool,
    ) -> Result<(Product, Option<Packages>), BuildError> {
        let relay = self.relay.session();
        let built = self.build_through(&relay, spec, scope, cache, known, trusted);
        Box::pin(built).await.map_err(|error| blame(error, &relay))
    }

    async fn build_through(
        &self,
        relay: &RelaySession,
        spec: &BuildSpec,
        scope: &Scope,
        cache: CompileCache<'_>,
        known: Option<Packages>,
        trusted: bool,
    ) -> Result<(Product, Option<Packages>), BuildError> {
        let begun = Instant::now();
        scope.reporter.phase(Phase::Resolve, None);
        let folder = self
            .job_folder()
            .map_err(|error| BuildError::local("make a folder for the build", &error))?;
        let toolchain = self
            .toolchains
            .of_version(spec.go(), &self.settings, folder.path(), scope, relay)
            .await?;
        let go = Go {
            settings: &self.settings,
            toolchain: &toolchain,
            work_dir: folder.path(),
            scope,
            cache,
            relay,
        };
        let graph = graph::resolve(&go, &self.graphs, spec, trusted).await?;

        let download = Instant::now();
        scope.reporter.phase(Phase::Download, None);
        let source = folder.path().join("source");
        write_source(&source, spec, &graph)?;
        let hook = licence::hook(spec);
        let mut packages = match known {
            Some(packages) => packages,
            None => list::list(&go, &source, spec, hook.as_ref()).await?,
        };
        let marked = licence::check(&packages, spec, self.licences)?;
        let hook = hook.filter(|_| marked);
        if let Some(path) = &hook {
            list::include(&mut packages, path)?;
            write_file(&source, "main.go", &main_file(spec, Some(path)))?;
        }

        let output = folder.path().join("binary");
        let milestones = compile::compile(&go, &source, spec, &packages, &output).await?;
        let linked = Instant::now();
        let (size, sha256) = scope
            .limit(inspect(output.clone(), spec, scope.output_limit))
            .await??;
        let used = GraphFiles {
            go_mod: read_file(&source, "go.mod")?,
            go_sum: read_file(&source, "go.sum")?,
        };
        // Where listing had to complete the graph, a build that doesn't list would lack what that added.
        let packages = (used == graph).then_some(packages);
        let product = Product {
            path: output,
            size,
            recipe: recipe(spec, &used, hook.as_ref(), sha256.clone()),
            sha256,
            sandbox: self.settings.sandbox.level(),
            timings: timings(begun, download, milestones, linked),
            _folder: folder,
        };
        Ok((product, packages))
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

/// What `go` says of a proxy that failed it is less than what the relay knows. And what it could do nothing with is
/// fetched anew the next time.
fn blame(error: BuildError, relay: &RelaySession) -> BuildError {
    let BuildError::Failed(failure) = &error else {
        return error;
    };
    match failure.class {
        FailureClass::Compile | FailureClass::Resource => return error,
        FailureClass::Input | FailureClass::Infra | FailureClass::Lost | FailureClass::Internal => {
            relay.forget_served();
        }
    }
    match relay.take_trouble() {
        Some(words) => Failure::new(
            FailureClass::Infra,
            format!("The module proxy doesn't answer as it should: {words}."),
        )
        .into(),
        None => error,
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

fn write_file(folder: &Path, name: &str, text: &str) -> Result<(), BuildError> {
    fs::write(folder.join(name), text).map_err(|error| BuildError::local("write a file", &error))
}

fn read_file(folder: &Path, name: &str) -> Result<String, BuildError> {
    fs::read_to_string(folder.join(name)).map_err(|error| BuildError::local("read a file", &error))
}
