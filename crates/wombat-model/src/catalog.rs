//! The catalog: module releases, the packages of each, and the components that a package registers.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{GoVersion, ImportPath, ModulePath, ModuleVersion, Platform};

/// What a component does in a pipeline.
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
#[serde(rename_all = "snake_case")]
pub enum ComponentKind {
    /// Reads messages.
    Input,
    /// Writes messages.
    Output,
    /// Changes messages.
    Processor,
    /// Stores values for others.
    Cache,
    /// Holds messages between input and output.
    Buffer,
    /// Slows others down.
    RateLimit,
    /// Exports metrics.
    Metric,
    /// Exports traces.
    Tracer,
    /// Cuts a stream of bytes into messages.
    Scanner,
    /// A function of the mapping language.
    BloblangFunction,
    /// A method of the mapping language.
    BloblangMethod,
}

impl ComponentKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: &[Self] = &[
        Self::Input,
        Self::Output,
        Self::Processor,
        Self::Cache,
        Self::Buffer,
        Self::RateLimit,
        Self::Metric,
        Self::Tracer,
        Self::Scanner,
        Self::BloblangFunction,
        Self::BloblangMethod,
    ];

    /// As it is spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Processor => "processor",
            Self::Cache => "cache",
            Self::Buffer => "buffer",
            Self::RateLimit => "rate_limit",
            Self::Metric => "metric",
            Self::Tracer => "tracer",
            Self::Scanner => "scanner",
            Self::BloblangFunction => "bloblang_function",
            Self::BloblangMethod => "bloblang_method",
        }
    }
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ComponentKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                let all: Vec<&str> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
                format!(
                    "`{}` is not a kind of component; the kinds are {}",
                    text.escape_debug(),
                    all.join(", ")
                )
            })
    }
}

/// A component as a package registers it.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Component {
    /// What it does.
    pub kind: ComponentKind,
    /// Its name in a pipeline.
    pub name: String,
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// A component as people ask for it: `kafka` means every kind of that name, `input/kafka` one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComponentReference {
    /// The kind, if one was named.
    pub kind: Option<ComponentKind>,
    /// The name.
    pub name: String,
}

impl ComponentReference {
    /// Whether this component is meant.
    pub fn matches(&self, component: &Component) -> bool {
        self.name == component.name && self.kind.is_none_or(|kind| kind == component.kind)
    }
}

impl fmt::Display for ComponentReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "{kind}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl FromStr for ComponentReference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (Some(kind.parse()?), name),
            None => (None, text),
        };
        let fits = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if fits {
            Ok(Self {
                kind,
                name: name.to_owned(),
            })
        } else {
            Err(format!(
                "`{}` is not the name of a component",
                text.escape_debug()
            ))
        }
    }
}

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

/// What is known of a package on a platform.
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
    /// What was tried; a platform that isn't named here is unchecked.
    pub platforms: BTreeMap<Platform, PlatformSupport>,
    /// What it registers, without what the base registers already.
    pub components: Vec<Component>,
}

impl CatalogPackage {
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

/// A module at one version: a value of the `catalog` bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// The module.
    pub module: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
    /// What people call it, such as `Redpanda Connect`.
    pub title: String,
    /// Go releases that it can be built with, newest first.
    pub go_versions: Vec<GoVersion>,
    /// Versions of other catalog modules that its own `go.mod` asks for.
    pub requires: BTreeMap<ModulePath, ModuleVersion>,
    /// The folder below which every package is listed here, such as `public/components`.
    pub component_root: String,
    /// Its packages, by path.
    pub packages: Vec<CatalogPackage>,
}

impl Release {
    /// The package of this path.
    pub fn package(&self, path: &ImportPath) -> Option<&CatalogPackage> {
        self.packages.iter().find(|package| package.path == *path)
    }

    /// Whether the path lies where the release lists every package.
    pub fn lists(&self, path: &ImportPath) -> bool {
        let root = format!("{}/{}/", self.module, self.component_root);
        path.as_str().starts_with(&root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_means_every_kind() {
        let bare: ComponentReference = "kafka".parse().unwrap();
        let input: ComponentReference = "input/kafka".parse().unwrap();
        let output = Component {
            kind: ComponentKind::Output,
            name: "kafka".into(),
        };
        assert!(bare.matches(&output) && !input.matches(&output));
        assert!("inputs/kafka".parse::<ComponentReference>().is_err());
        assert!("a b".parse::<ComponentReference>().is_err());
    }

    #[test]
    fn kinds_are_spelled_alike_everywhere() {
        for kind in ComponentKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
    }
}
