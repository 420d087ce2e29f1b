//! A package of a release.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Component;
use crate::{ImportPath, Platform};

/// The licences of all files that a package compiles.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Licence {
    /// No file is under the Redpanda Community Licence.
    Apache,
    /// In upstream's community bundle, yet some compiled files are under the Redpanda Community Licence.
    Community,
    /// Under the Redpanda Community Licence; built only where the operator has accepted it.
    Rcl,
}

/// Whether a package compiles on a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlatformSupport {
    /// It was compiled there.
    Compiles,
    /// It compiles to nothing there.
    Empty,
    /// It doesn't compile there.
    Fails,
}

/// Who supports a component.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(
    serialize_all = "lowercase",
    parse_err_ty = ParseSupportLevelError,
    parse_err_fn = unknown_support_level
)]
pub enum SupportLevel {
    /// Its authors test and support it.
    Certified,
    /// The community supports it.
    Community,
    /// Its authors support it for users with a licence.
    Enterprise,
}

impl SupportLevel {
    /// As it is spelled.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The text is not a support level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the support level must be certified, community or enterprise")]
pub struct ParseSupportLevelError;

fn unknown_support_level(_: &str) -> ParseSupportLevelError {
    ParseSupportLevelError
}

/// A package of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CatalogPackage {
    /// Its import path.
    pub path: ImportPath,
    /// One line on what it is for.
    pub description: String,
    /// Licence of all that it compiles.
    pub licence: Licence,
    /// How many of the files that it compiles are under the Redpanda Community Licence.
    pub rcl_files: u32,
    /// Whether it compiles to nothing without cgo, which is off.
    pub cgo: bool,
    /// Platforms that were tried; one that isn't listed is unchecked.
    pub platforms: BTreeMap<Platform, PlatformSupport>,
    /// Its components, without those of the base, and the SQL drivers that it contains.
    pub components: Vec<Component>,
    /// Those of its components that are enterprise features: the operator must have accepted their licence, whichever
    /// package brings them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enterprise: Vec<Component>,
    /// Components that it doesn't bring on a platform on which it compiles, because their files are left out there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub missing: BTreeMap<Platform, Vec<Component>>,
    /// Who supports its components, according to the module; empty if the module doesn't say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub support: Vec<SupportLevel>,
    /// Bytes that it adds to a binary with the base alone, for [`MEASURED_ON`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_bytes: Option<u64>,
    /// Milliseconds that it took to compile at the import, without what earlier packages had compiled already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compile_ms: Option<u64>,
}

/// The platform that sizes are measured on.
pub const MEASURED_ON: &str = "linux/amd64";

impl CatalogPackage {
    /// Its components on this platform.
    pub fn components_on(&self, platform: Platform) -> impl Iterator<Item = &Component> {
        let missing = self.missing.get(&platform);
        let is_there = move |component: &&Component| {
            missing.is_none_or(|missing| !missing.contains(component))
        };
        self.components.iter().filter(is_there)
    }

    /// Whether it brings this component on this platform.
    pub fn brings(&self, component: &Component, platform: Platform) -> bool {
        self.components_on(platform).any(|it| it == component)
    }

    /// Why it can't be built for this platform, if that is known.
    pub fn emptiness(&self, platform: Platform) -> Option<String> {
        if self.cgo {
            return Some(format!(
                "`{}` needs cgo, and binaries are built without it",
                self.path
            ));
        }
        match self.platforms.get(&platform) {
            Some(PlatformSupport::Empty) => {
                Some(format!("`{}` compiles to nothing on {platform}", self.path))
            }
            Some(PlatformSupport::Fails) => {
                Some(format!("`{}` doesn't compile on {platform}", self.path))
            }
            Some(PlatformSupport::Compiles) | None => None,
        }
    }
}
