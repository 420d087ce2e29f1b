//! The operator's rules on what may be built.

use std::str::FromStr;

use wombat_model::{
    LicenceArgs, ModulePath, ModulePattern, ModuleVersion, ParseModulePatternError, Platform,
    Problem, ProblemCode, catalog::Licence,
};

use crate::catalog::VersionPolicy;

/// Which modules may be built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModulePolicy {
    /// Those of the catalog
    #[default]
    Catalog,
    /// Those of the catalog, and these
    Allow(Vec<ModulePattern>),
    /// All modules
    Any,
}

/// The text isn't a module policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseModulePolicyError {
    /// None of the known words.
    #[error(
        "write `catalog`, `any`, or `allow=` and patterns separated by commas, such as `allow=github.com/us/*`"
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
    /// Which versions of the catalog's modules may be built, unless the operator chooses.
    pub(crate) const fn default_versions(&self) -> VersionPolicy {
        match self {
            Self::Catalog => VersionPolicy::Listed,
            Self::Allow(_) | Self::Any => VersionPolicy::Any,
        }
    }

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

/// All rules of the operator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) licences: LicenceArgs,
    /// Offered platforms; empty: all supported ones.
    pub(crate) platforms: Vec<Platform>,
    pub(crate) modules: ModulePolicy,
    pub(crate) versions: VersionPolicy,
}

impl Policy {
    /// Why a package of this licence may not be built, if so.
    pub(crate) fn refusal_of(&self, licence: Licence) -> Option<&'static str> {
        let allowed = self.licences.allowed();
        if licence <= allowed {
            None
        } else if allowed == Licence::Apache {
            Some(
                "compiles files under the Redpanda Community Licence, and this service builds Apache-licensed packages alone",
            )
        } else {
            Some(
                "is under the Redpanda Community Licence, which the operator of this service hasn't accepted (`--accept-licence RCL`)",
            )
        }
    }

    /// Why an enterprise feature may not be built, if so, as the end of a sentence.
    pub(super) fn refusal_of_feature(&self) -> Option<&'static str> {
        match self.licences.allowed() {
            Licence::Rcl => None,
            Licence::Community => Some(
                "the operator of this service accepts its terms with `--accept-licence RCL`, and hasn't",
            ),
            Licence::Apache => Some("this service builds Apache-licensed packages alone"),
        }
    }

    /// The code of a refusal of a component for this licence.
    pub(super) fn refusal_code(&self, licence: Licence) -> ProblemCode {
        if licence == Licence::Rcl && self.licences.allowed() == Licence::Community {
            ProblemCode::LicenceNotAccepted
        } else {
            ProblemCode::LicenceRefused
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
