//! One attempt at a build, in a folder that is gone afterwards: by what is known of its packages, or by a list of its own.

use tokio::time::Instant;
use wombat_model::{BuildSpec, Failure, FailureClass, log::Phase};

use super::{
    compile, doubt,
    graph::{self, GraphFiles},
    invocation::{BuildError, CompileCache, Go, Scope},
    licence, list,
    main_file::main_file,
    packages::Packages,
    product::{Product, inspect, timings},
    workshop::{Workshop, read_file, write_file, write_source},
};
use crate::{cache::ListScope, recipe::recipe, relay::RelaySession};

/// What is built, how, and with what.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) workshop: &'a Workshop,
    pub(super) spec: &'a BuildSpec,
    pub(super) scope: &'a Scope,
    pub(super) cache: CompileCache<'a>,
    /// What lists of results of the compile cache hang on.
    pub(super) lists: &'a ListScope,
    /// Whether all modules are the catalog's, so that what becomes of them may be shared.
    pub(super) trusted: bool,
}

impl Attempt<'_> {
    /// Once more, where a failure may come from this builder's own files; only the second answer counts.
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
                Box::pin(self.by_list()).await
            }
            built => built,
        }
    }

    /// With what earlier builds found out, if that is enough; else, or if that fails, with a list of its own.
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
        // Together, and before what is fetched ahead fills the line.
        let (known, ()) = tokio::join!(
            workshop
                .known
                .packages(lists, spec, hook.as_ref(), module_cache),
            async {
                if trusted {
                    workshop.graphs.bring(spec).await;
                }
            }
        );
        if let Some(packages) = known {
            match self.listed(Some(packages)).await {
                Err(BuildError::Failed(failure))
                    if !matches!(
                        failure.class,
                        FailureClass::Compile | FailureClass::Resource
                    ) =>
                {
                    workshop.known.forget(lists);
                    let message =
                        "That didn't work with what is known of these packages; listing them anew.";
                    scope.reporter.line(message);
                }
                built => return built.map(|(product, _)| product),
            }
        }
        self.by_list().await
    }

    async fn by_list(&self) -> Result<Product, BuildError> {
        let Self {
            workshop,
            spec,
            lists,
            trusted,
            ..
        } = *self;
        let (product, packages) = self.listed(None).await?;
        if let Some(packages) = packages {
            let hook = licence::hook(spec);
            workshop
                .known
                .learn(lists, spec, hook.as_ref(), &packages, trusted);
        }
        Ok(product)
    }

    async fn listed(
        &self,
        known: Option<Packages>,
    ) -> Result<(Product, Option<Packages>), BuildError> {
        let relay = self.workshop.relay.session();
        let built = self.through(&relay, known);
        Box::pin(built).await.map_err(|error| blame(error, &relay))
    }

    async fn through(
        &self,
        relay: &RelaySession,
        known: Option<Packages>,
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
        let folder = workshop
            .job_folder()
            .map_err(|error| BuildError::local("make a folder for the build", &error))?;
        let toolchain = workshop
            .toolchains
            .of_version(spec.go(), &workshop.settings, folder.path(), scope, relay)
            .await?;
        let go = Go {
            settings: &workshop.settings,
            toolchain: &toolchain,
            work_dir: folder.path(),
            scope,
            cache,
            relay,
        };
        let graph = graph::resolve(&go, &workshop.graphs, spec, trusted).await?;

        let download = Instant::now();
        scope.reporter.phase(Phase::Download, None);
        let source = folder.path().join("source");
        write_source(&source, spec, &graph)?;
        let hook = licence::hook(spec);
        let mut packages = match known {
            Some(packages) => packages,
            None => list::list(&go, &source, spec, hook.as_ref()).await?,
        };
        let marked = licence::check(&packages, spec, workshop.licences)?;
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
            sandbox: workshop.settings.sandbox.level(),
            timings: timings(begun, download, milestones, linked),
            _folder: folder,
        };
        Ok((product, packages))
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
