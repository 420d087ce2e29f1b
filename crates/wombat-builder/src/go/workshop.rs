//! A builder's workshop: from a spec to a binary on disk, step by step, in a folder that is gone afterwards.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sha2::Digest as _;
use tempfile::TempDir;
use tokio::time::Instant;
use wombat_model::{BuildSpec, Failure, FailureClass, ImportPath, Sha256, Timings, log::Phase};
use wombat_store::GoCache;

use super::{
    binary,
    compile::{self, Milestones},
    environment::target_environment,
    graph::{self, GraphFiles, GraphStore},
    invocation::{BuildError, CompileCache, Go, Scope},
    licence::{self, LicencePolicy},
    list,
    main_file::main_file,
    settings::GoSettings,
    toolchain::Toolchain,
};
use crate::{
    cache::{CacheServer, ListScope, LocalCache, Outcome, Trust},
    recipe::{Recipe, recipe},
};

/// Pauses before a build that failed for reasons outside is tried again.
const RETRY_AFTER: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

/// A binary that is ready to be uploaded. Its folder goes away with this value.
#[derive(Debug)]
pub struct Product {
    /// The file.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Digest.
    pub sha256: Sha256,
    /// How anybody gets the same.
    pub recipe: Recipe,
    /// How long each phase took.
    pub timings: Timings,
    _folder: TempDir,
}

/// What all builds of a process share.
#[derive(Clone, Debug)]
pub struct Workshop {
    pub(super) settings: GoSettings,
    pub(super) graphs: GraphStore,
    jobs: PathBuf,
    licences: LicencePolicy,
    cache: Arc<CacheServer>,
    trust: Trust,
}

impl Workshop {
    /// A workshop in the state directory. Folders of builds that an earlier process didn't finish are removed, so
    /// no other process may use the same directory.
    pub fn new(
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
        Ok(Self {
            graphs: GraphStore::new(state_dir.join("graphs"))?,
            jobs,
            licences,
            cache: Arc::new(cache_server(&settings, None)),
            trust: Trust::Alone,
            settings,
        })
    }

    /// The same, sharing what it compiles with all that have the same bucket, where `trust` allows it.
    pub(crate) fn shared(self, fleet: GoCache, trust: Trust) -> Self {
        Self {
            cache: Arc::new(cache_server(&self.settings, Some(fleet))),
            trust,
            ..self
        }
    }

    /// The Go installation.
    pub fn settings(&self) -> &GoSettings {
        &self.settings
    }

    /// The folders that what is compiled gathers in.
    pub(crate) fn cache_folders(&self) -> [PathBuf; 2] {
        [
            self.settings.build_cache.clone(),
            private_cache(&self.settings),
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
        let session = self.cache.session(self.trust.covers(spec));
        let lists = list_scope(spec);
        let packages: Vec<ImportPath> = spec.packages().keys().cloned().collect();
        session.fetch_ahead(&lists, packages.clone());
        let built = self
            .build_with(spec, scope, CompileCache::Helped(&session))
            .await;
        let complete = session.outcome().await == Outcome::Complete;
        // What a failed build asked for isn't all that its packages need.
        let listed = if built.is_ok() { &packages[..] } else { &[] };
        drop(session.hand_on(&lists, listed));
        match built {
            Err(BuildError::Failed(_)) if !complete => {
                scope
                    .reporter
                    .line("The compile cache went away; building without it.");
                self.build_with(spec, scope, CompileCache::Folder(session.folder()))
                    .await
            }
            built => built,
        }
    }

    async fn build_with(
        &self,
        spec: &BuildSpec,
        scope: &Scope,
        cache: CompileCache<'_>,
    ) -> Result<Product, BuildError> {
        let begun = Instant::now();
        scope.reporter.phase(Phase::Resolve, None);
        let folder = self
            .job_folder()
            .map_err(|error| BuildError::local("make a folder for the build", &error))?;
        let toolchain =
            Toolchain::of_version(spec.go(), &self.settings, folder.path(), scope).await?;
        let go = Go {
            settings: &self.settings,
            toolchain: &toolchain,
            work_dir: folder.path(),
            scope,
            cache,
        };
        let graph = graph::resolve(&go, &self.graphs, spec).await?;

        let download = Instant::now();
        scope.reporter.phase(Phase::Download, None);
        let source = folder.path().join("source");
        write_source(&source, spec, &graph)?;
        let hook = licence::hook(spec);
        let mut packages = list::list(&go, &source, spec, hook.as_ref()).await?;
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
        let graph = GraphFiles {
            go_mod: read_file(&source, "go.mod")?,
            go_sum: read_file(&source, "go.sum")?,
        };
        Ok(Product {
            path: output,
            size,
            recipe: recipe(spec, &graph, hook.as_ref(), sha256.clone()),
            sha256,
            timings: timings(begun, download, milestones, linked),
            _folder: folder,
        })
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

/// Size and digest of the binary, after a look at whether it is one for the target and not too large.
async fn inspect(path: PathBuf, spec: &BuildSpec, limit: u64) -> Result<(u64, Sha256), BuildError> {
    let platform = spec.target().platform();
    let looked = tokio::task::spawn_blocking(move || {
        let mut file = File::open(&path)?;
        let mut hasher = sha2::Sha256::new();
        let mut head = Vec::with_capacity(binary::HEAD);
        let mut buffer = vec![0; 256 * 1024];
        let mut size = 0;
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                return Ok((size, head, Sha256::from_bytes(hasher.finalize().into())));
            }
            let room = binary::HEAD - head.len();
            head.extend_from_slice(&buffer[..count.min(room)]);
            hasher.update(&buffer[..count]);
            size += count as u64;
        }
    });
    let (size, head, sha256) = match looked.await {
        Ok(result) => {
            result.map_err(|error: io::Error| BuildError::local("read the binary", &error))?
        }
        Err(_) => return Err(BuildError::Stopped),
    };
    if size > limit {
        let message = format!(
            "The binary has {} MiB; the limit is {} MiB.",
            size >> 20,
            limit >> 20
        );
        return Err(Failure::new(FailureClass::Resource, message).into());
    }
    binary::check(&head, platform).map_err(|problem| {
        Failure::new(
            FailureClass::Internal,
            format!("The linker wrote something odd: {problem}."),
        )
    })?;
    Ok((size, sha256))
}

fn timings(begun: Instant, download: Instant, milestones: Milestones, linked: Instant) -> Timings {
    let steps = [
        (Phase::Resolve, begun, download),
        (Phase::Download, download, milestones.compile),
        (Phase::Compile, milestones.compile, milestones.link),
        (Phase::Link, milestones.link, linked),
    ];
    let milliseconds = |from: Instant, to: Instant| {
        u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
    };
    steps
        .into_iter()
        .map(|(phase, from, to)| (phase, milliseconds(from, to)))
        .collect()
}
