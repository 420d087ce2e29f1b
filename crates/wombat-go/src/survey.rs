//! Facts about packages that need no linking.

mod facts;

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use wombat_goproxy::RelaySession;
use wombat_model::{BuildSpec, ImportPath, ModulePath, ModuleVersion};

use super::{
    blocking::blocking,
    classify,
    compile_cache::CompileCache,
    environment::build_arguments,
    error::BuildError,
    go::Go,
    graph,
    graph_store::GraphFiles,
    job_folder::JobFolder,
    list,
    module_cache::{CachedModule, ModuleCache},
    modules_in_use::HeldModules,
    release_date::ReleaseDate,
    retraction,
    scope::Scope,
    source::write_source,
    stage::Stage,
    toolchain::Toolchain,
    workshop::Workshop,
};
pub(crate) use facts::{FoundDriver, PackageFacts, Survey};

impl Workshop {
    /// Surveys all packages of the spec, except for the base.
    pub(crate) async fn survey(
        &self,
        spec: &BuildSpec,
        scope: &Scope,
    ) -> Result<Survey, BuildError> {
        let job = SurveyJob::new(self, spec, scope).await?;
        let go = job.go(self, scope);
        let (source, _required) = job.source(self, &go, spec).await?;
        let packages = list::survey(&go, &source, spec).await?;
        let _counted = self.modules.of_packages(&packages).await;
        let spec = spec.clone();
        Ok(blocking(move || facts::survey(&packages, &spec)).await)
    }

    /// The module graph of the spec's modules.
    pub async fn graph(&self, spec: &BuildSpec, scope: &Scope) -> Result<GraphFiles, BuildError> {
        let job = SurveyJob::new(self, spec, scope).await?;
        let go = job.go(self, scope);
        graph::resolve(&go, &self.graphs, spec).await
    }

    /// Why the release that gives the spec's graph was retracted, if it was.
    pub(super) async fn retraction_of(
        &self,
        spec: &BuildSpec,
        scope: &Scope,
    ) -> Result<Option<String>, BuildError> {
        let job = SurveyJob::new(self, spec, scope).await?;
        let go = job.go(self, scope);
        retraction::of(&go, (spec.graph(), spec.graph_version())).await
    }

    /// Which of the spec's packages compile for its target. Doesn't link or optimise: neither changes the answer, and
    /// without them it takes a third less time.
    pub async fn compiles(
        &self,
        spec: &BuildSpec,
        scope: &Scope,
    ) -> Result<BTreeMap<ImportPath, bool>, BuildError> {
        let job = SurveyJob::new(self, spec, scope).await?;
        let go = job.go(self, scope);
        let (source, _required) = job.source(self, &go, spec).await?;
        // Fetches the modules, since the compiler has no network. A package that can't be listed doesn't compile
        // either.
        let _compiled = match list::load(&go, &source, spec, None).await {
            Err(BuildError::Failed(failure)) if !failure.class.is_final() => {
                return Err(failure.into());
            }
            Err(BuildError::Stopped) => return Err(BuildError::Stopped),
            Ok(packages) => Some(self.modules.of_packages(&packages).await),
            Err(BuildError::Failed(_)) => None,
        };
        let all: Vec<&ImportPath> = spec.packages().keys().collect();
        let compile = async |packages: &[&ImportPath]| -> Result<bool, BuildError> {
            let mut arguments = build_arguments(spec);
            arguments.push("-gcflags=all=-N -l".to_owned());
            arguments.extend(["-p".to_owned(), scope.parallelism.max(1).to_string()]);
            arguments.extend(packages.iter().map(ToString::to_string));
            let run = go.run(Stage::Compile, &source, list::target(spec), &arguments);
            Ok(run.await?.succeeded())
        };
        if compile(&all).await? {
            return Ok(all.into_iter().map(|path| (path.clone(), true)).collect());
        }
        // `go` continued after the first failure, so most results are in the cache already.
        let mut each = BTreeMap::new();
        for path in all {
            each.insert(path.clone(), compile(&[path]).await?);
        }
        Ok(each)
    }
}

/// A package of a module, from its source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SourcePackage {
    /// Its import path.
    pub import_path: String,
    /// Its name in the package clause.
    pub name: String,
    /// Its imports.
    pub imports: Vec<String>,
}

impl Workshop {
    /// The folder of a module's source, once it is fetched.
    pub fn source_folder(&self, module: &ModulePath, version: &ModuleVersion) -> PathBuf {
        let module = CachedModule::new(module, version);
        ModuleCache(&self.settings().module_cache).folder(&module)
    }

    /// Whether a module's source is fetched.
    pub(crate) async fn has_source(&self, module: &ModulePath, version: &ModuleVersion) -> bool {
        let folder = self.source_folder(module, version);
        tokio::fs::try_exists(folder).await.unwrap_or_default()
    }

    /// All packages of a module of the spec.
    pub async fn packages_of_module(
        &self,
        spec: &BuildSpec,
        module: &ModulePath,
        scope: &Scope,
    ) -> Result<Vec<SourcePackage>, BuildError> {
        let job = SurveyJob::new(self, spec, scope).await?;
        let go = job.go(self, scope);
        let (source, _required) = job.source(self, &go, spec).await?;
        let arguments = [
            "list",
            "-e",
            "-mod=readonly",
            "-json=ImportPath,Name,Imports",
            &format!("{module}/..."),
        ]
        .map(str::to_owned);
        let run = go.run(Stage::Fetch, &source, list::target(spec), &arguments);
        let finished = run.await?;
        let packages = serde_json::Deserializer::from_slice(&finished.stdout).into_iter();
        let packages: Result<Vec<SourcePackage>, _> = packages.collect();
        match packages {
            Ok(packages) if finished.succeeded() => Ok(packages),
            Ok(_) | Err(_) => Err(classify::fetching(&go.without_folders(&finished.stderr)).into()),
        }
    }
}

/// The folder of a survey, and what `go` needs in it.
struct SurveyJob {
    folder: JobFolder,
    relay: RelaySession,
    toolchain: Toolchain,
    /// The spec's own modules, which are not trimmed before the end.
    _picked: HeldModules,
}

impl SurveyJob {
    async fn new(workshop: &Workshop, spec: &BuildSpec, scope: &Scope) -> Result<Self, BuildError> {
        let folder = workshop.job_folder().await;
        let folder =
            folder.map_err(|error| BuildError::local("make a folder for the survey", &error))?;
        let relay = workshop.relay.session();
        let settings = workshop.settings();
        let picked = workshop.modules.of_spec(spec, settings).await;
        let toolchain = workshop
            .toolchains
            .of_version(spec.go(), settings, folder.path(), scope, &relay)
            .await?;
        Ok(Self {
            folder,
            relay,
            toolchain,
            _picked: picked,
        })
    }

    fn go<'a>(&'a self, workshop: &'a Workshop, scope: &'a Scope) -> Go<'a> {
        Go {
            settings: workshop.settings(),
            toolchain: &self.toolchain,
            work_dir: self.folder.path(),
            scope,
            cache: CompileCache::Folder(&workshop.settings().build_cache),
            relay: &self.relay,
        }
    }

    /// The folder with the spec's main package, and a hold on the modules of its graph.
    async fn source(
        &self,
        workshop: &Workshop,
        go: &Go<'_>,
        spec: &BuildSpec,
    ) -> Result<(PathBuf, HeldModules), BuildError> {
        let files = graph::resolve(go, &workshop.graphs, spec).await?;
        let required = workshop.modules.of_graph(&files).await;
        let source = self.folder.path().join("source");
        // It isn't linked.
        write_source(&source, spec, &files, ReleaseDate::UNKNOWN).await?;
        Ok((source, required))
    }
}
