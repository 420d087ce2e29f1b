//! Which release of a module a request without a version gets.
//!
//! A release becomes the default only if it offers every package of the default before it: an import must not make
//! impossible what worked. The operator may choose otherwise (`--default-release`).

use std::{collections::BTreeMap, sync::Arc};

use wombat_model::{
    GoVersion, ModulePath, ModuleVersion,
    catalog::{DefaultReleases, Release, ReleaseChoice},
};

/// The releases of a module, by version.
type Versions = BTreeMap<ModuleVersion, Arc<Release>>;

/// What the operator chose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choices {
    /// Default releases of modules.
    pub(crate) releases: ChosenReleases,
    /// The Go release of requests that name none.
    pub(crate) go: Option<GoVersion>,
}

/// The default releases of modules that the operator chose.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChosenReleases(Arc<BTreeMap<ModulePath, ModuleVersion>>);

impl ChosenReleases {
    /// Of several choices for a module, the last one counts.
    pub(crate) fn new(choices: &[ReleaseChoice]) -> Self {
        let choices = choices.iter();
        let choices = choices.map(|choice| (choice.module.clone(), choice.version.clone()));
        Self(Arc::new(choices.collect()))
    }

    /// Those that the catalog doesn't have.
    pub(super) fn missing<'a>(
        &'a self,
        all: &'a BTreeMap<ModulePath, Versions>,
    ) -> impl Iterator<Item = (&'a ModulePath, &'a ModuleVersion)> {
        let known = |module, version| all.get(module).is_some_and(|all| all.contains_key(version));
        self.0
            .iter()
            .filter(move |(module, version)| !known(*module, *version))
    }
}

/// The default release of each module, by the rule alone. `before`: those that were reached earlier.
pub(super) fn by_rule(
    all: &BTreeMap<ModulePath, Versions>,
    before: &DefaultReleases,
) -> BTreeMap<ModulePath, ModuleVersion> {
    let default_of = |(module, versions): (&ModulePath, &Versions)| {
        let reached = before.modules.get(module);
        let version = default_among(versions, reached)?;
        Some((module.clone(), version.clone()))
    };
    all.iter().filter_map(default_of).collect()
}

/// The same with the operator's choices, as far as the catalog has them.
pub(super) fn with_chosen(
    mut defaults: BTreeMap<ModulePath, ModuleVersion>,
    all: &BTreeMap<ModulePath, Versions>,
    chosen: &ChosenReleases,
) -> BTreeMap<ModulePath, ModuleVersion> {
    for (module, version) in chosen.0.iter() {
        if all.get(module).is_some_and(|all| all.contains_key(version)) {
            defaults.insert(module.clone(), version.clone());
        }
    }
    defaults
}

/// From the one that was reached, or the oldest, to each newer one that offers all of it.
fn default_among<'a>(
    versions: &'a Versions,
    reached: Option<&ModuleVersion>,
) -> Option<&'a ModuleVersion> {
    let start = reached.and_then(|reached| versions.range(..=reached).next_back());
    let (mut version, mut release) = start.or_else(|| versions.first_key_value())?;
    let first = version.clone();
    for (newer, candidate) in versions.iter().filter(|(newer, _)| **newer > first) {
        if candidate.offers_all_of(release) {
            (version, release) = (newer, candidate);
        }
    }
    Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::release_with;

    /// Releases of a module, each with these packages.
    fn releases(all: &[(&str, &[&str])]) -> BTreeMap<ModulePath, Versions> {
        let versions = all.iter().map(|(version, packages)| {
            let release = release_with("a.b/c", version, packages);
            (release.version.clone(), Arc::new(release))
        });
        [("a.b/c".parse().unwrap(), versions.collect())].into()
    }

    fn default(all: &[(&str, &[&str])], before: Option<&str>) -> String {
        let module: ModulePath = "a.b/c".parse().unwrap();
        let before = before.map(|version| (module.clone(), version.parse().unwrap()));
        let before = DefaultReleases {
            modules: before.into_iter().collect(),
        };
        by_rule(&releases(all), &before)[&module].to_string()
    }

    #[test]
    fn a_release_that_lacks_a_package_does_not_become_the_default() {
        let (old, lacking, whole): (&[&str], &[&str], &[&str]) =
            (&["x", "y"], &["x", "z"], &["x", "y", "z"]);
        assert_eq!(default(&[("v1.0.0", old)], None), "v1.0.0");
        let two = [("v1.0.0", old), ("v1.1.0", lacking)];
        assert_eq!(default(&two, None), "v1.0.0");
        let three = [("v1.0.0", old), ("v1.1.0", lacking), ("v1.2.0", whole)];
        assert_eq!(default(&three, None), "v1.2.0");
        // One that lacks as much as the one before it doesn't either.
        let worse = [("v1.0.0", old), ("v1.1.0", lacking), ("v1.2.0", lacking)];
        assert_eq!(default(&worse, None), "v1.0.0");
    }

    #[test]
    fn an_older_release_that_is_imported_later_changes_nothing() {
        let (less, more): (&[&str], &[&str]) = (&["x"], &["x", "gone"]);
        let later = [("v1.0.0", more), ("v1.1.0", less), ("v1.2.0", less)];
        assert_eq!(default(&later, Some("v1.2.0")), "v1.2.0");
        assert_eq!(default(&later, None), "v1.0.0");
        // If the reached one is removed, the next lower one begins.
        assert_eq!(default(&later[..2], Some("v1.2.0")), "v1.1.0");
    }

    #[test]
    fn the_operator_decides_among_what_there_is() {
        let all = releases(&[("v1.0.0", &["x", "y"]), ("v1.1.0", &["x"])]);
        let rule = by_rule(&all, &DefaultReleases::default());
        let chosen = |version: &str| {
            let choice = format!("a.b/c={version}").parse().unwrap();
            ChosenReleases::new(&[choice])
        };
        let with = |version: &str| {
            let defaults = with_chosen(rule.clone(), &all, &chosen(version));
            defaults.into_values().next().unwrap().to_string()
        };
        assert_eq!(with("v1.1.0"), "v1.1.0");
        assert_eq!(with("v1.2.0"), "v1.0.0", "the catalog doesn't have it");
        let missing = chosen("v1.2.0");
        assert_eq!(missing.missing(&all).count(), 1);
    }
}
