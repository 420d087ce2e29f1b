//! Official modules, and the names that they keep: the distributions of Redpanda Connect and Benthos that come with the
//! program, in any release and under any major version. A module that was imported besides may register the same names;
//! they go on meaning the official components.

use std::{collections::BTreeSet, sync::LazyLock};

use tracing::error;
use wombat_model::{
    ModulePath,
    catalog::{Component, ComponentReference, Release},
};

use super::embedded;

/// Most names in one message.
const MOST_NAMED: usize = 5;

/// The paths of official modules, without their major versions.
static OFFICIAL: LazyLock<BTreeSet<String>> = LazyLock::new(|| match embedded::releases() {
    Ok(releases) => {
        let modules = releases.iter().map(|release| &release.module);
        modules
            .map(|module| unversioned(module).to_owned())
            .collect()
    }
    Err(failure) => {
        // A service doesn't start then: it can't seed the catalog either.
        error!(
            error = format!("{failure:#}"),
            "the embedded catalog can't be read"
        );
        BTreeSet::new()
    }
});

/// Whether this is a distribution that comes with the program, in any major version.
pub(crate) fn is_official(module: &ModulePath) -> bool {
    OFFICIAL.contains(unversioned(module))
}

fn unversioned(module: &ModulePath) -> &str {
    let path = module.as_str();
    path.strip_suffix(module.major_suffix()).unwrap_or(path)
}

/// The names that releases of official modules register.
#[derive(Debug, Default)]
pub(crate) struct OfficialNames(BTreeSet<Component>);

impl OfficialNames {
    /// Those of all official releases among these, their drivers included.
    pub(super) fn of<'a>(releases: impl IntoIterator<Item = &'a Release>) -> Self {
        let releases = releases.into_iter();
        let official = releases.filter(|release| is_official(&release.module));
        let offers = official.flat_map(Release::offers);
        let components = offers.flat_map(|offer| &offer.package.components);
        Self(components.cloned().collect())
    }

    /// Whether an official package registers it.
    pub(crate) fn has(&self, component: &Component) -> bool {
        self.0.contains(component)
    }

    /// Whether a request means official components by this. A bare name does if any kind of component has it.
    pub(crate) fn are_meant_by(&self, reference: &ComponentReference) -> bool {
        self.0.iter().any(|component| reference.matches(component))
    }

    /// The official names that a module brings with a release although it isn't official itself.
    pub(crate) fn brought_by<'a>(&self, release: &'a Release) -> BTreeSet<&'a Component> {
        if is_official(&release.module) {
            return BTreeSet::new();
        }
        let offers = release.offers();
        let components = offers.flat_map(|offer| &offer.package.components);
        components.filter(|component| self.has(component)).collect()
    }
}

/// Some of these names, and how many more there are.
pub(crate) fn some_of(names: &BTreeSet<&Component>) -> String {
    let first = names.iter().take(MOST_NAMED);
    let first: Vec<String> = first.map(|component| format!("`{component}`")).collect();
    let more = match names.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, CONNECT, components, release_with};

    #[test]
    fn distributions_are_official_in_any_major_version() {
        for (module, expected) in [
            (CONNECT, true),
            ("github.com/redpanda-data/connect/v5", true),
            ("github.com/redpanda-data/benthos/v4", true),
            ("github.com/redpanda-data/connect/public/x", false),
            ("github.com/redpanda-data/connectors/v4", false),
            ("github.com/lib/pq", false),
            ("a.b/c", false),
        ] {
            assert_eq!(is_official(&module.parse().unwrap()), expected, "{module}");
        }
    }

    #[test]
    fn known_names_are_those_of_official_releases_with_their_kinds() {
        let catalog = fixture::catalog();
        let names = catalog.official_names();
        let mut stranger = release_with("a.b/c", "v1.0.0", &["x", "y"]);
        assert!(names.brought_by(&stranger).is_empty());
        // Another kind is another name.
        stranger.packages[0].components = components(&["processor/nats", "output/nats"]);
        stranger.packages[1].components = components(&["driver/postgres", "input/y"]);
        let brought = names.brought_by(&stranger);
        assert_eq!(some_of(&brought), "`output/nats`, `driver/postgres`");
        stranger.module = CONNECT.parse().unwrap();
        assert!(names.brought_by(&stranger).is_empty(), "its own names");

        let meant = |text: &str| names.are_meant_by(&text.parse().unwrap());
        assert!(meant("nats") && meant("input/nats"));
        assert!(!meant("processor/nats") && !meant("input/y"));
    }

    #[test]
    fn a_message_lists_a_few_names() {
        let all = components(&[
            "input/a", "input/b", "input/c", "input/d", "input/e", "input/f",
        ]);
        let listed = some_of(&all.iter().collect());
        assert!(listed.ends_with("`input/e` and 1 more"), "{listed}");
    }
}
