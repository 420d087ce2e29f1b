//! Which release of each module is used.
//!
//! The requested version, else the one that another chosen release requires in its own `go.mod`, else the catalog's
//! default, else, if that lacks something here, a release that has it. A driver has the version that its release requires.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use wombat_model::{
    ImportPath, ModulePath, ModuleVersion, Problem, ProblemCode,
    catalog::{CatalogPackage, Driver, Offer, Release},
};

use super::{asked::Asked, base::benthos, names::OfferOf};
use crate::catalog::{Snapshot, is_official};

/// Where a version comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Asked,
    /// A release of this module requires it.
    Pinned(ModulePath),
    /// It is the module of a driver, and a release requires it.
    Driver,
    Default,
    /// The default lacks something here.
    Instead,
}

/// The version of a module.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) version: ModuleVersion,
    pub(super) origin: Origin,
    /// Its release in the catalog.
    pub(super) release: Option<Arc<Release>>,
    /// The same or, if the catalog lacks this version, the default release, whose packages are likely the same.
    pub(super) listing: Option<Arc<Release>>,
    /// The versions of other modules that it requires, as far as they are known.
    requires: BTreeMap<ModulePath, ModuleVersion>,
}

impl Chosen {
    /// The release whose components it has. Of the base, only those of the very release are known to be in a binary.
    pub(super) fn components_of(&self, module: &ModulePath) -> Option<&Release> {
        if *module == benthos() {
            return self.release.as_deref();
        }
        self.listing.as_deref()
    }
}

/// The version of every module.
#[derive(Clone, Debug)]
pub(super) struct Versions(BTreeMap<ModulePath, Chosen>);

impl Versions {
    /// Chooses for all these modules. A module without a requested version that isn't in the catalog is left out.
    /// Versions of `instead` take the place of others.
    pub(super) fn choose(
        modules: &BTreeSet<ModulePath>,
        asked: &Asked,
        catalog: &Snapshot,
        instead: &BTreeMap<ModulePath, ModuleVersion>,
    ) -> Self {
        let unpinned = |module: &ModulePath| {
            let instead = instead.get(module);
            let instead = instead.map(|version| (version.clone(), Origin::Instead));
            let asked = || {
                let asked = asked.version(module)?;
                Some((asked.version.clone(), Origin::Asked))
            };
            let default = || {
                let default = catalog.default_of(module)?;
                Some((default.version.clone(), Origin::Default))
            };
            instead.or_else(asked).or_else(default)
        };
        let mut pins: BTreeMap<&ModulePath, (ModuleVersion, ModulePath)> = BTreeMap::new();
        for module in modules {
            let requires =
                unpinned(module).and_then(|(version, _)| catalog.requirements(module, &version));
            for (pinned, version) in requires.into_iter().flatten() {
                let pin = (version.clone(), module.clone());
                let highest = pins.entry(pinned).or_insert_with(|| pin.clone());
                if highest.0 < pin.0 {
                    *highest = pin;
                }
            }
        }
        let chosen = modules.iter().filter_map(|module| {
            let (version, origin) = match (unpinned(module)?, pins.get(module)) {
                ((_, Origin::Default), Some((version, by))) => {
                    (version.clone(), Origin::Pinned(by.clone()))
                }
                (choice, _) => choice,
            };
            let release = catalog.release(module, &version).cloned();
            let listing = release
                .clone()
                .or_else(|| catalog.default_of(module).cloned());
            let requires = catalog.requirements(module, &version);
            let chosen = Chosen {
                requires: requires.cloned().unwrap_or_default(),
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
                requires: BTreeMap::new(),
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

    /// These, and the default releases in the place of those that the catalog lacks.
    pub(super) fn listings(&self) -> impl Iterator<Item = &Release> {
        let chosen = self.0.values();
        chosen.filter_map(|chosen| chosen.listing.as_deref())
    }

    /// All packages, and the drivers of the releases that are in the catalog.
    pub(super) fn offers(&self) -> impl Iterator<Item = Offer<'_>> {
        self.offers_of().map(|(_, offer)| offer)
    }

    /// The same with the modules whose releases offer them.
    pub(super) fn offers_of(&self) -> impl Iterator<Item = OfferOf<'_>> {
        self.0.iter().flat_map(|(module, chosen)| {
            let listing = chosen.components_of(module);
            let offers = listing.into_iter().flat_map(Release::offers);
            // The catalog doesn't know which drivers another version requires.
            let offers = offers.filter(move |offer| {
                chosen.release.is_some() || listing.is_some_and(|it| it.module == *offer.module)
            });
            offers.map(move |offer| (module, offer))
        })
    }

    /// The drivers of the releases, and the modules of these; those of official modules first, whose versions count.
    fn drivers(&self) -> impl Iterator<Item = (&ModulePath, &Driver)> {
        let is_first = |release: &&Release| is_official(&release.module);
        let official = self.releases().filter(is_first);
        let others = self.releases().filter(move |it| !is_first(it));
        official.chain(others).flat_map(|release| {
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
    fn pin(&self, module: &ModulePath) -> Option<(&ModuleVersion, (&ModulePath, &ModuleVersion))> {
        let pins = self.0.iter().filter_map(|(by, chosen)| {
            let of_driver = || {
                let release = chosen.release.as_deref()?;
                let mut drivers = release.drivers.iter();
                let driver = drivers.find(|driver| driver.module == *module)?;
                Some(&driver.version)
            };
            let pinned = chosen.requires.get(module).or_else(of_driver)?;
            Some((pinned, (by, &chosen.version)))
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
            if let Some((pinned, (by, by_version))) = self.pin(module)
                && asked.version < *pinned
            {
                problems.push(Problem::field(
                    ProblemCode::VersionConflict,
                    asked.field.clone(),
                    format!(
                        "`{module}` is requested at {}, but {} {} needs at least {pinned}.",
                        asked.version, by, by_version
                    ),
                ));
            }
        }
    }
}
