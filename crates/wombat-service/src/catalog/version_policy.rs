//! Which versions of the catalog's modules may be built.

use std::sync::Arc;

use wombat_model::{ModulePath, ModuleVersion, catalog::Release};

use super::Snapshot;

/// Which versions of the catalog's modules may be built. Modules outside the catalog are the subject of
/// [`ModulePolicy`](crate::ModulePolicy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum VersionPolicy {
    /// Those that the catalog lists, and those that its releases require
    #[default]
    Listed,
    /// Also other released versions: no pseudo-versions, and none that its authors retracted
    Tagged,
    /// All versions
    Any,
}

impl VersionPolicy {
    /// As it is spelled.
    const fn name(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Tagged => "tagged",
            Self::Any => "any",
        }
    }

    /// Why a version of a module of the catalog may not be built, if that is known without asking a builder.
    pub(crate) fn refusal(
        self,
        module: &ModulePath,
        version: &ModuleVersion,
        catalog: &Snapshot,
    ) -> Option<String> {
        if !catalog.has(module) || is_listed(module, version, catalog) {
            return None;
        }
        let what = match self {
            Self::Listed | Self::Tagged if version.is_pseudo() => "is a pseudo-version",
            Self::Listed => "isn't listed in the catalog",
            Self::Tagged | Self::Any => return None,
        };
        Some(self.words(module, version, what, catalog))
    }

    /// Whether a builder must be asked about a version before a request for it can be resolved.
    pub(crate) fn asks_builders(
        self,
        module: &ModulePath,
        version: &ModuleVersion,
        catalog: &Snapshot,
    ) -> bool {
        if self.refusal(module, version, catalog).is_some() {
            return false;
        }
        catalog.lacks_requirements(module, version)
            || (self.refuses_if_retracted(module, version, catalog)
                && catalog.knows_nothing_of(module, version))
    }

    /// Whether a version of a module of the catalog is refused if its authors retracted it. Only builders can tell.
    pub(super) fn refuses_if_retracted(
        self,
        module: &ModulePath,
        version: &ModuleVersion,
        catalog: &Snapshot,
    ) -> bool {
        match self {
            Self::Tagged => !is_listed(module, version, catalog),
            Self::Listed | Self::Any => false,
        }
    }

    /// The refusal of a version that its authors retracted, for this reason in their words.
    pub(super) fn retracted(
        self,
        (module, version): (&ModulePath, &ModuleVersion),
        rationale: &str,
        catalog: &Snapshot,
    ) -> String {
        let what = format!("was retracted by its authors ({rationale})");
        self.words(module, version, &what, catalog)
    }

    fn words(
        self,
        module: &ModulePath,
        version: &ModuleVersion,
        what: &str,
        catalog: &Snapshot,
    ) -> String {
        let built = match self {
            Self::Listed => "versions that its catalog lists",
            Self::Tagged => "released versions that weren't retracted",
            Self::Any => "all versions",
        };
        let newest = catalog.releases_of(module).next();
        let way_out = newest.map_or_else(String::new, |newest| {
            format!(
                " Request {}, the newest that the catalog lists, or leave the version out.",
                newest.version
            )
        });
        format!(
            "{module} {version} {what}, and this service builds only {built} (`--versions {}`).{way_out}",
            self.name()
        )
    }
}

/// Whether the catalog has this release, or one of its releases requires this very version.
fn is_listed(module: &ModulePath, version: &ModuleVersion, catalog: &Snapshot) -> bool {
    let requires = |release: &Arc<Release>| release.requires.get(module) == Some(version);
    catalog.release(module, version).is_some() || catalog.all().any(requires)
}
