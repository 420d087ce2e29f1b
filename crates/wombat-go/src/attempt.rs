//! One attempt at a build, in a temporary folder: with a stored package list, or with one of its own.

use std::path::Path;

use tokio::time::Instant;
use wombat_gocache::ListScope;
use wombat_goproxy::RelaySession;
use wombat_model::{BuildSpec, Failure, FailureClass, ImportPath, log::Phase};

use super::{
    blocking::blocking,
    compile,
    compile_cache::CompileCache,
    doubt,
    error::BuildError,
    go::Go,
    graph,
    graph_store::GraphFiles,
    licence, list,
    main_file::main_file,
    modules_in_use::HeldModules,
    packages::Packages,
    product::{Product, inspect, timings},
    recipe::recipe,
    release_date::ReleaseDate,
    scope::Scope,
    source::{read_file, write_file, write_source},
    workshop::Workshop,
};

/// A build and what it uses.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) workshop: &'a Workshop,
    pub(super) spec: &'a BuildSpec,
    pub(super) scope: &'a Scope,
    pub(super) cache: CompileCache<'a>,
    /// The scope of the compile cache's lists.
    pub(super) lists: &'a ListScope,
    /// Whether all modules are in the catalog, so that results may be shared.
    pub(super) trusted: bool,
}

impl Attempt<'_> {
    /// Repeats the build if a failure may come from this builder's own files; only the second result counts.
    pub(super) async fn run(&self) -> Result<Product, BuildError> {
        let Self {
            workshop,
            spec,
            scope,
            lists,
            ..
        } = *self;
        let built = Box::pin(self.by_known()).await;
        match built {
            Err(BuildError::Failed(failure))
                if scope.limit(workshop.doubts(spec, &failure)).await? =>
            {
                workshop.known.forget(lists);
                scope.reporter.line(failure.message);
                scope.reporter.line(doubt::ONCE_MORE);
                Box::pin(self.by_list(None)).await
            }
            built => built,
        }
    }

    /// Uses the package list of earlier builds if it is complete; without one, or if that fails, lists the packages.
    async fn by_known(&self) -> Result<Product, BuildError> {
        let Self {
            workshop,
            spec,
            scope,
            lists,
            trusted,
            ..
        } = *self;
        let hook = licence::hook(spec);
        let module_cache = &workshop.settings.module_cache;
        // Concurrently, and before fetching ahead uses up the bandwidth.
        let (known, graph) = tokio::join!(
            workshop
                .known
                .packages(lists, spec, hook.as_ref(), module_cache),
            workshop.graphs.find(spec, trusted),
        );
        if let Some(packages) = known {
            match self.listed(Some(packages), graph).await {
                Err(BuildError::Failed(failure))
                    if !matches!(
                        failure.class,
                        FailureClass::Compile | FailureClass::Resource
                    ) =>
                {
                    workshop.known.forget(lists);
                    let message =
                        "The stored package list doesn't work; listing the packages again.";
                    scope.reporter.line(message);
                }
                built => return built.map(|(product, _)| product),
            }
            return self.by_list(None).await;
        }
        self.by_list(graph).await
    }

    async fn by_list(&self, graph: Option<GraphFiles>) -> Result<Product, BuildError> {
        let Self {
            workshop,
            spec,
            lists,
            trusted,
            ..
        } = *self;
        let (product, packages) = self.listed(None, graph).await?;
        if let Some(packages) = packages {
            let (known, lists, spec) = (workshop.known.clone(), lists.clone(), spec.clone());
            blocking(move || {
                let hook = licence::hook(&spec);
                known.learn(&lists, &spec, hook.as_ref(), &packages, trusted);
            })
            .await;
        }
        Ok(product)
    }

    /// Builds with these packages and this module graph, as far as they are known.
    async fn listed(
        &self,
        known: Option<Packages>,
        graph: Option<GraphFiles>,
    ) -> Result<(Product, Option<Packages>), BuildError> {
        let relay = self.workshop.relay.session();
        let built = self.through(&relay, known, graph);
        match Box::pin(built).await {
            Err(error) => Err(blame(error, &relay).await),
            built => built,
        }
    }

    async fn through(
        &self,
        relay: &RelaySession,
        known: Option<Packages>,
        graph: Option<GraphFiles>,
    ) -> Result<(Product, Option<Packages>), BuildError> {
        let workshop = self.workshop;
        // The modules of a running build are never trimmed.
        let (folder, _picked) = tokio::join!(
            workshop.job_folder(),
            workshop.modules.of_spec(self.spec, &workshop.settings)
        );
        let folder =
            folder.map_err(|error| BuildError::local("make a folder for the build", &error))?;
        let built = Box::pin(self.in_folder(folder.path(), relay, known, graph)).await;
        match built {
            Ok((product, packages)) => {
                let folder = Some(folder);
                Ok((Product { folder, ..product }, packages))
            }
            Err(error) => {
                folder.remove().await;
                Err(error)
            }
        }
    }

    async fn in_folder(
        &self,
        folder: &Path,
        relay: &RelaySession,
        known: Option<Packages>,
        graph: Option<GraphFiles>,
    ) -> Result<(Product, Option<Packages>), BuildError> {
        let Self {
            workshop,
            spec,
            scope,
            cache,
            trusted,
            ..
        } = *self;
        let begun = Instant::now();
        scope.reporter.phase(Phase::Resolve, None);
        let settings = &workshop.settings;
        let toolchain = workshop
            .toolchains
            .of_version(spec.go(), settings, folder, scope, relay)
            .await?;
        let go = Go {
            settings,
            toolchain: &toolchain,
            work_dir: folder,
            scope,
            cache,
            relay,
        };
        let graph = match graph {
            Some(graph) => graph,
            None => graph::resolve(&go, &workshop.graphs, spec, trusted).await?,
        };
        let _required = workshop.modules.of_graph(&graph).await;
        let date = ReleaseDate::of(&go, spec).await?;

        let download = Instant::now();
        scope.reporter.phase(Phase::Download, None);
        let source = folder.join("source");
        write_source(&source, spec, &graph, date).await?;
        let hook = licence::hook(spec);
        let (packages, _compiled) = self.packages(&go, &source, hook.as_ref(), known).await?;
        let (mut packages, marked) = self.check_licences(packages).await?;
        let hook = hook.filter(|_| marked);
        if let Some(path) = &hook {
            list::include(&mut packages, path)?;
            write_file(&source, "main.go", &main_file(spec, Some(path), date)).await?;
        }

        let output = folder.join("binary");
        let milestones = compile::compile(&go, &source, spec, &packages, &output).await?;
        let linked = Instant::now();
        let (size, sha256) = scope
            .limit(inspect(output.clone(), spec, scope.output_limit))
            .await??;
        let used = GraphFiles {
            go_mod: read_file(&source, "go.mod").await?,
            go_sum: read_file(&source, "go.sum").await?,
        };
        // If listing had to complete the graph, a build with the stored list would lack these additions.
        let packages = (used == graph).then_some(packages);
        let product = Product {
            path: output,
            size,
            recipe: recipe(spec, &used, hook.as_ref(), date, sha256.clone()),
            sha256,
            sandbox: workshop.settings.sandbox.level(),
            timings: timings(begun, download, milestones, linked),
            folder: None,
        };
        Ok((product, packages))
    }

    /// Whether any compiled file is under the Redpanda Community Licence; an error if the policy forbids it.
    async fn check_licences(&self, packages: Packages) -> Result<(Packages, bool), BuildError> {
        let (spec, allowed) = (self.spec.clone(), self.workshop.licences);
        blocking(move || -> Result<_, BuildError> {
            let marked = licence::check(&packages, &spec, allowed)?;
            Ok((packages, marked))
        })
        .await
    }

    /// The packages of the binary, and a hold on their modules. Lists them unless they are `known` and none of their
    /// modules was trimmed in the meantime.
    async fn packages(
        &self,
        go: &Go<'_>,
        source: &Path,
        hook: Option<&ImportPath>,
        known: Option<Packages>,
    ) -> Result<(Packages, HeldModules), BuildError> {
        let modules = &self.workshop.modules;
        if let Some(packages) = known {
            let (held, complete) = modules.of_packages(&packages).await;
            if complete {
                return Ok((packages, held));
            }
        }
        let packages = list::list(go, source, self.spec, hook).await?;
        let (held, _) = modules.of_packages(&packages).await;
        Ok((packages, held))
    }
}

/// The relay knows more about a failure of the proxy than `go` reports. Answers that `go` couldn't use are removed, so
/// that they are fetched again.
async fn blame(error: BuildError, relay: &RelaySession) -> BuildError {
    let BuildError::Failed(failure) = &error else {
        return error;
    };
    match failure.class {
        FailureClass::Compile | FailureClass::Resource => return error,
        FailureClass::Input
        | FailureClass::Infra
        | FailureClass::Lost
        | FailureClass::Internal
        | FailureClass::Tampered => {
            relay.forget_served().await;
        }
    }
    match relay.take_trouble() {
        Some(words) => Failure::new(
            FailureClass::Infra,
            format!("The module proxy failed: {words}."),
        )
        .into(),
        None => error,
    }
}
