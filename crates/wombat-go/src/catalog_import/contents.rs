//! What a binary contains, and what it cost.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;
use wombat_model::{
    BuildSpec, ImportPath, ModulePath, ModuleVersion, Package, Platform,
    catalog::{Component, Documentation, Field, ImportPlan},
};

use super::{ImportError, listing, specs, specs::Effort};
use crate::Workshop;

/// What a binary contains, and what it cost.
pub(super) struct BinaryContents {
    pub(super) components: BTreeMap<Component, Documentation>,
    pub(super) stream: Vec<Field>,
    pub(super) bytes: u64,
    pub(super) compile: Duration,
}

/// A package to build, its module and the version of that.
pub(super) type Picked<'a> = (&'a ImportPath, &'a ModulePath, &'a ModuleVersion);

/// One of the imported module's own packages.
pub(super) fn own<'a>(plan: &'a ImportPlan, path: &'a ImportPath) -> Picked<'a> {
    (path, &plan.module, &plan.version)
}

impl BinaryContents {
    /// Of a binary with the base and these packages, none of which is empty on this machine.
    pub(super) async fn of(
        workshop: &Workshop,
        plan: &ImportPlan,
        packages: &[Picked<'_>],
        effort: &Effort,
    ) -> Result<Option<Self>, ImportError> {
        let spec = spec(plan, packages, plan.basis.host)?;
        let first = packages.first().map(|(path, _, _)| *path);
        let Some(package) = first.or(plan.base.first()).cloned() else {
            return Ok(None);
        };
        let begun = Instant::now();
        let built = workshop.build(&spec, &effort.scope()).await;
        let product = built.map_err(|source| ImportError::Build {
            package: package.clone(),
            source,
        })?;
        let compile = begun.elapsed();
        let unlisted = |problem: String| ImportError::Listing {
            package: package.clone(),
            problem,
        };
        let output = workshop
            .ask(&product, &["list", "--format", "json-full"])
            .await
            .map_err(|error| unlisted(error.to_string()))?;
        let listing = listing::read(&output).map_err(|error| unlisted(error.to_string()))?;
        let components = listing.components.into_iter();
        let contents = Self {
            components: components.map(|it| (it.component(), it)).collect(),
            stream: listing.stream,
            bytes: product.size,
            compile,
        };
        product.remove().await;
        Ok(Some(contents))
    }

    /// Documentation of the components that the base doesn't have.
    pub(super) fn beyond(self, base: &[Component]) -> Vec<Documentation> {
        let known: BTreeSet<&Component> = base.iter().collect();
        let own = self.components.into_iter();
        let own = own.filter(|(component, _)| !known.contains(component));
        own.map(|(_, documentation)| documentation).collect()
    }
}

/// A spec of the base and these packages. A package of the base's own module is built without the rest of the base, to
/// find its own components.
pub(super) fn spec(
    plan: &ImportPlan,
    packages: &[Picked<'_>],
    platform: Platform,
) -> Result<BuildSpec, ImportError> {
    let (mut all, mut modules) = (BTreeMap::new(), BTreeMap::new());
    if !plan.imports_base() {
        for path in &plan.base {
            let package = Package {
                module: plan.base_module.clone(),
                base: true,
            };
            all.insert(path.clone(), package);
        }
        modules.insert(plan.base_module.clone(), plan.basis.base_version.clone());
    }
    for (path, module, version) in packages {
        let package = Package {
            module: ModulePath::clone(module),
            base: false,
        };
        all.insert(ImportPath::clone(path), package);
        modules.insert(ModulePath::clone(module), ModuleVersion::clone(version));
    }
    modules.insert(plan.module.clone(), plan.version.clone());
    specs::spec(platform, plan.basis.go, all, modules, plan.module.clone())
}
