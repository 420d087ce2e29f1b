//! Flags for how much clients may hold at a time.

use std::time::Duration;

use wombat_model::units;

/// Connections at a time.
const CONNECTIONS: u32 = 4096;
/// Event streams, waits and downloads at a time, of all clients.
const LONG_CALLS: u32 = 2048;
/// Event streams of one client at a time: every open page of the website has one, and an office shares one address.
const CLIENT_STREAMS: u32 = 64;
/// Waits of one client at a time.
const CLIENT_WAITS: u32 = 64;
/// Downloads of one client at a time.
const CLIENT_DOWNLOADS: u32 = 32;
/// Time after which a client that takes no bytes is cut off.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// How much clients may hold at a time. What counts as one client is its IPv4 address, or its IPv6 /64; behind a proxy
/// that `--trusted-proxy` names, the address that the proxy forwards.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "HTTP limits")]
pub struct LimitArgs {
    /// Connections at a time; 128 more are for health checks and operators' tokens. Fewer if the system's limit of open
    /// files doesn't allow them
    #[arg(long, env = "WOMBAT_CONNECTIONS", value_name = "N", default_value_t = CONNECTIONS,
          value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    pub connections: u32,

    /// Event streams, waits and downloads of all clients at a time; 64 more are for operators' tokens. At most, and with 0,
    /// half of --connections
    #[arg(long, env = "WOMBAT_LONG_CALLS", value_name = "N", default_value_t = LONG_CALLS)]
    pub long_calls: u32,

    /// Event streams of one client at a time; 0: unlimited
    #[arg(long, env = "WOMBAT_CLIENT_STREAMS", value_name = "N", default_value_t = CLIENT_STREAMS)]
    pub client_streams: u32,

    /// Requests of one client at a time that wait for a build; 0: unlimited
    #[arg(long, env = "WOMBAT_CLIENT_WAITS", value_name = "N", default_value_t = CLIENT_WAITS)]
    pub client_waits: u32,

    /// Downloads of one client at a time; 0: unlimited
    #[arg(long, env = "WOMBAT_CLIENT_DOWNLOADS", value_name = "N", default_value_t = CLIENT_DOWNLOADS)]
    pub client_downloads: u32,

    /// Time after which a client is disconnected that takes none of the bytes that wait for it; 0: never
    #[arg(long, env = "WOMBAT_STALL_LIMIT", value_name = "TIME", default_value = "30s", value_parser = units::duration)]
    pub stall_limit: Duration,
}

impl Default for LimitArgs {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS,
            long_calls: LONG_CALLS,
            client_streams: CLIENT_STREAMS,
            client_waits: CLIENT_WAITS,
            client_downloads: CLIENT_DOWNLOADS,
            stall_limit: STALL_LIMIT,
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
        limits: LimitArgs,
    }

    #[test]
    fn the_defaults_of_the_command_line_are_those_of_the_library() {
        let parsed = Command::parse_from(["gateway"]).limits;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", LimitArgs::default()));
    }
}
