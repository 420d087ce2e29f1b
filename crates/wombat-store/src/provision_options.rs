//! What an operator can choose about buckets and streams.

use tracing::warn;
use wombat_model::units::{self, MIB};

/// Sizes and copies. Values that are left out stay as they are in existing buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Storage")]
pub struct ProvisionOptions {
    /// Replicas of every bucket and stream, 1 to 5; use 3 on a cluster. New ones get 1 by default
    #[arg(long, env = "WOMBAT_REPLICAS", value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub replicas: Option<u8>,
    /// Size limit of the store of binaries. A new one gets 10GiB by default
    #[arg(long, env = "WOMBAT_ARTIFACTS_LIMIT", value_name = "SIZE", value_parser = units::limit)]
    pub artifacts_limit: Option<u64>,
    /// Size limit of the records of builds. A new bucket gets 512MiB by default
    #[arg(long, env = "WOMBAT_BUILDS_LIMIT", value_name = "SIZE", value_parser = units::limit)]
    pub builds_limit: Option<u64>,
    /// Size limit of the grants and results of builds, less than 1KiB for each build. A new bucket gets 256MiB by default
    #[arg(long, env = "WOMBAT_PUBLICATIONS_LIMIT", value_name = "SIZE", value_parser = units::limit)]
    pub publications_limit: Option<u64>,
    /// Size limit of the compile cache that builders share. A new bucket gets 4GiB by default
    #[arg(long, env = "WOMBAT_FLEET_CACHE_LIMIT", value_name = "SIZE", value_parser = units::limit)]
    pub fleet_cache_limit: Option<u64>,
    /// Size limit of the logs of builds. A new stream gets 1GiB by default
    #[arg(long, env = "WOMBAT_LOGS_LIMIT", value_name = "SIZE", value_parser = units::limit)]
    pub logs_limit: Option<u64>,
    /// Upgrade a store of version 0.1.0 even if services or builders seem to be running: what they store meanwhile may be
    /// lost. Without it, the upgrade waits for them to stop, and is refused if they don't
    #[arg(long)]
    pub upgrade_while_running: bool,
    /// Names of version 0.1.0.
    #[command(flatten)]
    pub old: OldStorageNames,
}

/// Sizes in MiB, by the names that they had in version 0.1.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct OldStorageNames {
    /// The name of `--artifacts-limit` before version 0.2.0, in MiB
    #[arg(long, env = "WOMBAT_ARTIFACTS_MIB", value_name = "MIB", hide = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub artifacts_mib: Option<u64>,
    /// The name of `--builds-limit` before version 0.2.0, in MiB
    #[arg(long, env = "WOMBAT_BUILDS_MIB", value_name = "MIB", hide = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub builds_mib: Option<u64>,
    /// The name of `--fleet-cache-limit` before version 0.2.0, in MiB
    #[arg(long, env = "WOMBAT_GOCACHE_MIB", value_name = "MIB", hide = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub gocache_mib: Option<u64>,
    /// The name of `--logs-limit` before version 0.2.0, in MiB
    #[arg(long, env = "WOMBAT_LOGS_MIB", value_name = "MIB", hide = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub logs_mib: Option<u64>,
}

/// The value of an option that had another name before: the new name's, if it has one. Warns of the old name.
pub fn renamed<T>(new: Option<T>, old: Option<T>, old_name: &str, new_name: &str) -> Option<T> {
    if old.is_some() {
        warn!("{old_name} is the old name of {new_name}");
    }
    new.or(old)
}

impl ProvisionOptions {
    /// The same without old names, each of which is warned of.
    pub(crate) fn by_new_names(&self) -> Self {
        let named = |new, old: Option<u64>, old_name, new_name| {
            let old = old.map(|mebibytes| mebibytes.saturating_mul(MIB));
            renamed(new, old, old_name, new_name)
        };
        Self {
            replicas: self.replicas,
            artifacts_limit: named(
                self.artifacts_limit,
                self.old.artifacts_mib,
                "--artifacts-mib (WOMBAT_ARTIFACTS_MIB)",
                "--artifacts-limit (WOMBAT_ARTIFACTS_LIMIT)",
            ),
            builds_limit: named(
                self.builds_limit,
                self.old.builds_mib,
                "--builds-mib (WOMBAT_BUILDS_MIB)",
                "--builds-limit (WOMBAT_BUILDS_LIMIT)",
            ),
            publications_limit: self.publications_limit,
            fleet_cache_limit: named(
                self.fleet_cache_limit,
                self.old.gocache_mib,
                "--gocache-mib (WOMBAT_GOCACHE_MIB)",
                "--fleet-cache-limit (WOMBAT_FLEET_CACHE_LIMIT)",
            ),
            logs_limit: named(
                self.logs_limit,
                self.old.logs_mib,
                "--logs-mib (WOMBAT_LOGS_MIB)",
                "--logs-limit (WOMBAT_LOGS_LIMIT)",
            ),
            upgrade_while_running: self.upgrade_while_running,
            old: OldStorageNames::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        options: ProvisionOptions,
    }

    #[test]
    fn options_of_version_0_1_0_mean_what_they_meant() {
        let line = "x --artifacts-mib 20 --builds-mib 1 --gocache-mib 2 --logs-limit 3GiB";
        let options = Command::parse_from(line.split(' ')).options.by_new_names();
        assert_eq!(options.artifacts_limit, Some(20 * MIB));
        assert_eq!(options.builds_limit, Some(MIB));
        assert_eq!(options.fleet_cache_limit, Some(2 * MIB));
        assert_eq!(options.logs_limit, Some(3 << 30));
        assert!(Command::try_parse_from(["x", "--logs-limit", "4096"]).is_err());
    }
}
