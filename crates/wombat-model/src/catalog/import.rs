//! An import: a module release on its way into the catalog.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Field, PackageDocumentation, Release};
use crate::{BuilderId, GoVersion, ImportPath, ModulePath, ModuleVersion, ProblemCode};

/// How far an import is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(
    tag = "status",
    rename_all = "lowercase",
    rename_all_fields = "camelCase"
)]
pub enum ImportState {
    /// It waits for a builder.
    New,
    /// A builder is importing it.
    Importing {
        /// The builder.
        builder: BuilderId,
        /// Packages that are done.
        done: u32,
        /// Packages in all; 0 until they are known.
        of: u32,
        /// Estimate of the time until its end, in seconds, once a package is done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds_left: Option<u32>,
        /// Whether idle builders may take packages of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shared: bool,
    },
    /// A builder is done, and a service stores the result in the catalog.
    Storing {
        /// The object of the `catalog-docs` bucket with a [`ReleaseDocument`].
        document: String,
    },
    /// It is in the catalog.
    Success {
        /// Packages that can be picked.
        packages: u32,
    },
    /// The import failed, or its result was refused.
    Failed {
        /// The kind of a refusal of its result, such as `known_names`; left out if the import itself failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<ProblemCode>,
        /// Why, and what to do.
        message: String,
    },
}

/// A value of the `catalog` bucket: a module release on its way into the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// The module.
    pub module: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
    /// Go releases to offer with it, newest first, without those that are too old for it. Empty: the builder's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub go_versions: Vec<GoVersion>,
    /// If not empty, only these packages are tried, and added to the release that is in the catalog.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<ImportPath>,
    /// Whether its packages may register names of official components. Such names go on meaning the official ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_known_names: bool,
    /// When it was requested.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String")]
    pub requested: OffsetDateTime,
    /// How far it is.
    #[serde(flatten)]
    pub state: ImportState,
}

impl ImportState {
    /// A failure of the import itself.
    pub const fn failed(message: String) -> Self {
        Self::Failed {
            code: None,
            message,
        }
    }
}

impl Import {
    /// A new import.
    pub const fn new(
        module: ModulePath,
        version: ModuleVersion,
        go_versions: Vec<GoVersion>,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            module,
            version,
            go_versions,
            only: Vec::new(),
            allow_known_names: false,
            requested: now,
            state: ImportState::New,
        }
    }

    /// The same import of these packages alone.
    #[must_use]
    pub fn of_only(self, only: Vec<ImportPath>) -> Self {
        Self { only, ..self }
    }

    /// The same import, whose packages may register names of official components if `allow`.
    #[must_use]
    pub fn allowing_known_names(self, allow: bool) -> Self {
        Self {
            allow_known_names: allow,
            ..self
        }
    }

    /// The same import in another state.
    #[must_use]
    pub fn at(&self, state: ImportState) -> Self {
        Self {
            state,
            ..self.clone()
        }
    }

    /// Whether it is over.
    pub const fn is_over(&self) -> bool {
        match self.state {
            ImportState::New | ImportState::Importing { .. } | ImportState::Storing { .. } => false,
            ImportState::Success { .. } | ImportState::Failed { .. } => true,
        }
    }

    /// The same, this long after its state was written: less time is left.
    #[must_use]
    pub fn seen_after(mut self, elapsed: std::time::Duration) -> Self {
        if let ImportState::Importing {
            seconds_left: Some(left),
            ..
        } = &mut self.state
        {
            let elapsed = u32::try_from(elapsed.as_secs()).unwrap_or(u32::MAX);
            *left = left.saturating_sub(elapsed);
        }
        self
    }
}

/// The result of an import: an object of the `catalog-docs` bucket. Its texts are by the module's authors.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseDocument {
    /// The release.
    pub release: Release,
    /// The documentation of its components.
    pub documentation: Vec<PackageDocumentation>,
    /// The fields of a pipeline as a whole.
    pub stream: Vec<Field>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// As version 0.1.0 wrote them.
    const OLD: [&str; 4] = [
        r#"{"module":"a.b/c","version":"v1.0.0","requested":"2026-01-02T03:04:05Z","status":"new"}"#,
        r#"{"module":"a.b/c","version":"v1.0.0","goVersions":["1.26.8"],"requested":"2026-01-02T03:04:05Z","status":"importing","builder":"b-1","done":1,"of":2}"#,
        r#"{"module":"a.b/c","version":"v1.0.0","requested":"2026-01-02T03:04:05Z","status":"storing","document":"d"}"#,
        r#"{"module":"a.b/c","version":"v1.0.0","requested":"2026-01-02T03:04:05Z","status":"failed","message":"no"}"#,
    ];

    #[test]
    fn imports_of_version_0_1_0_are_read_and_written_as_they_were() {
        for text in OLD {
            let import: Import = serde_json::from_str(text).unwrap();
            assert!(import.only.is_empty() && !import.allow_known_names);
            assert_eq!(serde_json::to_string(&import).unwrap(), text);
        }
    }

    #[test]
    fn a_refusal_has_its_kind() {
        let import: Import = serde_json::from_str(OLD[3]).unwrap();
        let refused = import.at(ImportState::Failed {
            code: Some(ProblemCode::KnownNames),
            message: "no".to_owned(),
        });
        let text = serde_json::to_string(&refused).unwrap();
        assert!(text.contains(r#""code":"known_names""#), "{text}");
        assert_eq!(serde_json::from_str::<Import>(&text).unwrap(), refused);
    }

    #[test]
    fn time_passes_for_an_import() {
        let import: Import = serde_json::from_str(OLD[1]).unwrap();
        let unknown = import.clone().seen_after(Duration::from_secs(5));
        assert_eq!(unknown, import, "no estimate yet");
        let at = |left| {
            let builder = "b-1".parse().unwrap();
            let state = ImportState::Importing {
                builder,
                done: 1,
                of: 2,
                seconds_left: Some(left),
                shared: true,
            };
            import.at(state)
        };
        assert_eq!(at(60).seen_after(Duration::from_secs(5)), at(55));
        assert_eq!(at(3).seen_after(Duration::from_secs(5)), at(0));
    }
}
