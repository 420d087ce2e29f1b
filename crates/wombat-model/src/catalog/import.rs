//! An import: a module release on its way into the catalog.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Field, PackageDocumentation, Release};
use crate::{BuilderId, GoVersion, ModulePath, ModuleVersion};

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
    /// The import failed.
    Failed {
        /// Why.
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
    /// When it was requested.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String")]
    pub requested: OffsetDateTime,
    /// How far it is.
    #[serde(flatten)]
    pub state: ImportState,
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
            requested: now,
            state: ImportState::New,
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
