//! What an operator may set.

use std::time::Duration;

use wombat_model::Platform;

use crate::resolve::{AcceptedLicence, LicencePolicy, ModulePolicy, Policy};

/// Settings of the service.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Service")]
pub struct ServiceArgs {
    /// Refuse new builds when their result is further away than this, in seconds; 0 never refuses
    #[arg(
        long,
        env = "WOMBAT_QUEUE_LIMIT",
        value_name = "SECONDS",
        default_value_t = 15 * 60
    )]
    pub queue_limit: u64,

    /// New builds that one client of the gateway may ask for in ten minutes; 0 for any number [default: 120, but any
    /// number from this machine]
    #[arg(long, env = "WOMBAT_CLIENT_QUOTA", value_name = "N")]
    pub client_quota: Option<u32>,

    /// Build packages under this licence too
    #[arg(
        long,
        env = "WOMBAT_ACCEPT_LICENCE",
        value_name = "LICENCE",
        value_enum
    )]
    pub accept_licence: Option<AcceptedLicence>,

    /// Which licences binaries may be under
    #[arg(
        long,
        env = "WOMBAT_LICENCE_POLICY",
        value_name = "POLICY",
        value_enum,
        default_value_t
    )]
    pub licence_policy: LicencePolicy,

    /// Which modules may be built: `catalog`; `allow=` and patterns, separated by commas; or `any` [default: catalog, but
    /// any where only this machine reaches us]
    #[arg(long, env = "WOMBAT_MODULES", value_name = "WHICH")]
    pub modules: Option<ModulePolicy>,

    /// How long a build that took more than it may is refused, in seconds; an operator may force it before
    #[arg(
        long,
        env = "WOMBAT_POISON_REST",
        value_name = "SECONDS",
        default_value_t = 60 * 60
    )]
    pub poison_rest: u64,

    /// How long a build that failed through its package's or its request's fault answers, in seconds, before asking again
    /// tries once more; an operator may force it before
    #[arg(
        long,
        env = "WOMBAT_RETRY_AFTER",
        value_name = "SECONDS",
        default_value_t = 10 * 60
    )]
    pub retry_after: u64,

    /// Platforms to build for, separated by commas; all that are served if left out
    #[arg(
        long,
        env = "WOMBAT_PLATFORMS",
        value_name = "GOOS/GOARCH",
        value_delimiter = ','
    )]
    pub platforms: Vec<Platform>,

    /// Remove binaries that are older than this many days
    #[arg(long, env = "WOMBAT_KEEP_DAYS", value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub keep_days: u64,

    /// Remove the oldest binaries when they take more than this share of their bucket, in percent
    #[arg(long, env = "WOMBAT_KEEP_PERCENT", value_name = "PERCENT", default_value_t = 80, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub keep_percent: u8,

    /// Never remove a binary that is younger than this, in seconds
    #[arg(
        long,
        env = "WOMBAT_KEEP_AT_LEAST",
        value_name = "SECONDS",
        default_value_t = 24 * 60 * 60
    )]
    pub keep_at_least: u64,

    /// Remove what no record names once it is older than this, in seconds
    #[arg(
        long,
        env = "WOMBAT_ORPHAN_AGE",
        value_name = "SECONDS",
        default_value_t = 60 * 60
    )]
    pub orphan_age: u64,

    /// How often everything stored is looked through, in seconds
    #[arg(long, env = "WOMBAT_JANITOR_INTERVAL", value_name = "SECONDS", default_value_t = 10 * 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub janitor_interval: u64,
}

impl Default for ServiceArgs {
    fn default() -> Self {
        Self {
            queue_limit: 15 * 60,
            client_quota: None,
            accept_licence: None,
            licence_policy: LicencePolicy::default(),
            modules: None,
            poison_rest: 60 * 60,
            retry_after: 10 * 60,
            platforms: Vec::new(),
            keep_days: 30,
            keep_percent: 80,
            keep_at_least: 24 * 60 * 60,
            orphan_age: 60 * 60,
            janitor_interval: 10 * 60,
        }
    }
}

impl ServiceArgs {
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            accepted: self.accept_licence,
            licences: self.licence_policy,
            platforms: self.platforms.clone(),
            modules: self.modules.clone().unwrap_or_default(),
        }
    }

    /// `None`: no limit.
    pub(crate) fn queue_limit(&self) -> Option<Duration> {
        (self.queue_limit > 0).then(|| Duration::from_secs(self.queue_limit))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        service: ServiceArgs,
    }

    #[test]
    fn nothing_said_gives_the_defaults() {
        let parsed = Command::parse_from(["x"]).service;
        assert_eq!(
            format!("{parsed:?}"),
            format!("{:?}", ServiceArgs::default())
        );
    }

    #[test]
    fn licences_and_platforms_are_read() {
        let line = [
            "x",
            "--accept-licence",
            "RCL",
            "--platforms",
            "linux/amd64,linux/arm",
        ];
        let parsed = Command::parse_from(line).service;
        assert_eq!(parsed.accept_licence, Some(AcceptedLicence::Rcl));
        assert_eq!(parsed.platforms.len(), 2);
        assert!(Command::try_parse_from(["x", "--platforms", "windows/s390x"]).is_err());
    }
}
