//! The faults of each scenario.

mod builders;
mod calm;
mod clocks;
mod files;
mod full;
mod latency;
mod servers;
mod services;

use futures::{FutureExt as _, future::LocalBoxFuture};
use strum::VariantArray;

use super::{Tally, Topology, Torture};

/// A kind of fault.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    VariantArray,
)]
#[strum(
    serialize_all = "kebab-case",
    parse_err_ty = anyhow::Error,
    parse_err_fn = unknown_scenario
)]
pub enum Scenario {
    /// None.
    Calm,
    /// The service's clock is two hours ahead, and it sweeps while large binaries are uploaded.
    ServiceClock,
    /// Builders whose clocks are wrong, by an hour to twelve years.
    BuilderClocks,
    /// The service is restarted again and again while builds change.
    ServiceRestarts,
    /// Builders are killed in the middle of builds.
    BuilderKills,
    /// Builders are suspended for longer than their lease, in each phase of a build.
    BuilderStops,
    /// The one nats-server is killed.
    NatsKills,
    /// The node of the cluster that leads a stream is killed.
    LeaderKills,
    /// The node of the cluster that has the gateway's consumer of logs is killed.
    FollowerKills,
    /// The clock of the nats-server, or of one of three, is an hour ahead.
    ServerClock,
    /// A round trip to NATS takes a second.
    Latency,
    /// The files of the processes are damaged while they are down.
    Files,
    /// The store of binaries is full, and then has room again.
    FullArtifacts,
    /// The store of records is full, and then has room again.
    FullRecords,
}

impl Scenario {
    /// All, the cheapest first.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The topologies in which it can run.
    pub fn topologies(self) -> &'static [Topology] {
        match self {
            Self::Calm
            | Self::ServiceClock
            | Self::BuilderClocks
            | Self::ServiceRestarts
            | Self::BuilderKills
            | Self::BuilderStops
            | Self::ServerClock
            | Self::Latency
            | Self::Files
            | Self::FullArtifacts
            | Self::FullRecords => &[Topology::One, Topology::Three],
            Self::NatsKills => &[Topology::One],
            Self::LeaderKills | Self::FollowerKills => &[Topology::Three],
        }
    }

    pub(super) async fn run(self, torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
        let run: LocalBoxFuture<'_, _> = match self {
            Self::Calm => calm::calm(torture, topology).boxed_local(),
            Self::ServiceClock => clocks::service(torture, topology).boxed_local(),
            Self::BuilderClocks => clocks::builders(torture, topology).boxed_local(),
            Self::ServiceRestarts => services::restarts(torture, topology).boxed_local(),
            Self::BuilderKills => builders::kills(torture, topology).boxed_local(),
            Self::BuilderStops => builders::stops(torture, topology).boxed_local(),
            Self::NatsKills => servers::nats_kills(torture).boxed_local(),
            Self::LeaderKills => servers::leader_kills(torture).boxed_local(),
            Self::FollowerKills => servers::follower_kills(torture).boxed_local(),
            Self::ServerClock => clocks::servers(torture, topology).boxed_local(),
            Self::Latency => latency::latency(torture, topology).boxed_local(),
            Self::Files => files::damaged(torture, topology).boxed_local(),
            Self::FullArtifacts => full::artifacts(torture, topology).boxed_local(),
            Self::FullRecords => full::records(torture, topology).boxed_local(),
        };
        run.await
    }
}

fn unknown_scenario(text: &str) -> anyhow::Error {
    let names: Vec<&str> = Scenario::ALL.iter().map(Into::into).collect();
    let names = names.join(", ");
    anyhow::anyhow!("unknown scenario `{text}`; the scenarios are {names}")
}
