//! What the operator lets people build.

use std::str::FromStr;

use wombat_model::{
    ModulePath, ModulePattern, ModuleVersion, ParseModulePatternError, Platform, Problem,
    ProblemCode, catalog::Licence,
};

/// A licence that the operator has read and accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AcceptedLicence {
    /// The Redpanda Community Licence
    #[value(name = "RCL", alias = "rcl")]
    Rcl,
}

/// Which licences a binary may be under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LicencePolicy {
    /// Apache, and packages of upstream's community bundle although some of their files are under another licence
    #[default]
    Community,
    /// Apache alone
    Apache,
}

/// Which modules may be built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModulePolicy {
    /// Those of the catalog
    #[default]
    Catalog,
    /// Those of the catalog, and these
    Allow(Vec<ModulePattern>),
    /// All that there are
    Any,
}

/// The text says nothing about modules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseModulePolicyError {
    /// None of the words.
    #[error(
        "write `catalog`, `any`, or `allow=` and patterns such as `github.com/us/*`, separated by commas"
    )]
    Unknown,
    /// One of the patterns.
    #[error(transparent)]
    Pattern(#[from] ParseModulePatternError),
}

impl FromStr for ModulePolicy {
    type Err = ParseModulePolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            None if text == "catalog" => Ok(Self::Catalog),
            None if text == "any" => Ok(Self::Any),
            Some(("allow", patterns)) => {
                let patterns = patterns.split(',').map(str::parse);
                Ok(Self::Allow(patterns.collect::<Result<_, _>>()?))
            }
            Some(_) | None => Err(ParseModulePolicyError::Unknown),
        }
    }
}

impl ModulePolicy {
    /// Whether a module that the catalog doesn't have may be built.
    pub(super) fn allows(&self, module: &ModulePath, version: &ModuleVersion) -> bool {
        match self {
            Self::Catalog => false,
            Self::Allow(patterns) => patterns
                .iter()
                .any(|pattern| pattern.matches(module, version)),
            Self::Any => true,
        }
    }
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) accepted: Option<AcceptedLicence>,
    pub(crate) licences: LicencePolicy,
    /// Platforms on offer; empty: all that are served.
    pub(crate) platforms: Vec<Platform>,
    pub(crate) modules: ModulePolicy,
}

impl Policy {
    /// Why a package of this licence may not be built, if so.
    pub(crate) fn refusal_of(&self, licence: Licence) -> Option<&'static str> {
        match (licence, self.licences, self.accepted) {
            (Licence::Apache, _, _)
            | (Licence::Community, LicencePolicy::Community, _)
            | (Licence::Rcl, LicencePolicy::Community, Some(AcceptedLicence::Rcl)) => None,
            (Licence::Rcl, LicencePolicy::Community, None) => Some(
                "is under the Redpanda Community Licence, which the operator of this service hasn't accepted",
            ),
            (Licence::Community | Licence::Rcl, LicencePolicy::Apache, _) => Some(
                "compiles files under the Redpanda Community Licence, and this service builds Apache-licensed packages alone",
            ),
        }
    }

    pub(super) fn refuse_platform(&self, platform: Platform) -> Option<Problem> {
        if self.platforms.is_empty() || self.platforms.contains(&platform) {
            return None;
        }
        let offered: Vec<String> = self.platforms.iter().map(ToString::to_string).collect();
        Some(Problem::field(
            ProblemCode::UnsupportedPlatform,
            "goos",
            format!(
                "{platform} isn't offered here; choose one of {}.",
                offered.join(", ")
            ),
        ))
    }
}
