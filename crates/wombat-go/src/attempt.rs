//! One attempt at a build, in a temporary folder: with a stored package list, or with one of its own.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use tokio::time::Instant;
use wombat_gocache::ListScope;
use wombat_goproxy::RelaySession;
use wombat_model::{Blocklist, BuildSpec, FailureClass, ImportPath, log::Phase, wire::Recipe};

use super::{
    blame::blame,
    blocked,
    blocking::blocking,
    compile,
    compile_cache::CompileCache,
    doubt,
    error::BuildError,
    go::Go,
    graph,
    graph_store::GraphFiles,
    known::Offer,
    licence, list,
    main_file::main_file,
    modules_in_use::HeldModules,
    packages::Packages,
    product::{Inspected, Product, inspect, timings},
    recipe::recipe,
    release_date::ReleaseDate,
    scope::Scope,
    size_limit::is_of_size,
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
    /// Modules that must not be compiled.
    pub(super) blocklist: &'a Blocklist,
}

/// Package lists of earlier builds.
struct KnownLists<'a> {
    /// Those of other builders.
    offer: Offer,
    /// Set if the build uses them.
    used: &'a AtomicBool,
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
                if !failure.is_blocked()
                    && scope.limit(workshop.doubts(spec, &failure)).await? =>
            {
                workshop.known.forget(lists);
                scope.reporter.line(failure.message);
                scope.reporter.line(doubt::ONCE_MORE);
                Box::pin(self.by_list(None)).await
            }
            built => built,
        }
    }

    /// Uses the package lists of earlier builds if they are complete; if not, or if that fails, lists the packages.
    async fn by_known(&self) -> Result<Product, BuildError> {
        let Self {
            workshop,
            spec,
            scope,
            lists,
            ..
        } = *self;
        // Concurrently, and before fetching ahead uses up the bandwidth.
        let (offer, graph) = tokio::join!(
            workshop.known.offer(lists, spec),
            workshop.graphs.find(spec),
        );
        let used = AtomicBool::new(false);
        let known = KnownLists { offer, used: &used };
        let built = self.listed(Some(known), graph).await;
        if !used.load(Ordering::Relaxed) {
            return self.learnt(built).await;
        }
        match built {
            Err(BuildError::Failed(failure))
                if !failure.is_blocked()
                    && !is_of_size(&failure)
                    && !matches!(
                        failure.class,
                        FailureClass::Compile | FailureClass::Resource
                    ) =>
            {
                workshop.known.forget(lists);
                let message = "The stored package list doesn't work; listing the packages again.";
                scope.reporter.line(message);
                self.by_list(None).await
            }
            built => built.map(|(product, _)| product),
        }
    }

    async fn by_list(&self, graph: Option<GraphFiles>) -> Result<Product, BuildError> {
        self.learnt(self.listed(None, graph).await).await
    }

    /// Stores the package list of a build that listed its packages.
    async fn learnt(
        &self,
        built: Result<(Product, Option<Packages>), BuildError>,
    ) -> Result<Product, BuildError> {
        let Self {
            workshop,
            spec,
            lists,
            trusted,
            ..
        } = *self;
        let (product, packages) = built?;
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

    /// Builds with these package lists and this module graph, as far as they are known.
    async fn listed(
        &self,
        known: Option<KnownLists<'_>>,
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
        known: Option<KnownLists<'_>>,
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
        known: Option<KnownLists<'_>>,
        graph: Option<GraphFiles>,
    ) -> Result<(Product, Option<Packages>), BuildError> {
        let Self {
            workshop,
            spec,
            scope,
            cache,
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
            None => graph::resolve(&go, &workshop.graphs, spec).await?,
        };
        let _required = workshop.modules.of_graph(&graph).await;
        let date = ReleaseDate::of(&go, spec).await?;

        let download = Instant::now();
        scope.reporter.phase(Phase::Download, None);
        let source = folder.join("source");
        write_source(&source, spec, &graph, date).await?;
        let hook = licence::hook(spec);
        let (packages, _compiled) = match self.known(hook.as_ref(), &graph, known).await {
            Some(known) => known,
            None => self.packages(&go, &source, hook.as_ref()).await?,
        };
        blocked::check_packages(self.blocklist, spec, &packages)?;
        let (mut packages, marked) = self.check_licences(packages).await?;
        let hook = hook.filter(|_| marked);
        if let Some(path) = &hook {
            list::include(&mut packages, path)?;
            write_file(&source, "main.go", &main_file(spec, Some(path), date)).await?;
        }

        let output = folder.join("binary");
        let milestones = compile::compile(&go, &source, spec, &packages, &output).await?;
        let linked = Instant::now();
        let used = GraphFiles {
            go_mod: read_file(&source, "go.mod").await?,
            go_sum: read_file(&source, "go.sum").await?,
        };
        let inspected = scope
            .limit(inspect(output.clone(), spec, &used, scope.output_limit))
            .await??;
        // If listing had to complete the graph, a build with the stored list would lack these additions.
        let packages = (used == graph).then_some(packages);
        let Inspected {
            size,
            sha256,
            modules,
        } = inspected;
        let product = Product {
            path: output,
            size,
            recipe: Recipe {
                modules,
                ..recipe(spec, &used, hook.as_ref(), date, sha256.clone())
            },
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

    /// The packages of the binary from lists of earlier builds, and a hold on their modules. `None` if that isn't
    /// possible, or one of the modules was trimmed in the meantime.
    async fn known(
        &self,
        hook: Option<&ImportPath>,
        graph: &GraphFiles,
        lists: Option<KnownLists<'_>>,
    ) -> Option<(Packages, HeldModules)> {
        let KnownLists { offer, used } = lists?;
        let Workshop { known, modules, .. } = self.workshop;
        let packages = known.packages(self.lists, self.spec, hook, graph, offer);
        let packages = packages.await?;
        let (held, complete) = modules.of_packages(&packages).await;
        used.store(complete, Ordering::Relaxed);
        complete.then_some((packages, held))
    }

    /// Lists the packages of the binary, and holds their modules.
    async fn packages(
        &self,
        go: &Go<'_>,
        source: &Path,
        hook: Option<&ImportPath>,
    ) -> Result<(Packages, HeldModules), BuildError> {
        let packages = list::list(go, source, self.spec, hook).await?;
        let (held, _) = self.workshop.modules.of_packages(&packages).await;
        Ok((packages, held))
    }
}
