//! The request of an import, apart from its progress.

use serde::{Deserialize, Serialize};

use super::{Import, ImportState};

/// A value of the `catalog` bucket: an import that a service was asked for, and how it ended. Only services may write
/// it, while builders write how far an import is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AskedImport(Import);

impl AskedImport {
    /// The open request of this import.
    pub fn new(import: &Import) -> Self {
        Self(import.at(ImportState::New))
    }

    /// The same after the import's end.
    #[must_use]
    pub fn ended(&self, state: ImportState) -> Self {
        Self(self.0.at(state))
    }

    /// The import: new while the request is open, else over.
    pub const fn import(&self) -> &Import {
        &self.0
    }

    /// Whether the import isn't over.
    pub const fn is_open(&self) -> bool {
        !self.0.is_over()
    }

    /// Whether it is the request of this import, however far that is.
    pub fn is_of(&self, import: &Import) -> bool {
        Self::new(&self.0) == Self::new(import)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_request_belongs_to_its_import_alone() {
        let requested = datetime!(2026-01-02 03:04:05.678 UTC);
        let (module, version) = ("a.b/c".parse().unwrap(), "v1.0.0".parse().unwrap());
        let import = Import::new(module, version, Vec::new(), requested);
        let asked = AskedImport::new(&import);
        let text = serde_json::to_string(&asked).unwrap();
        assert_eq!(text, serde_json::to_string(&import).unwrap());
        assert_eq!(serde_json::from_str::<AskedImport>(&text).unwrap(), asked);
        let over = ImportState::Success { packages: 1 };
        let ended = asked.ended(over.clone());
        assert!(asked.is_open() && !ended.is_open());
        assert!(asked.is_of(&import.at(over)) && ended.is_of(&import));
        let changed = import.clone().of_only(vec!["a.b/c/x".parse().unwrap()]);
        let later = Import {
            requested: requested + time::Duration::SECOND,
            ..import.clone()
        };
        let allowed = import.clone().allowing_known_names(true);
        let go_versions = vec!["1.26.8".parse().unwrap()];
        let other = Import {
            go_versions,
            ..import
        };
        for other in [changed, later, allowed, other] {
            assert!(!asked.is_of(&other), "{other:?}");
        }
    }
}
