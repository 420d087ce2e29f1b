//! Compiles the packages of a release for every target, since `go list` doesn't notice all that fail.
//!
//! Known results aren't repeated, and the release is complete after every target, so the run can be interrupted and
//! resumed.

use std::collections::BTreeMap;

use tracing::info;
use wombat_model::{
    ImportPath, ModulePath, Package, Platform,
    catalog::{PlatformSupport, Release},
};

use super::{
    ImportError,
    specs::{Effort, spec},
};
use crate::Workshop;

/// Packages and drivers of a release that haven't been compiled for a target.
#[derive(Clone, Debug)]
pub struct Untried {
    platform: Platform,
    /// With their modules.
    packages: Vec<(ImportPath, ModulePath)>,
}

impl Untried {
    /// The untried packages of a release, by target.
    pub fn of(release: &Release, platforms: &[Platform]) -> Vec<Self> {
        let targets = platforms.iter().map(|platform| {
            let packages = release.offers().filter(|offer| {
                !offer.package.cgo && !offer.package.platforms.contains_key(platform)
            });
            let packages = packages.map(|offer| (offer.package.path.clone(), offer.module.clone()));
            Self {
                platform: *platform,
                packages: packages.collect(),
            }
        });
        targets
            .filter(|untried| !untried.packages.is_empty())
            .collect()
    }

    /// The target.
    pub const fn platform(&self) -> Platform {
        self.platform
    }

    /// Number of packages.
    pub const fn packages(&self) -> usize {
        self.packages.len()
    }

    /// Compiles all of them and records the results in the release.
    pub async fn compile(
        self,
        workshop: &Workshop,
        release: &mut Release,
    ) -> Result<(), ImportError> {
        info!(platform = %self.platform, packages = self.packages.len(), "compiling");
        let mut modules = BTreeMap::from([(release.module.clone(), release.version.clone())]);
        let packages = self.packages.into_iter().map(|(path, module)| {
            let mut drivers = release.drivers.iter();
            if let Some(driver) = drivers.find(|driver| driver.module == module) {
                modules.insert(module.clone(), driver.version.clone());
            }
            let package = Package {
                module,
                base: false,
            };
            (path, package)
        });
        let packages: BTreeMap<ImportPath, Package> = packages.collect();
        let go = *release.go_versions.first().ok_or(ImportError::NoGo)?;
        let spec = spec(self.platform, go, packages, modules, release.module.clone())?;
        let found = workshop.compiles(&spec, &Effort::by_hand().scope()).await;
        let found = found.map_err(|source| ImportError::Target {
            platform: self.platform,
            source,
        })?;
        let drivers = release.drivers.iter_mut().map(|driver| &mut driver.package);
        for package in release.packages.iter_mut().chain(drivers) {
            if let Some(compiles) = found.get(&package.path) {
                let support = if *compiles {
                    PlatformSupport::Compiles
                } else {
                    PlatformSupport::Fails
                };
                package.platforms.insert(self.platform, support);
            }
        }
        Ok(())
    }
}
