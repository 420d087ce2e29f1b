//! Questions and answers about imports into the catalog.

use serde::{Deserialize, Serialize};

use crate::{GoVersion, ModulePath, ModuleVersion, catalog::Import};

/// `catalog.import`. Its texts are read by whoever answers, so that each that is wrong can be named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportQuestion {
    /// The module.
    #[schemars(with = "ModulePath")]
    pub module: String,
    /// Its version.
    #[schemars(with = "ModuleVersion")]
    pub version: String,
    /// Go releases to offer with it; those of the module's newest release in the catalog if left out. Those that are older than
    /// the module asks for are left out.
    #[serde(default)]
    #[schemars(with = "Vec<GoVersion>")]
    pub go_versions: Vec<String>,
}

/// Answer of `catalog.imports`: by module and version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ImportsAnswer {
    /// Imports that were asked for, finished ones included.
    pub imports: Vec<Import>,
}
