//! What the operator lets people build.

use wombat_model::{Platform, Problem, ProblemCode, catalog::Licence};

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

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) accepted: Option<AcceptedLicence>,
    pub(crate) licences: LicencePolicy,
    /// Platforms on offer; empty: all that are served.
    pub(crate) platforms: Vec<Platform>,
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
