//! Drivers of SQL components.

use serde::{Deserialize, Serialize};

use super::CatalogPackage;
use crate::{ModulePath, ModuleVersion};

/// A driver of SQL components that can be picked by itself: a package of another module, at the version that the
/// release's own `go.mod` requires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Driver {
    /// Its module.
    pub module: ModulePath,
    /// The version of its module.
    pub version: ModuleVersion,
    /// Its package, whose only component is the driver.
    pub package: CatalogPackage,
}
