//! What a builder is told at start.

use std::{num::NonZeroUsize, path::PathBuf, thread, time::Duration};

use tokio_util::sync::CancellationToken;
use wombat_store::{Connection, Store};

use crate::{
    counters::Counters,
    go::{GoOptions, LicencePolicy},
    units,
    worker::Limits,
};

/// Settings of a builder.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Builder")]
pub struct BuilderArgs {
    /// Builds at the same time [default: half the processors]
    #[arg(long, env = "WORKERS", value_name = "N")]
    pub workers: Option<NonZeroUsize>,
    /// How long this builder counts as alive without saying so
    #[arg(long, env = "WOMBAT_LEASE", default_value = "30s", value_name = "TIME", value_parser = units::lease)]
    pub lease: Duration,
    /// How long builds may go on after the builder was told to stop
    #[arg(long, env = "WOMBAT_GRACE", default_value = "10m", value_name = "TIME", value_parser = units::duration)]
    pub grace: Duration,
    /// Longest build
    #[arg(long, env = "WOMBAT_BUILD_TIME_LIMIT", default_value = "15m", value_name = "TIME", value_parser = units::duration)]
    pub build_time_limit: Duration,
    /// Most memory of one build
    #[arg(long, env = "WOMBAT_BUILD_MEMORY_LIMIT", default_value = "4GiB", value_name = "SIZE", value_parser = units::size)]
    pub build_memory_limit: u64,
    /// Largest binary
    #[arg(long, env = "WOMBAT_OUTPUT_LIMIT", default_value = "1GiB", value_name = "SIZE", value_parser = units::size)]
    pub output_limit: u64,
    /// Most processes of one build
    #[arg(
        long,
        env = "WOMBAT_BUILD_PROCESS_LIMIT",
        default_value_t = 512,
        value_name = "N"
    )]
    pub build_process_limit: u32,
    /// Longest log of one build
    #[arg(long, env = "WOMBAT_LOG_LIMIT", default_value = "4MiB", value_name = "SIZE", value_parser = units::size)]
    pub log_limit: u64,
    /// Free disk below which nothing is claimed
    #[arg(long, env = "WOMBAT_MIN_FREE_DISK", default_value = "2GiB", value_name = "SIZE", value_parser = units::size)]
    pub min_free_disk: u64,
    /// Disk that compiled packages may take; what was used last stays longest
    #[arg(long, env = "WOMBAT_GO_CACHE_LIMIT", default_value = "10GiB", value_name = "SIZE", value_parser = units::size)]
    pub go_cache_limit: u64,
    /// Compile for this machine alone: neither read nor fill the compile cache that builders share
    #[arg(long, env = "WOMBAT_NO_FLEET_CACHE")]
    pub no_fleet_cache: bool,
    /// What to compile ahead while nothing waits, for the platforms that are asked for
    #[arg(
        long,
        env = "WOMBAT_WARM",
        value_enum,
        default_value = "base",
        value_name = "WHAT"
    )]
    pub warm: Warm,
    /// What to leave out of what is done beside builds, and below them; may be repeated
    #[arg(
        long,
        env = "WOMBAT_WITHOUT",
        value_enum,
        value_delimiter = ',',
        value_name = "WORK"
    )]
    pub without: Vec<Aside>,
    /// A licence whose terms you accept, so that packages under it are built
    #[arg(
        long,
        env = "WOMBAT_ACCEPT_LICENCE",
        value_enum,
        value_name = "LICENCE"
    )]
    pub accept_licence: Option<AcceptedLicence>,
    /// `apache` refuses every package that compiles a file under the Redpanda Community Licence
    #[arg(
        long,
        env = "WOMBAT_LICENCE_POLICY",
        value_enum,
        default_value = "community",
        value_name = "POLICY",
        conflicts_with = "accept_licence"
    )]
    pub licence_policy: BundlePolicy,
    /// Where Go is
    #[command(flatten)]
    pub go: GoOptions,
}

/// A licence that has to be accepted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AcceptedLicence {
    /// The Redpanda Community Licence.
    #[value(name = "RCL", alias = "rcl")]
    Rcl,
}

/// What an idle builder compiles ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Warm {
    /// Nothing.
    Off,
    /// What is in every binary.
    Base,
    /// Every package of the catalog's newest releases: hours of compiling, once for all builders.
    Catalog,
}

/// What a builder does beside its builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Aside {
    /// Building what rests in somebody's basket, while nothing waits.
    Ahead,
    /// Importing modules into the catalog.
    Imports,
    /// Running finished binaries to ask what they say of a pipeline.
    Lint,
}

/// What is built without a licence being accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BundlePolicy {
    /// Packages of which every compiled file is under an open licence.
    Apache,
    /// Upstream's community bundle, too, of which some packages compile files that are not.
    Community,
}

impl BuilderArgs {
    /// The licences that go into binaries here.
    pub fn licences(&self) -> LicencePolicy {
        match (self.accept_licence, self.licence_policy) {
            (Some(AcceptedLicence::Rcl), _) => LicencePolicy::AcceptRcl,
            (None, BundlePolicy::Apache) => LicencePolicy::Apache,
            (None, BundlePolicy::Community) => LicencePolicy::Community,
        }
    }

    /// How many builds run at once.
    pub fn worker_count(&self) -> usize {
        self.workers
            .map_or_else(|| (processors() / 2).max(1), NonZeroUsize::get)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            time: self.build_time_limit,
            memory: self.build_memory_limit,
            output: self.output_limit,
            processes: self.build_process_limit,
            log: self.log_limit,
            parallelism: self.parallelism(),
        }
    }

    /// How many packages each of them compiles at once.
    fn parallelism(&self) -> usize {
        (processors() / self.worker_count()).max(1)
    }
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// What a builder works with.
#[derive(Debug)]
pub struct BuilderDeps {
    /// NATS.
    pub connection: Connection,
    /// The buckets.
    pub store: Store,
    /// The folder that outlives the process.
    pub state_dir: PathBuf,
    /// The `wombat` executable, under which children run.
    pub helper: PathBuf,
    /// Cancelled when there is no time left for grace: builds are given back at once.
    pub hurry: CancellationToken,
    /// What is counted on the way.
    pub counters: Counters,
    /// What becomes of a builder that can't build, such as for want of Go.
    pub if_unfit: IfUnfit,
}

/// What becomes of a builder that can't build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfUnfit {
    /// It ends with an error.
    End,
    /// It says in the list of builders why, and tries again from time to time.
    Wait,
}
