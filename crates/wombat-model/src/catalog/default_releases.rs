//! Which release of a module a request without a version gets.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ModulePath, ModuleVersion, ParseModuleVersionError, ParsePathError};

/// The default releases that were reached so far: a value of the `catalog` bucket. They never go back to an older
/// release, so that importing one changes nothing for requests without a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultReleases {
    /// By module.
    pub modules: BTreeMap<ModulePath, ModuleVersion>,
}

impl DefaultReleases {
    /// Takes what `others` has in newer versions. Returns whether something changed.
    pub fn raise_to(&mut self, others: &BTreeMap<ModulePath, ModuleVersion>) -> bool {
        let mut changed = false;
        for (module, version) in others {
            if self.modules.get(module).is_none_or(|own| own < version) {
                self.modules.insert(module.clone(), version.clone());
                changed = true;
            }
        }
        changed
    }
}

/// A release as an operator names it, `MODULE=VERSION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseChoice {
    /// The module.
    pub module: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
}

/// The text doesn't name a release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseReleaseChoiceError {
    /// There is no `=`.
    #[error(
        "write the module and its version, such as `github.com/redpanda-data/connect/v4=v4.110.0`"
    )]
    NoVersion,
    /// The module.
    #[error(transparent)]
    Module(#[from] ParsePathError),
    /// The version.
    #[error(transparent)]
    Version(#[from] ParseModuleVersionError),
}

impl FromStr for ReleaseChoice {
    type Err = ParseReleaseChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (module, version) = text
            .split_once('=')
            .ok_or(ParseReleaseChoiceError::NoVersion)?;
        let (module, version) = (
            module.parse::<ModulePath>()?,
            version.parse::<ModuleVersion>()?,
        );
        version.check_for(&module)?;
        Ok(Self { module, version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_names_a_module_and_a_version_of_it() {
        let choice: ReleaseChoice = "a.b/c/v4=v4.1.0".parse().unwrap();
        assert_eq!(choice.version.as_str(), "v4.1.0");
        for bad in [
            "",
            "a.b/c",
            "a.b/c=",
            "=v1.0.0",
            "a.b/c=newest",
            "a.b/c/v4=v3.0.0",
        ] {
            assert!(bad.parse::<ReleaseChoice>().is_err(), "{bad}");
        }
    }

    #[test]
    fn defaults_only_go_up() {
        let of = |version: &str| -> BTreeMap<ModulePath, ModuleVersion> {
            [("a.b/c".parse().unwrap(), version.parse().unwrap())].into()
        };
        let mut defaults = DefaultReleases::default();
        assert!(defaults.raise_to(&of("v1.1.0")));
        assert!(!defaults.raise_to(&of("v1.0.0")));
        assert!(!defaults.raise_to(&of("v1.1.0")));
        assert_eq!(defaults.modules, of("v1.1.0"));
    }
}
