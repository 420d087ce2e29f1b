//! Which release of each module is used.
//!
//! The requested version, else the one that another chosen release requires in its own `go.mod`, else the newest of the
//! catalog.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use wombat_model::{ModulePath, ModuleVersion, Problem, ProblemCode, catalog::Release};

use super::{asked::Asked, base::benthos};
use crate::catalog::Snapshot;

/// Where a version comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Asked,
    /// A release of this module requires it.
    Pinned(ModulePath),
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
        Self(chosen.collect())
    }

    pub(super) fn get(&self, module: &ModulePath) -> Option<&Chosen> {
        self.0.get(module)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ModulePath, &Chosen)> {
        self.0.iter()
    }

    /// Whether every version here is the same there.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        self.0.iter().all(|(module, chosen)| {
            other
                .get(module)
                .is_some_and(|there| there.version == chosen.version)
        })
    }

    /// The highest version that another chosen release requires, and that release.
    fn pin(&self, module: &ModulePath) -> Option<(&ModuleVersion, &Release)> {
        self.0
            .values()
            .filter_map(|chosen| chosen.release.as_deref())
            .filter_map(|release| Some((release.requires.get(module)?, release)))
            .max_by_key(|(version, _)| *version)
    }

    /// The module whose own `go.mod` is the base of the module graph: the first of the catalog's, by path, that no
    /// other chosen module requires. For a version that the catalog lacks, the requirements of the newest release
    /// count.
    pub(super) fn graph(&self, catalog: &Snapshot) -> ModulePath {
        self.0
            .keys()
            .filter(|module| catalog.has(module))
            .find(|module| {
                let mut listings = self
                    .0
                    .values()
                    .filter_map(|chosen| chosen.listing.as_deref());
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
