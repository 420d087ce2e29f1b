//! Which release of each module is used.
//!
//! The requested version, else the one that another chosen release requires in its own `go.mod`, else the newest of the
//! catalog. A driver has the version that its release requires.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use wombat_model::{
    ImportPath, ModulePath, ModuleVersion, Problem, ProblemCode,
    catalog::{CatalogPackage, Driver, Offer, Release},
};

use super::{asked::Asked, base::benthos};
use crate::catalog::Snapshot;

/// Where a version comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Asked,
    /// A release of this module requires it.
    Pinned(ModulePath),
    /// It is the module of a driver, and a release requires it.
    Driver,
    Newest,
}

/// The version of a module.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) version: ModuleVersion,
    pub(super) origin: Origin,
    /// Its release in the catalog.
    pub(super) release: Option<Arc<Release>>,
    /// The same or, if the catalog lacks this version, the newest release, whose packages are likely the same.
    pub(super) listing: Option<Arc<Release>>,
}

/// The version of every module.
#[derive(Clone, Debug)]
pub(super) struct Versions(BTreeMap<ModulePath, Chosen>);

impl Versions {
    /// Chooses for all these modules. A module without a requested version that isn't in the catalog is left out.
    pub(super) fn choose(
        modules: &BTreeSet<ModulePath>,
        asked: &Asked,
        catalog: &Snapshot,
    ) -> Self {
        let unpinned = |module: &ModulePath| {
            asked
                .version(module)
                .map(|asked| (asked.version.clone(), Origin::Asked))
                .or_else(|| {
                    catalog
                        .newest(module)
                        .map(|newest| (newest.version.clone(), Origin::Newest))
                })
        };
        let mut pins: BTreeMap<&ModulePath, (ModuleVersion, ModulePath)> = BTreeMap::new();
        for module in modules {
            let release =
                unpinned(module).and_then(|(version, _)| catalog.release(module, &version));
            for (pinned, version) in release.iter().flat_map(|release| &release.requires) {
                let pin = (version.clone(), module.clone());
                let highest = pins.entry(pinned).or_insert_with(|| pin.clone());
                if highest.0 < pin.0 {
                    *highest = pin;
                }
            }
        }
        let chosen = modules.iter().filter_map(|module| {
            let (version, origin) = match (unpinned(module)?, pins.get(module)) {
                ((_, Origin::Newest), Some((version, by))) => {
                    (version.clone(), Origin::Pinned(by.clone()))
                }
                (choice, _) => choice,
            };
            let release = catalog.release(module, &version).cloned();
            let listing = release.clone().or_else(|| catalog.newest(module).cloned());
            let chosen = Chosen {
                version,
                origin,
                release,
                listing,
            };
            Some((module.clone(), chosen))
        });
        let mut versions = Self(chosen.collect());
        let others = modules.iter().filter(|it| !versions.0.contains_key(*it));
        let drivers = others.filter_map(|module| {
            let mut drivers = versions.drivers();
            let driver = drivers.find(|(_, driver)| driver.module == *module)?.1;
            let chosen = Chosen {
                version: driver.version.clone(),
                origin: Origin::Driver,
                release: None,
                listing: None,
            };
            Some((module.clone(), chosen))
        });
        let drivers: Vec<(ModulePath, Chosen)> = drivers.collect();
        versions.0.extend(drivers);
        versions
    }

    /// The releases that are in the catalog at the chosen version.
    pub(super) fn releases(&self) -> impl Iterator<Item = &Release> {
        let chosen = self.0.values();
        chosen.filter_map(|chosen| chosen.release.as_deref())
    }

    /// These, and the newest releases in the place of those that the catalog lacks.
    pub(super) fn listings(&self) -> impl Iterator<Item = &Release> {
        let chosen = self.0.values();
        chosen.filter_map(|chosen| chosen.listing.as_deref())
    }

    /// All packages, and the drivers of the releases that are in the catalog.
    pub(super) fn offers(&self) -> impl Iterator<Item = Offer<'_>> {
        self.0.values().flat_map(|chosen| {
            let listing = chosen.listing.as_deref();
            let offers = listing.into_iter().flat_map(Release::offers);
            // The catalog doesn't know which drivers another version requires.
            offers.filter(move |offer| {
                chosen.release.is_some() || listing.is_some_and(|it| it.module == *offer.module)
            })
        })
    }

    /// The drivers of the releases, and the modules of these.
    fn drivers(&self) -> impl Iterator<Item = (&ModulePath, &Driver)> {
        self.releases().flat_map(|release| {
            let drivers = release.drivers.iter();
            drivers.map(move |driver| (&release.module, driver))
        })
    }

    /// The driver of this path, and the module of its release.
    pub(super) fn driver(&self, path: &ImportPath) -> Option<(&ModulePath, &Driver)> {
        self.drivers()
            .find(|(_, driver)| driver.package.path == *path)
    }

    /// Whether this is the module of a driver, at the version that its release requires.
    pub(super) fn is_of_driver(&self, module: &ModulePath, chosen: &Chosen) -> bool {
        let mut drivers = self.drivers();
        drivers.any(|(_, driver)| driver.module == *module && driver.version == chosen.version)
    }

    /// The package or driver, if its release is in the catalog at this version.
    pub(super) fn package(
        &self,
        path: &ImportPath,
        module: &ModulePath,
    ) -> Option<&CatalogPackage> {
        let chosen = self.0.get(module)?;
        let release = chosen.release.as_deref();
        let own = release.and_then(|release| release.package(path));
        own.or_else(|| {
            let (_, driver) = self.driver(path)?;
            (chosen.version == driver.version).then_some(&driver.package)
        })
    }

    pub(super) fn get(&self, module: &ModulePath) -> Option<&Chosen> {
        self.0.get(module)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ModulePath, &Chosen)> {
        self.0.iter()
    }

    /// Whether every version here is the same there. Those of drivers follow from the others.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let of_releases = self.0.iter();
        let mut of_releases = of_releases.filter(|(_, chosen)| chosen.origin != Origin::Driver);
        of_releases.all(|(module, chosen)| {
            other
                .get(module)
                .is_some_and(|there| there.version == chosen.version)
        })
    }

    /// The highest version that another chosen release requires, and that release.
    fn pin(&self, module: &ModulePath) -> Option<(&ModuleVersion, &Release)> {
        let pins = self.releases().filter_map(|release| {
            let driver = || {
                release
                    .drivers
                    .iter()
                    .find(|driver| driver.module == *module)
            };
            let of_driver = || driver().map(|driver| &driver.version);
            Some((release.requires.get(module).or_else(of_driver)?, release))
        });
        pins.max_by_key(|(version, _)| *version)
    }

    /// The module whose own `go.mod` is the base of the module graph: the first of the catalog's, by path, that no
    /// other chosen module requires. For a version that the catalog lacks, the requirements of the newest release
    /// count.
    pub(super) fn graph(&self, catalog: &Snapshot) -> ModulePath {
        self.0
            .keys()
            .filter(|module| catalog.has(module))
            .find(|module| {
                let mut listings = self.listings();
                !listings.any(|listing| listing.requires.contains_key(*module))
            })
            .cloned()
            .unwrap_or_else(benthos)
    }

    /// Refuses versions that are too low for another chosen release.
    pub(super) fn refuse_conflicts(&self, asked: &Asked, problems: &mut Vec<Problem>) {
        for module in self.0.keys() {
            let Some(asked) = asked.version(module) else {
                continue;
            };
            if let Some((pinned, by)) = self.pin(module)
                && asked.version < *pinned
            {
                problems.push(Problem::field(
                    ProblemCode::VersionConflict,
                    asked.field.clone(),
                    format!(
                        "`{module}` is requested at {}, but {} {} needs at least {pinned}.",
                        asked.version, by.module, by.version
                    ),
                ));
            }
        }
    }
}
