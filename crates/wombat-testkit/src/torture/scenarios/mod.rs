//! The faults of each scenario.

mod builders;
mod calm;
mod clocks;
mod files;
mod full;
mod latency;
mod servers;
mod services;

use std::{fmt, str::FromStr};

use futures::{FutureExt as _, future::LocalBoxFuture};

use super::{Tally, Topology, Torture};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub const ALL: [Self; 14] = [
        Self::Calm,
        Self::ServiceClock,
        Self::BuilderClocks,
        Self::ServiceRestarts,
        Self::BuilderKills,
        Self::BuilderStops,
        Self::NatsKills,
        Self::LeaderKills,
        Self::FollowerKills,
        Self::ServerClock,
        Self::Latency,
        Self::Files,
        Self::FullArtifacts,
        Self::FullRecords,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::ServiceClock => "service-clock",
            Self::BuilderClocks => "builder-clocks",
            Self::ServiceRestarts => "service-restarts",
            Self::BuilderKills => "builder-kills",
            Self::BuilderStops => "builder-stops",
            Self::NatsKills => "nats-kills",
            Self::LeaderKills => "leader-kills",
            Self::FollowerKills => "follower-kills",
            Self::ServerClock => "server-clock",
            Self::Latency => "latency",
            Self::Files => "files",
            Self::FullArtifacts => "full-artifacts",
            Self::FullRecords => "full-records",
        }
    }

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

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scenario {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            anyhow::anyhow!("unknown scenario `{text}`; the scenarios are {names}")
        })
    }
}
