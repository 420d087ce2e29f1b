//! Compiles packages for every other target.

use tracing::info;
use wombat_model::{
    ImportPath, Platform,
    catalog::{CatalogPackage, PlatformSupport},
};

use super::{ImportError, Importer, scope};

impl Importer<'_> {
    /// Fills in what is still unknown: one target after another, all of its packages at once.
    pub(super) async fn compile_platforms(
        &self,
        packages: &mut [CatalogPackage],
    ) -> Result<(), ImportError> {
        for platform in Platform::ALL.iter().copied() {
            let unknown = |package: &&CatalogPackage| {
                !package.cgo && !package.platforms.contains_key(&platform)
            };
            let paths: Vec<ImportPath> = packages
                .iter()
                .filter(unknown)
                .map(|package| package.path.clone())
                .collect();
            let Some(first) = paths.first() else {
                continue;
            };
            info!(%platform, packages = paths.len(), "compiling");
            let spec = self.spec(&paths, platform)?;
            let compiled = self.workshop.compiles(&spec, &scope()).await;
            let compiled = compiled.map_err(|source| ImportError::Build {
                package: first.clone(),
                source,
            })?;
            for package in packages.iter_mut() {
                if let Some(compiles) = compiled.get(&package.path) {
                    let support = if *compiles {
                        PlatformSupport::Compiles
                    } else {
                        PlatformSupport::Fails
                    };
                    package.platforms.insert(platform, support);
                }
            }
        }
        Ok(())
    }
}
