//! The binaries of an import: their specs, and what they contain.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;
use wombat_model::{
    BuildSpec, ImportPath, ModulePath, ModuleVersion, Package, Platform,
    catalog::{Component, Documentation, Field},
};

use super::{ImportError, Importer, listing, specs::spec};

/// What a binary contains, and what it cost.
pub(super) struct BinaryContents {
    pub(super) components: BTreeMap<Component, Documentation>,
    pub(super) stream: Vec<Field>,
    pub(super) bytes: u64,
    pub(super) compile: Duration,
}

impl BinaryContents {
    /// Empty, if there is no base to compare with.
    pub(super) const fn nothing() -> Self {
        Self {
            components: BTreeMap::new(),
            stream: Vec::new(),
            bytes: 0,
            compile: Duration::ZERO,
        }
    }
}

/// A package to build, its module and the version of that.
pub(super) type Picked<'a> = (&'a ImportPath, &'a ModulePath, &'a ModuleVersion);

impl Importer<'_> {
    /// The contents of a binary with the base and these packages, none of which is empty on this machine.
    pub(super) async fn contents(
        &self,
        packages: &[Picked<'_>],
    ) -> Result<BinaryContents, ImportError> {
        let spec = self.spec(packages, self.host)?;
        let first = packages.first().map(|(path, _, _)| *path);
        let Some(package) = first.or(self.request.base.first()).cloned() else {
            return Ok(BinaryContents::nothing());
        };
        let begun = Instant::now();
        let product = self
            .workshop
            .build(&spec, &self.effort.scope())
            .await
            .map_err(|source| ImportError::Build {
                package: package.clone(),
                source,
            })?;
        let compile = begun.elapsed();
        let unlisted = |problem: String| ImportError::Listing {
            package: package.clone(),
            problem,
        };
        let output = self
            .workshop
            .ask(&product, &["list", "--format", "json-full"])
            .await
            .map_err(|error| unlisted(error.to_string()))?;
        let listing = listing::read(&output).map_err(|error| unlisted(error.to_string()))?;
        let components = listing.components.into_iter();
        Ok(BinaryContents {
            components: components.map(|it| (it.component(), it)).collect(),
            stream: listing.stream,
            bytes: product.size,
            compile,
        })
    }

    /// One of the module's own packages.
    pub(super) fn own<'a>(&'a self, path: &'a ImportPath) -> Picked<'a> {
        (path, &self.request.module, &self.request.version)
    }

    /// A spec of the base and these packages. A package of the base's own module is built without the rest of the base,
    /// to find its own components.
    pub(super) fn spec(
        &self,
        packages: &[Picked<'_>],
        platform: Platform,
    ) -> Result<BuildSpec, ImportError> {
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
        let mut modules = BTreeMap::new();
        for (path, module, version) in packages {
            let package = Package {
                module: ModulePath::clone(module),
                base: false,
            };
            all.insert(ImportPath::clone(path), package);
            modules.insert(ModulePath::clone(module), ModuleVersion::clone(version));
        }
        if !own_base {
            modules.insert(self.request.base_module.clone(), self.base_version.clone());
        }
        modules.insert(self.request.module.clone(), self.request.version.clone());
        let graph = &self.request.module;
        spec(platform, self.request.go, all, modules, graph.clone())
    }
}
