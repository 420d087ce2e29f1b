//! What is known of an import before its packages are built: the same for every builder that works on it.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Component, Field, Import, SupportLevel};
use crate::{GoVersion, ImportPath, ModulePath, ModuleVersion, ParsePathError, Platform};

/// A plan: a value of the `catalog` bucket until the import is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportPlan {
    /// The module.
    pub module: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
    /// When the import was requested that it is for.
    #[serde(with = "time::serde::rfc3339")]
    pub requested: OffsetDateTime,
    /// Its title.
    pub title: String,
    /// Results from another basis can't be mixed with those of this plan.
    pub basis: PartBasis,
    /// Go releases that it is known to be built with, newest first.
    pub go_versions: Vec<GoVersion>,
    /// The lowest Go release that its own `go.mod` allows.
    pub lowest_go: Option<GoVersion>,
    /// Folder that contains its packages.
    pub component_root: String,
    /// Its packages, relative to that folder, with descriptions; empty ones are generated.
    pub packages: BTreeMap<String, String>,
    /// Packages that can't be picked, relative to that folder, with reasons.
    pub excluded: BTreeMap<String, String>,
    /// Packages that every pipeline needs; all in `base_module`.
    pub base: Vec<ImportPath>,
    /// The module of the base.
    pub base_module: ModulePath,
    /// What a binary with the base alone contains; nothing if the base is what is imported.
    pub contents: BaseContents,
    /// Support levels by `kind/name`, according to the module.
    pub support: BTreeMap<String, SupportLevel>,
}

/// What the results of packages depend on, apart from the release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartBasis {
    /// Generation of the importer.
    pub generation: u32,
    /// The platform on which the binaries run.
    pub host: Platform,
    /// The Go release that builds them.
    pub go: GoVersion,
    /// The version of the base's module.
    pub base_version: ModuleVersion,
}

/// What a binary with the base alone contains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BaseContents {
    /// Its components.
    pub components: Vec<Component>,
    /// The fields of a pipeline as a whole.
    pub stream: Vec<Field>,
    /// Its size.
    pub bytes: u64,
}

impl ImportPlan {
    /// Whether it is of this import.
    pub fn is_of(&self, import: &Import) -> bool {
        (&self.module, &self.version, self.requested)
            == (&import.module, &import.version, import.requested)
    }

    /// Whether the base's own module is imported.
    pub fn imports_base(&self) -> bool {
        self.base_module == self.module
    }

    /// The package in a folder below the root; both may be empty.
    pub fn path_of(&self, folder: &str) -> Result<ImportPath, ParsePathError> {
        let parts = [self.module.as_str(), &self.component_root, folder];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("/").parse()
    }

    /// Its packages with their descriptions. Those of the base come first, in its order, since later ones contain the
    /// earlier ones.
    pub fn in_order(&self) -> Result<Vec<(ImportPath, &str)>, ParsePathError> {
        let mut packages = Vec::new();
        for (folder, description) in &self.packages {
            packages.push((self.path_of(folder)?, description.as_str()));
        }
        let place = |path: &ImportPath| self.base.iter().position(|base| base == path);
        packages.sort_by_key(|(path, _)| place(path).unwrap_or(usize::MAX));
        Ok(packages)
    }
}

/// Estimate of the time that the remaining packages take, out of the time that others took, if this many are built at
/// the same time.
pub fn time_left(took: &[Duration], remaining: usize, at_once: usize) -> Option<Duration> {
    if remaining == 0 {
        return Some(Duration::ZERO);
    }
    let count = u32::try_from(took.len()).ok().filter(|count| *count > 0)?;
    let mean = took.iter().sum::<Duration>() / count;
    // A builder that is done with its packages can't help with those of others.
    let rounds = remaining.div_ceil(at_once.max(1));
    mean.checked_mul(u32::try_from(rounds).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_that_of_the_packages_that_are_done() {
        let seconds = |all: &[u64]| -> Vec<Duration> {
            all.iter().copied().map(Duration::from_secs).collect()
        };
        let left = |took: &[u64], remaining, at_once| {
            time_left(&seconds(took), remaining, at_once).map(|left| left.as_secs())
        };
        assert_eq!(left(&[], 3, 1), None, "nothing is known yet");
        assert_eq!(left(&[10, 20], 4, 1), Some(60));
        assert_eq!(left(&[10, 20], 4, 2), Some(30));
        assert_eq!(left(&[10, 20], 5, 2), Some(45));
        assert_eq!(left(&[10, 20], 1, 0), Some(15));
        assert_eq!(left(&[], 0, 1), Some(0));
    }
}
