//! Makes a catalog release from the real module: every package is built and its binary is asked what it holds.
//!
//! What a package registers is the difference between the binary with it and the one with the base alone. Other
//! targets than this machine are listed, not compiled: that finds packages that are empty there, and leaves the rest unchecked.

mod listing;

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;
use wombat_model::{
    BuildSpec, GoVersion, ImportPath, InvalidSpec, ModulePath, ModuleVersion, Package, Platform,
    Target,
    catalog::{CatalogPackage, Component, Licence, PlatformSupport, Release},
};

use crate::{
    go::{BuildError, Scope, Workshop},
    report::Reporter,
};

/// What is to be imported.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// The module.
    pub module: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
    /// What people call it.
    pub title: String,
    /// The Go release that builds.
    pub go: GoVersion,
    /// Go releases on offer, newest first.
    pub go_versions: Vec<GoVersion>,
    /// Folder below which its packages are.
    pub component_root: String,
    /// Its packages, below that folder, and a line on each.
    pub packages: BTreeMap<String, String>,
    /// Packages that no pipeline runs without, as import paths; all in `base_module`.
    pub base: Vec<ImportPath>,
    /// The module of the base.
    pub base_module: ModulePath,
}

/// The import stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A package can't be built.
    #[error("{package}: {source}")]
    Build {
        /// The package.
        package: ImportPath,
        /// Why.
        source: BuildError,
    },
    /// A path or version doesn't fit the others.
    #[error(transparent)]
    Spec(#[from] InvalidSpec),
    /// A path isn't one.
    #[error(transparent)]
    Path(#[from] wombat_model::ParsePathError),
    /// The module doesn't ask for the base's module.
    #[error("{0} isn't required by the module that is imported")]
    NoBase(ModulePath),
    /// A binary doesn't tell what it holds.
    #[error("{package}: its binary doesn't list its components: {problem}")]
    Listing {
        /// The package.
        package: ImportPath,
        /// Why.
        problem: String,
    },
}

/// An import under way.
#[derive(Debug)]
pub struct Importer<'a> {
    workshop: &'a Workshop,
    request: ImportRequest,
    base_version: ModuleVersion,
    /// This machine, which the binaries run on.
    host: Platform,
}

impl<'a> Importer<'a> {
    /// Finds out which version of the base the module asks for.
    pub async fn new(
        workshop: &'a Workshop,
        request: ImportRequest,
        host: Platform,
    ) -> Result<Self, ImportError> {
        let base_version = if request.base_module == request.module {
            request.version.clone()
        } else {
            required_version(workshop, &request, host).await?
        };
        Ok(Self {
            workshop,
            request,
            base_version,
            host,
        })
    }

    /// Builds every package, asks every binary, surveys every target.
    pub async fn run(&self) -> Result<Release, ImportError> {
        let own_base = self.request.base_module == self.request.module;
        // The base's own release tells everything that its packages bring; others only what comes on top.
        let common = if own_base {
            BTreeSet::new()
        } else {
            self.components(&[]).await?
        };
        let mut packages = Vec::new();
        let mut known = common;
        for (path, description) in self.in_order()? {
            info!(package = %path, "importing");
            let package = self.package(path, description, &known).await?;
            if own_base {
                known.extend(package.components.iter().cloned());
            }
            packages.push(package);
        }
        packages.sort_by(|left, right| left.path.cmp(&right.path));
        let requires = if own_base {
            BTreeMap::new()
        } else {
            BTreeMap::from([(self.request.base_module.clone(), self.base_version.clone())])
        };
        Ok(Release {
            module: self.request.module.clone(),
            version: self.request.version.clone(),
            title: self.request.title.clone(),
            go_versions: self.request.go_versions.clone(),
            requires,
            component_root: self.request.component_root.clone(),
            packages,
        })
    }

    /// Packages of the base come first, in its order, as later ones bring the earlier ones along.
    fn in_order(&self) -> Result<Vec<(ImportPath, &str)>, ImportError> {
        let mut packages = Vec::new();
        for (folder, description) in &self.request.packages {
            let path: ImportPath = format!(
                "{}/{}/{folder}",
                self.request.module, self.request.component_root
            )
            .parse()?;
            packages.push((path, description.as_str()));
        }
        let place = |path: &ImportPath| self.request.base.iter().position(|base| base == path);
        packages.sort_by_key(|(path, _)| place(path).unwrap_or(usize::MAX));
        Ok(packages)
    }

    async fn package(
        &self,
        path: ImportPath,
        description: &str,
        known: &BTreeSet<Component>,
    ) -> Result<CatalogPackage, ImportError> {
        let mut platforms = BTreeMap::new();
        let mut host_survey = None;
        for platform in Platform::ALL {
            let spec = self.spec(std::slice::from_ref(&path), *platform)?;
            let survey = self
                .workshop
                .survey(&spec, &path, &scope())
                .await
                .map_err(|source| ImportError::Build {
                    package: path.clone(),
                    source,
                })?;
            if survey.empty {
                platforms.insert(*platform, PlatformSupport::Empty);
            }
            if *platform == self.host {
                host_survey = Some(survey);
            }
        }
        let marked_files = host_survey.as_ref().map_or(0, |survey| survey.marked_files);
        let bundled = host_survey.is_some_and(|survey| survey.bundled);
        // Nothing on any target: it needs cgo, which is off.
        let cgo = platforms.len() == Platform::ALL.len();
        let mut components = Vec::new();
        if cgo {
            platforms.clear();
        } else if let Entry::Vacant(host) = platforms.entry(self.host) {
            let found = self.components(std::slice::from_ref(&path)).await?;
            host.insert(PlatformSupport::Compiles);
            components = found.difference(known).cloned().collect();
        }
        Ok(CatalogPackage {
            path,
            description: description.to_owned(),
            licence: match (marked_files, bundled) {
                (0, _) => Licence::Apache,
                (_, true) => Licence::Community,
                (_, false) => Licence::Rcl,
            },
            rcl_files: marked_files,
            cgo,
            platforms,
            components,
        })
    }

    /// What a binary with the base and these packages holds, none of which is empty on this machine.
    async fn components(
        &self,
        packages: &[ImportPath],
    ) -> Result<BTreeSet<Component>, ImportError> {
        let spec = self.spec(packages, self.host)?;
        let Some(package) = packages.first().or(self.request.base.first()).cloned() else {
            return Ok(BTreeSet::new());
        };
        let product = self
            .workshop
            .build(&spec, &scope())
            .await
            .map_err(|source| ImportError::Build {
                package: package.clone(),
                source,
            })?;
        let unlisted = |problem: String| ImportError::Listing {
            package: package.clone(),
            problem,
        };
        let output = self
            .workshop
            .ask(&product, &["list", "--format", "json-full"])
            .await
            .map_err(|error| unlisted(error.to_string()))?;
        listing::components(&output).map_err(|error| unlisted(error.to_string()))
    }

    /// The base and these packages. A package of the base's own module is built without the rest of the base, so that it tells
    /// what it brings itself.
    fn spec(&self, packages: &[ImportPath], platform: Platform) -> Result<BuildSpec, ImportError> {
        let mut all = BTreeMap::new();
        let own_base = self.request.base_module == self.request.module;
        if !own_base {
            for path in &self.request.base {
                all.insert(
                    path.clone(),
                    Package {
                        module: self.request.base_module.clone(),
                        base: true,
                    },
                );
            }
        }
        for path in packages {
            all.insert(
                path.clone(),
                Package {
                    module: self.request.module.clone(),
                    base: false,
                },
            );
        }
        let mut modules = BTreeMap::new();
        if !own_base {
            modules.insert(self.request.base_module.clone(), self.base_version.clone());
        }
        modules.insert(self.request.module.clone(), self.request.version.clone());
        let graph = &self.request.module;
        spec(platform, self.request.go, all, modules, graph.clone())
    }
}

fn spec(
    platform: Platform,
    go: GoVersion,
    packages: BTreeMap<ImportPath, Package>,
    modules: BTreeMap<ModulePath, ModuleVersion>,
    graph: ModulePath,
) -> Result<BuildSpec, ImportError> {
    let target = Target::new(platform, None).expect("every platform offers its default variant");
    Ok(BuildSpec::new(target, go, packages, modules, graph)?)
}

async fn required_version(
    workshop: &Workshop,
    request: &ImportRequest,
    host: Platform,
) -> Result<ModuleVersion, ImportError> {
    let folder = request.packages.keys().next().map_or("", String::as_str);
    let path: ImportPath =
        format!("{}/{}/{folder}", request.module, request.component_root).parse()?;
    let spec = spec(
        host,
        request.go,
        BTreeMap::from([(
            path.clone(),
            Package {
                module: request.module.clone(),
                base: false,
            },
        )]),
        BTreeMap::from([(request.module.clone(), request.version.clone())]),
        request.module.clone(),
    )?;
    let graph = workshop
        .graph(&spec, &scope())
        .await
        .map_err(|source| ImportError::Build {
            package: path,
            source,
        })?;
    graph
        .go_mod
        .lines()
        .filter_map(|line| {
            line.trim()
                .trim_start_matches("require ")
                .strip_prefix(request.base_module.as_str())
        })
        .find_map(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| ImportError::NoBase(request.base_module.clone()))
}

/// An import is started by hand and may take its time.
fn scope() -> Scope {
    let time_limit = std::time::Duration::from_hours(2);
    let (reporter, _) = Reporter::new();
    Scope {
        stop: CancellationToken::new(),
        deadline: Instant::now() + time_limit,
        time_limit,
        memory_limit: 12 << 30,
        output_limit: 2 << 30,
        process_limit: 1024,
        niceness: 10,
        parallelism: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        reporter,
    }
}
