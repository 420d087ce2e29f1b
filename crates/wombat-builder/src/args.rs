//! The options and dependencies of a builder.

use std::{num::NonZeroUsize, path::PathBuf, thread, time::Duration};

use tokio_util::sync::CancellationToken;
use wombat_go::{GoOffer, GoOptions};
use wombat_model::{LicenceArgs, units};
use wombat_store::{Connection, ReplyPrefix, Store};

use crate::{
    counters::Counters,
    lanes::{Lanes, NoWorkerLeft},
    limits::{GeneralLimits, Limits, UncataloguedLimits},
};

/// Settings of a builder.
#[derive(Clone, Debug, clap::Args)]
#[command(
    next_help_heading = "Builder",
    mut_arg("licence_policy", |policy| policy.conflicts_with("accept_licence"))
)]
pub struct BuilderArgs {
    /// Number of concurrent builds [default: half the processors]
    #[arg(long, env = "WORKERS", value_name = "N")]
    pub workers: Option<NonZeroUsize>,
    /// Number of workers that build only modules of the catalog, less than --workers [default: 1, or 0 of a single worker,
    /// which builds them first]
    #[arg(long, env = "WOMBAT_CATALOG_WORKERS", value_name = "N")]
    pub catalog_workers: Option<usize>,
    /// Time without a heartbeat after which other builders take over this builder's work
    #[arg(long, env = "WOMBAT_LEASE", default_value = "30s", value_name = "TIME", value_parser = units::whole_seconds)]
    pub lease: Duration,
    /// Time that running builds get to finish after a stop signal
    #[arg(long, env = "WOMBAT_GRACE", default_value = "10m", value_name = "TIME", value_parser = units::duration)]
    pub grace: Duration,
    /// Time limit of a build
    #[arg(long, env = "WOMBAT_BUILD_TIME_LIMIT", default_value = "15m", value_name = "TIME", value_parser = units::duration)]
    pub build_time_limit: Duration,
    /// Time limit of a build with a module from outside the catalog, if it is shorter; 0: no limit of its own
    #[arg(long, env = "WOMBAT_UNCATALOGUED_TIME_LIMIT", default_value = "5m", value_name = "TIME", value_parser = units::duration)]
    pub uncatalogued_time_limit: Duration,
    /// Memory limit of a build, for all its processes together
    #[arg(long, env = "WOMBAT_BUILD_MEMORY_LIMIT", default_value = "4GiB", value_name = "SIZE", value_parser = units::size)]
    pub build_memory_limit: u64,
    /// Size limit of a binary
    #[arg(long, env = "WOMBAT_OUTPUT_LIMIT", default_value = "1GiB", value_name = "SIZE", value_parser = units::size)]
    pub output_limit: u64,
    /// Size limit of a binary with a module from outside the catalog, and of its compiled packages, if it is lower; 0: no
    /// limit of its own
    #[arg(long, env = "WOMBAT_UNCATALOGUED_OUTPUT_LIMIT", default_value = "256MiB", value_name = "SIZE", value_parser = units::size)]
    pub uncatalogued_output_limit: u64,
    /// Process limit of a build
    #[arg(
        long,
        env = "WOMBAT_BUILD_PROCESS_LIMIT",
        default_value_t = 512,
        value_name = "N"
    )]
    pub build_process_limit: u32,
    /// Size limit of a build's log
    #[arg(long, env = "WOMBAT_LOG_LIMIT", default_value = "4MiB", value_name = "SIZE", value_parser = units::size)]
    pub log_limit: u64,
    /// Free disk space below which this builder claims no builds
    #[arg(long, env = "WOMBAT_MIN_FREE_DISK", default_value = "2GiB", value_name = "SIZE", value_parser = units::size)]
    pub min_free_disk: u64,
    /// Size limit of each local compile cache; the least recently used results are removed first
    #[arg(long, env = "WOMBAT_GO_CACHE_LIMIT", default_value = "10GiB", value_name = "SIZE", value_parser = units::size)]
    pub go_cache_limit: u64,
    /// Size limit of Go's module cache, with downloaded and unpacked modules; the least recently used are removed
    /// first, and running builds keep theirs. Nothing is removed from a --module-cache outside the state directory,
    /// which other programs may use, or without a module proxy (--offline)
    #[arg(long, env = "WOMBAT_MODULE_CACHE_LIMIT", default_value = "20GiB", value_name = "SIZE", value_parser = units::size)]
    pub module_cache_limit: u64,
    /// Time between two looks for new Go releases at the module proxy, by one builder for all; 0: never
    #[arg(long, env = "WOMBAT_GO_RELEASES_INTERVAL", default_value = "1d", value_name = "TIME", value_parser = units::duration)]
    pub go_releases_interval: Duration,
    /// Neither read nor fill the compile cache that builders share
    #[arg(long, env = "WOMBAT_NO_FLEET_CACHE")]
    pub no_fleet_cache: bool,
    /// What to compile ahead while no build waits, for the requested platforms
    #[arg(
        long,
        env = "WOMBAT_WARM",
        value_enum,
        default_value = "base",
        value_name = "WHAT"
    )]
    pub warm: Warm,
    /// Background work to disable (repeatable)
    #[arg(
        long,
        env = "WOMBAT_WITHOUT",
        value_enum,
        value_delimiter = ',',
        value_name = "WORK"
    )]
    pub without: Vec<Background>,
    /// Prefix of reply subjects to answer besides inboxes (`_INBOX…`), such as `replies.acme` (repeatable); requests with
    /// any other reply subject, or none, are dropped [default: none]
    #[arg(
        long,
        env = "WOMBAT_REPLY_PREFIX",
        value_name = "SUBJECT",
        value_delimiter = ','
    )]
    pub reply_prefix: Vec<ReplyPrefix>,
    /// Licences of binaries
    #[command(flatten)]
    pub licences: LicenceArgs,
    /// The Go installation
    #[command(flatten)]
    pub go: GoOptions,
}

/// What an idle builder compiles ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Warm {
    /// Nothing.
    Off,
    /// The packages that every binary contains.
    Base,
    /// Every package of the catalog's newest releases; takes hours, once for all builders.
    Catalog,
}

/// Work that a builder does in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Background {
    /// Building the contents of clients' baskets, while no build waits.
    Ahead,
    /// Importing modules into the catalog.
    Imports,
    /// Checking pipelines with finished binaries.
    Lint,
}

impl BuilderArgs {
    /// Number of concurrent builds.
    pub fn worker_count(&self) -> usize {
        self.worker_number().get()
    }

    fn worker_number(&self) -> NonZeroUsize {
        let half = NonZeroUsize::new(processors() / 2);
        self.workers.or(half).unwrap_or(NonZeroUsize::MIN)
    }

    /// Which workers take which builds.
    pub(crate) fn lanes(&self) -> Result<Lanes, NoWorkerLeft> {
        Lanes::new(self.worker_number(), self.catalog_workers)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            all: GeneralLimits {
                time: self.build_time_limit,
                memory: self.build_memory_limit,
                output: self.output_limit,
                processes: self.build_process_limit,
                log: self.log_limit,
                parallelism: self.parallelism(),
            },
            uncatalogued: UncataloguedLimits {
                time: self.uncatalogued_time_limit,
                output: self.uncatalogued_output_limit,
            },
        }
    }

    /// Number of packages that each build compiles concurrently.
    fn parallelism(&self) -> usize {
        (processors() / self.worker_count()).max(1)
    }
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// The dependencies of a builder.
#[derive(Debug)]
pub struct BuilderDeps {
    /// NATS.
    pub connection: Connection,
    /// The buckets.
    pub store: Store,
    /// The state directory.
    pub state_dir: PathBuf,
    /// The `wombat` executable, which supervises child processes.
    pub helper: PathBuf,
    /// Cancel this to skip the grace time: builds are given back at once.
    pub force_stop: CancellationToken,
    /// Counters of claims.
    pub counters: Counters,
    /// The Go releases that come with the program, for a machine without Go.
    pub go_offer: GoOffer,
    /// What to do if this builder can't build, for example without Go and a module proxy to fetch it from.
    pub if_unfit: IfUnfit,
}

/// What to do if a builder can't build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfUnfit {
    /// End with an error.
    End,
    /// Publish the reason in the list of builders, and retry.
    Wait,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        builder: BuilderArgs,
    }

    #[test]
    fn a_licence_is_accepted_or_a_policy_chosen_not_both() {
        let parse = |line: &str| Command::try_parse_from(line.split(' '));
        let accepting = parse("x --accept-licence RCL").unwrap().builder;
        assert!(accepting.licences.accept_licence.is_some());
        assert!(parse("x --accept-licence RCL --licence-policy apache").is_err());
    }
}
