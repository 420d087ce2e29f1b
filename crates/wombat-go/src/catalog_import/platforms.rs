//! Compiles the packages of a release for every target, since `go list` doesn't notice all that fail.
//!
//! Known results aren't repeated, and the release is complete after every target, so the run can be interrupted and
//! resumed.

use std::collections::BTreeMap;

use tracing::info;
use wombat_model::{
    ImportPath, Package, Platform,
    catalog::{PlatformSupport, Release},
};

use super::{
    ImportError,
    specs::{Effort, spec},
};
use crate::Workshop;

/// Packages of a release that haven't been compiled for a target.
#[derive(Clone, Debug)]
pub struct Untried {
    platform: Platform,
    paths: Vec<ImportPath>,
}

impl Untried {
    /// The untried packages of a release, by target.
    pub fn of(release: &Release, platforms: &[Platform]) -> Vec<Self> {
        let targets = platforms.iter().map(|platform| {
            let packages = release
                .packages
                .iter()
                .filter(|package| !package.cgo && !package.platforms.contains_key(platform));
            Self {
                platform: *platform,
                paths: packages.map(|package| package.path.clone()).collect(),
            }
        });
        targets
            .filter(|untried| !untried.paths.is_empty())
            .collect()
    }

    /// The target.
    pub const fn platform(&self) -> Platform {
        self.platform
    }

    /// Number of packages.
    pub const fn packages(&self) -> usize {
        self.paths.len()
    }

    /// Compiles all of them and records the results in the release.
    pub async fn compile(
        self,
        workshop: &Workshop,
        release: &mut Release,
    ) -> Result<(), ImportError> {
        info!(platform = %self.platform, packages = self.paths.len(), "compiling");
        let packages = self.paths.iter().map(|path| {
            let package = Package {
                module: release.module.clone(),
                base: false,
            };
            (path.clone(), package)
        });
        let go = *release.go_versions.first().ok_or(ImportError::NoGo)?;
        let modules = BTreeMap::from([(release.module.clone(), release.version.clone())]);
        let spec = spec(
            self.platform,
            go,
            packages.collect(),
            modules,
            release.module.clone(),
        )?;
        let found = workshop.compiles(&spec, &Effort::by_hand().scope()).await;
        let found = found.map_err(|source| ImportError::Target {
            platform: self.platform,
            source,
        })?;
        for package in &mut release.packages {
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
