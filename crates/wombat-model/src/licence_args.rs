//! Which licences an operator lets into binaries, as the service and the builders are told on their command lines.

use clap::ValueEnum;

use crate::catalog::Licence;

/// Licences of binaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct LicenceArgs {
    /// Licence whose terms you accept, so that packages under it are built
    #[arg(
        long,
        env = "WOMBAT_ACCEPT_LICENCE",
        value_name = "LICENCE",
        value_enum
    )]
    pub accept_licence: Option<AcceptedLicence>,

    /// Licences that binaries may contain
    #[arg(
        long,
        env = "WOMBAT_LICENCE_POLICY",
        value_name = "POLICY",
        value_enum,
        default_value_t
    )]
    pub licence_policy: LicencePolicy,
}

/// A licence that has to be accepted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AcceptedLicence {
    /// The Redpanda Community Licence
    #[value(name = "RCL", alias = "rcl")]
    Rcl,
}

/// What is built without a licence being accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LicencePolicy {
    /// Apache, and packages of upstream's community bundle, some of whose files are under another licence
    #[default]
    Community,
    /// Apache only, whatever is accepted
    Apache,
}

impl LicenceArgs {
    /// The licence that allows the least of those that a binary may contain.
    pub fn allowed(&self) -> Licence {
        match (self.licence_policy, self.accept_licence) {
            (LicencePolicy::Apache, _) => Licence::Apache,
            (LicencePolicy::Community, None) => Licence::Community,
            (LicencePolicy::Community, Some(AcceptedLicence::Rcl)) => Licence::Rcl,
        }
    }
}
