//! A build request as clients write it, and its parser, which reports every problem at once.

mod parser;

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Distribution, GoVersion, ImportPath, ModulePath, ModuleVersion, Target, Template,
    catalog::ComponentReference,
};

/// The body of `build.request`, `build.resolve`, `POST /api/builds` and `POST /api/resolve`. `null` counts as left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestBody {
    /// Operating system: `linux`, `darwin`, `windows` or `freebsd`.
    #[schemars(with = "crate::Goos")]
    pub goos: String,
    /// Architecture, such as `amd64` or `arm64`.
    #[schemars(with = "crate::Goarch")]
    pub goarch: String,
    /// Go release in full, such as `1.26.8`; the default of the releases that are needed if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_version: Option<String>,
    /// Import paths, each with or without `@version`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    pub packages: Vec<String>,
    /// Components by name, such as `kafka` or `input/kafka`; the catalog knows their packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    pub components: Vec<String>,
    /// Versions of modules; the catalog's newest where one isn't named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub modules: BTreeMap<String, String>,
    /// Level of the architecture, such as `v7` for arm or `v3` for amd64; Go's default if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What is added so that any pipeline runs: `standard` (Benthos pure and io) or `pure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["standard", "pure", null]))]
    pub base: Option<String>,
    /// Own name of the distribution: what the binary's help and its files are called; `wombat` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::DistributionName>")]
    pub name: Option<String>,
    /// Own version of the distribution, which the binary prints; the release's version and a part of the id if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::DistributionVersion>")]
    pub version: Option<String>,
    /// Version of the rules that make `main.go`, `go.mod` and the command; the newest if left out. An earlier one gives
    /// the bytes of an earlier build again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [1, 2, null]))]
    pub template: Option<u32>,
    /// Build again even if there is a result.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(with = "Option<bool>")]
    pub force: bool,
}

/// Packages that are added to every selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// Benthos `pure` and `io`.
    #[default]
    Standard,
    /// Benthos `pure` alone: without it a binary can't run any config.
    Pure,
}

/// A package requested by its path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageReference {
    /// The package.
    pub path: ImportPath,
    /// The version of its module, if one was named with it.
    pub version: Option<ModuleVersion>,
}

impl FromStr for PackageReference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => (path, Some(version)),
            None => (text, None),
        };
        Ok(Self {
            path: path
                .parse()
                .map_err(|error: crate::ParsePathError| error.to_string())?,
            version: version
                .map(|version| {
                    version
                        .parse()
                        .map_err(|error: crate::ParseModuleVersionError| error.to_string())
                })
                .transpose()?,
        })
    }
}

/// A request whose values are well formed; the catalog decides whether they fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRequest {
    /// What the binary runs on.
    pub target: Target,
    /// The Go release, if one was requested.
    pub go: Option<GoVersion>,
    /// Packages by path.
    pub packages: Vec<PackageReference>,
    /// Components whose packages the catalog finds.
    pub components: Vec<ComponentReference>,
    /// Versions of modules.
    pub modules: BTreeMap<ModulePath, ModuleVersion>,
    /// Packages that are added.
    pub base: Base,
    /// Own name and version.
    pub distribution: Distribution,
    /// The template that it is built with.
    pub template: Template,
    /// Whether to build again even if there is a result.
    pub force: bool,
}

#[cfg(test)]
mod tests;
