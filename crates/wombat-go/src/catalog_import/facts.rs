//! Facts about the packages of a release that their source says: enterprise features, drivers, and what is missing on
//! some targets.

use std::collections::BTreeMap;

use tracing::{info, warn};
use wombat_model::{
    ImportPath, Platform,
    catalog::{
        CatalogPackage, Component, ComponentKind, Driver, Licence, PlatformSupport, Release,
        SharedBytes,
    },
};

use super::{
    GENERATION, ImportError, Importer,
    contents::{BinaryContents, own, spec},
    shared::{Measured, shared},
    support::SupportTable,
};
use crate::{BuildError, FoundDriver, PackageFacts, Survey};

/// Surveys of all packages by target.
pub(super) struct Facts {
    host: Platform,
    surveys: BTreeMap<Platform, Survey>,
}

impl Facts {
    fn on_host(&self) -> Option<&Survey> {
        self.surveys.get(&self.host)
    }

    fn of(&self, path: &ImportPath) -> Option<&PackageFacts> {
        self.on_host()?.packages.get(path)
    }

    /// Adds to a package what its source says.
    fn complete(&self, package: &mut CatalogPackage, support: &SupportTable) {
        let Some(here) = self.of(&package.path) else {
            return;
        };
        let drivers = self.on_host().map_or(&[][..], |survey| &survey.drivers);
        let drivers = drivers
            .iter()
            .filter(|driver| here.compiled.contains(driver.path.as_str()));
        let drivers: Vec<(Component, &FoundDriver)> =
            drivers.map(|driver| (component(driver), driver)).collect();
        package
            .components
            .retain(|it| it.kind != ComponentKind::Driver);
        let components = package.components.iter();
        let enterprise = components.filter(|component| {
            support.is_enterprise(component) || here.registered.get(*component) == Some(&true)
        });
        package.enterprise = enterprise.cloned().collect();
        package.missing.clear();
        for (platform, survey) in &self.surveys {
            let Some(there) = survey.packages.get(&package.path).filter(|it| !it.empty) else {
                continue;
            };
            // A component whose registration wasn't found may be anywhere.
            let registered = package.components.iter().filter(|it| {
                here.registered.contains_key(*it) && !there.registered.contains_key(*it)
            });
            let imported = drivers
                .iter()
                .filter(|(_, driver)| !there.compiled.contains(driver.path.as_str()));
            let imported = imported.map(|(component, _)| component);
            let missing: Vec<Component> = registered.chain(imported).cloned().collect();
            if !missing.is_empty() {
                package.missing.insert(*platform, missing);
            }
        }
        package
            .components
            .extend(drivers.into_iter().map(|(component, _)| component));
        package.components.sort();
    }

    /// A driver by itself compiles where a package that imports it does.
    fn driver(&self, found: &FoundDriver, packages: &[CatalogPackage]) -> Driver {
        let compiles = |platform: &Platform| {
            let survey = self.surveys.get(platform)?;
            let importing = packages.iter().find(|package| {
                let facts = survey.packages.get(&package.path);
                package.platforms.get(platform) == Some(&PlatformSupport::Compiles)
                    && facts.is_some_and(|it| it.compiled.contains(found.path.as_str()))
            });
            importing.map(|_| (*platform, PlatformSupport::Compiles))
        };
        Driver {
            module: found.module.clone(),
            version: found.version.clone(),
            package: CatalogPackage {
                path: found.path.clone(),
                description: format!("The SQL driver `{}`.", found.name),
                licence: Licence::Apache,
                rcl_files: 0,
                cgo: false,
                platforms: Platform::ALL.iter().filter_map(compiles).collect(),
                components: vec![component(found)],
                enterprise: Vec::new(),
                missing: BTreeMap::new(),
                support: Vec::new(),
                added_bytes: None,
                compile_ms: None,
            },
        }
    }
}

fn component(driver: &FoundDriver) -> Component {
    Component {
        kind: ComponentKind::Driver,
        name: driver.name.clone(),
    }
}

impl Importer<'_> {
    /// Surveys all packages on all targets.
    async fn facts(&self, paths: &[ImportPath]) -> Result<Facts, ImportError> {
        let plan = self.plan;
        let picked: Vec<_> = paths.iter().map(|path| own(plan, path)).collect();
        let mut surveys = BTreeMap::new();
        for platform in Platform::ALL {
            info!(%platform, "surveying");
            let spec = spec(plan, &picked, *platform)?;
            let survey = self.workshop.survey(&spec, &self.effort.scope()).await;
            let survey = survey.map_err(|source| ImportError::Target {
                platform: *platform,
                source,
            })?;
            surveys.insert(*platform, survey);
        }
        Ok(Facts {
            host: plan.basis.host,
            surveys,
        })
    }

    /// Adds to a release what the source of its packages says, and measures its drivers. A release without packages
    /// stays as it is.
    pub async fn survey(&self, release: &mut Release) -> Result<(), ImportError> {
        let paths = release.packages.iter().map(|package| package.path.clone());
        let paths: Vec<ImportPath> = paths.collect();
        if paths.is_empty() {
            return Ok(());
        }
        let facts = self.facts(&paths).await?;
        let support = SupportTable::from_levels(&self.plan.support);
        for package in &mut release.packages {
            facts.complete(package, &support);
        }
        let before = std::mem::take(&mut release.drivers);
        let found = facts.on_host().map_or(&[][..], |survey| &survey.drivers);
        for found in found {
            let mut driver = facts.driver(found, &release.packages);
            let known = before
                .iter()
                .find(|known| (&known.module, &known.version) == (&driver.module, &driver.version));
            if let Some(known) = known {
                driver.package.added_bytes = known.package.added_bytes;
                driver.package.compile_ms = known.package.compile_ms;
                for (platform, support) in &known.package.platforms {
                    driver
                        .package
                        .platforms
                        .entry(*platform)
                        .or_insert(*support);
                }
            }
            release.drivers.push(driver);
        }
        release
            .drivers
            .sort_by(|left, right| left.package.path.cmp(&right.package.path));
        self.measure_drivers(release).await?;
        release.shared = Self::shared_bytes(release, &facts);
        release.generation = GENERATION;
        Ok(())
    }

    /// Builds a binary with the base and each driver that wasn't measured. One that can't be built can't be picked.
    async fn measure_drivers(&self, release: &mut Release) -> Result<(), ImportError> {
        let Some(base_bytes) = release.base_bytes else {
            release.drivers.clear();
            return Ok(());
        };
        let mut drivers = Vec::new();
        for mut driver in std::mem::take(&mut release.drivers) {
            if driver.package.added_bytes.is_none() {
                info!(driver = %driver.package.path, "measuring");
                let picked = [(&driver.package.path, &driver.module, &driver.version)];
                let built = BinaryContents::of(self.workshop, self.plan, &picked, &self.effort);
                let built = match built.await {
                    Err(ImportError::Build {
                        package,
                        source: BuildError::Failed(failure),
                    }) if failure.class.is_final() => {
                        warn!(driver = %package, message = failure.message, "left out");
                        continue;
                    }
                    built => built?,
                };
                let Some(built) = built else { continue };
                driver.package.added_bytes = Some(built.bytes.saturating_sub(base_bytes));
                driver.package.compile_ms = u64::try_from(built.compile.as_millis()).ok();
                driver
                    .package
                    .platforms
                    .insert(self.plan.basis.host, PlatformSupport::Compiles);
            }
            drivers.push(driver);
        }
        release.drivers = drivers;
        Ok(())
    }

    fn shared_bytes(release: &Release, facts: &Facts) -> Vec<SharedBytes> {
        let Some(survey) = facts.on_host() else {
            return Vec::new();
        };
        let measured = release.offers().filter_map(|offer| {
            Some(Measured {
                name: release.name_of(&offer.package.path),
                added: offer.package.added_bytes?,
                compiled: survey.compiled(&offer.package.path)?,
            })
        });
        let measured: Vec<Measured<'_>> = measured.collect();
        shared(&measured, &survey.source_bytes)
    }
}
