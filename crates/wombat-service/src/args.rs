//! Command-line options of the service.

use std::time::Duration;

use wombat_model::{GoVersion, LicenceArgs, Platform, catalog::ReleaseChoice, units};
use wombat_store::{ReplyPrefix, renamed};

use crate::{
    catalog::VersionPolicy,
    resolve::{ModulePolicy, Policy},
};

/// How long a binary is kept, unless the operator chooses otherwise.
const KEEP_FOR: Duration = Duration::from_hours(24 * 30);

/// Settings of the service.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Service")]
pub struct ServiceArgs {
    /// Refuse new builds whose estimated wait exceeds this; 0 never refuses
    #[arg(long, env = "WOMBAT_QUEUE_LIMIT", value_name = "TIME", default_value = "15m", value_parser = units::duration)]
    pub queue_limit: Duration,

    /// New builds that one HTTP client may request per ten minutes; 0 for no limit [default: 120; no limit for clients
    /// on this machine]
    #[arg(long, env = "WOMBAT_CLIENT_QUOTA", value_name = "N")]
    pub client_quota: Option<u32>,

    /// Bytes of binaries with modules from outside the catalog that one HTTP client may request per day; 0 for no limit
    /// [default: 2GiB; no limit for clients on this machine]
    #[arg(long, env = "WOMBAT_CLIENT_UNCATALOGUED_QUOTA", value_name = "SIZE", value_parser = units::size)]
    pub client_uncatalogued_quota: Option<u64>,

    /// Licences of binaries
    #[command(flatten)]
    pub licences: LicenceArgs,

    /// Modules that may be built: `catalog`; `allow=` and patterns, separated by commas; or `any` [default: catalog;
    /// any if only this machine can reach the gateway]
    #[arg(long, env = "WOMBAT_MODULES", value_name = "WHICH")]
    pub modules: Option<ModulePolicy>,

    /// Versions of the catalog's modules that may be built [default: listed with `--modules catalog`, otherwise any]
    #[arg(long, env = "WOMBAT_VERSIONS", value_name = "WHICH", value_enum)]
    pub versions: Option<VersionPolicy>,

    /// Release that requests without a version get (repeatable, one per module) [default: the newest that offers every
    /// package of the one before it]
    #[arg(
        long,
        env = "WOMBAT_DEFAULT_RELEASE",
        value_name = "MODULE=VERSION",
        value_delimiter = ','
    )]
    pub default_release: Vec<ReleaseChoice>,

    /// Time between two tries of packages that an import couldn't try, since the module proxy refused something that
    /// they need; 0: never
    #[arg(long, env = "WOMBAT_REFETCH_INTERVAL", value_name = "TIME", default_value = "1d", value_parser = units::duration)]
    pub refetch_interval: Duration,

    /// Time for which a build that exceeded its limits or took down its builders is refused; operators can force it
    /// earlier
    #[arg(long, env = "WOMBAT_POISON_REST", value_name = "TIME", default_value = "1h", value_parser = units::duration)]
    pub poison_rest: Duration,

    /// Time after which a request retries a build that failed because of its packages or its own options;
    /// operators can force it earlier
    #[arg(long, env = "WOMBAT_RETRY_AFTER", value_name = "TIME", default_value = "10m", value_parser = units::duration)]
    pub retry_after: Duration,

    /// Go release of requests without `goVersion`, where it can build what they name; for builders that can't fetch the
    /// newest [default: the newest patch of the newest line that a release is known to be built with]
    #[arg(long, env = "WOMBAT_DEFAULT_GO", value_name = "VERSION")]
    pub default_go: Option<GoVersion>,

    /// Platforms to build for, separated by commas [default: all supported platforms]
    #[arg(
        long,
        env = "WOMBAT_PLATFORMS",
        value_name = "GOOS/GOARCH",
        value_delimiter = ','
    )]
    pub platforms: Vec<Platform>,

    /// Remove binaries older than this [default: 30d]
    #[arg(long, env = "WOMBAT_KEEP_FOR", value_name = "TIME", value_parser = units::whole_seconds)]
    pub keep_for: Option<Duration>,

    /// The name of `--keep-for` before version 0.2.0, in days
    #[arg(long, env = "WOMBAT_KEEP_DAYS", value_name = "DAYS", hide = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub keep_days: Option<u64>,

    /// Remove the oldest binaries when they take more than this share of their bucket, in percent
    #[arg(long, env = "WOMBAT_KEEP_PERCENT", value_name = "PERCENT", default_value_t = 80, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub keep_percent: u8,

    /// Age below which binaries are kept, unless their bucket is almost full
    #[arg(long, env = "WOMBAT_KEEP_AT_LEAST", value_name = "TIME", default_value = "24h", value_parser = units::duration)]
    pub keep_at_least: Duration,

    /// Remove stored objects without a build record once they are older than this
    #[arg(long, env = "WOMBAT_ORPHAN_AGE", value_name = "TIME", default_value = "1h", value_parser = units::duration)]
    pub orphan_age: Duration,

    /// Time between full clean-ups of stored records and binaries
    #[arg(long, env = "WOMBAT_JANITOR_INTERVAL", value_name = "TIME", default_value = "10m", value_parser = units::whole_seconds)]
    pub janitor_interval: Duration,

    /// Prefix of reply subjects to answer besides inboxes (`_INBOX…`), such as `replies.acme` (repeatable); requests with
    /// any other reply subject, or none, are dropped [default: none]
    #[arg(
        long,
        env = "WOMBAT_REPLY_PREFIX",
        value_name = "SUBJECT",
        value_delimiter = ','
    )]
    pub reply_prefix: Vec<ReplyPrefix>,
}

impl Default for ServiceArgs {
    fn default() -> Self {
        Self {
            queue_limit: Duration::from_mins(15),
            client_quota: None,
            client_uncatalogued_quota: None,
            licences: LicenceArgs::default(),
            modules: None,
            versions: None,
            default_release: Vec::new(),
            refetch_interval: Duration::from_hours(24),
            poison_rest: Duration::from_hours(1),
            retry_after: Duration::from_mins(10),
            default_go: None,
            platforms: Vec::new(),
            keep_for: None,
            keep_days: None,
            keep_percent: 80,
            keep_at_least: Duration::from_hours(24),
            orphan_age: Duration::from_hours(1),
            janitor_interval: Duration::from_mins(10),
            reply_prefix: Vec::new(),
        }
    }
}

impl ServiceArgs {
    pub(crate) fn policy(&self) -> Policy {
        let modules = self.modules.clone().unwrap_or_default();
        Policy {
            licences: self.licences,
            platforms: self.platforms.clone(),
            versions: self.versions.unwrap_or(modules.default_versions()),
            modules,
        }
    }

    /// `None`: no limit.
    pub(crate) fn queue_limit(&self) -> Option<Duration> {
        (!self.queue_limit.is_zero()).then_some(self.queue_limit)
    }

    /// How long a binary is kept. Warns of the option's old name.
    pub(crate) fn keep_for(&self) -> Duration {
        let old = self.keep_days.map(|days| Duration::from_hours(24 * days));
        let (old_name, new_name) = (
            "--keep-days (WOMBAT_KEEP_DAYS)",
            "--keep-for (WOMBAT_KEEP_FOR)",
        );
        renamed(self.keep_for, old, old_name, new_name).unwrap_or(KEEP_FOR)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use wombat_model::catalog::Licence;

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
    fn versions_follow_the_modules_unless_they_are_chosen() {
        for (line, expected) in [
            ("x", VersionPolicy::Listed),
            ("x --modules catalog", VersionPolicy::Listed),
            ("x --modules any", VersionPolicy::Any),
            ("x --modules allow=a.b/*", VersionPolicy::Any),
            ("x --modules any --versions listed", VersionPolicy::Listed),
            ("x --versions tagged", VersionPolicy::Tagged),
            ("x --versions any", VersionPolicy::Any),
        ] {
            let parsed = Command::parse_from(line.split(' ')).service;
            assert_eq!(parsed.policy().versions, expected, "{line}");
        }
        assert!(Command::try_parse_from(["x", "--versions", "latest"]).is_err());
    }

    #[test]
    fn default_releases_are_read() {
        let of = |text: &str| Command::try_parse_from(["x", "--default-release", text]);
        let parsed = of("a.b/c=v1.0.0").unwrap().service;
        assert_eq!(parsed.default_release[0].module.as_str(), "a.b/c");
        let Err(error) = of("a.b/c@v1.0.0") else {
            panic!("it has no `=`");
        };
        let text = error.to_string();
        assert!(text.contains("connect/v4=v4"), "{text}");
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
        assert_eq!(parsed.licences.allowed(), Licence::Rcl);
        assert_eq!(parsed.platforms.len(), 2);
        assert!(Command::try_parse_from(["x", "--platforms", "windows/s390x"]).is_err());
    }

    #[test]
    fn options_of_version_0_1_0_mean_what_they_meant() {
        let line = "x --keep-days 7 --queue-limit 0 --poison-rest 90 --janitor-interval 1";
        let parsed = Command::parse_from(line.split(' ')).service;
        assert_eq!(parsed.keep_for(), Duration::from_hours(24 * 7));
        assert_eq!(parsed.queue_limit(), None);
        assert_eq!(parsed.poison_rest, Duration::from_secs(90));
        assert_eq!(parsed.janitor_interval, Duration::from_secs(1));
        let parsed = Command::parse_from(["x", "--keep-for", "36h"]).service;
        assert_eq!(parsed.keep_for(), Duration::from_hours(36));
        let both = "x --keep-days 7 --keep-for 36h";
        let parsed = Command::parse_from(both.split(' ')).service;
        assert_eq!(parsed.keep_for(), Duration::from_hours(36));
        assert_eq!(ServiceArgs::default().keep_for(), KEEP_FOR);
    }
}
