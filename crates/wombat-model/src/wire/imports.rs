//! Questions and answers about imports into the catalog.

use serde::{Deserialize, Serialize};

use crate::{GoVersion, ModulePath, ModuleVersion, catalog::Import};

/// `catalog.import`. The service parses its texts, so that it can report each invalid one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportQuestion {
    /// The module.
    #[schemars(with = "ModulePath")]
    pub module: String,
    /// Its version.
    #[schemars(with = "ModuleVersion")]
    pub version: String,
    /// Go releases that it counts as known to be built with; the newest builds it. Those of the module's newest release in the
    /// catalog if left out. Those that are older than the module requires are left out.
    #[serde(default)]
    #[schemars(with = "Vec<GoVersion>")]
    pub go_versions: Vec<String>,
    /// Whether the module may register names that official components have (`nats`, `redis`, …). Without it, such an import
    /// ends as `failed` with the code `known_names`. Official components keep these names: a request gets the module's
    /// only if it picks the package by its path.
    #[serde(default)]
    pub allow_known_names: bool,
}

/// Answer of `catalog.imports`: by module and version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ImportsAnswer {
    /// All imports, finished ones included.
    pub imports: Vec<Import>,
}
