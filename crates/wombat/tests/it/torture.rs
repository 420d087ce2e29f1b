//! The cheapest parts of `make torture`, a fraction of each: the promises of docs/GUARANTEES.md, all at once.

use anyhow::ensure;
use wombat_testkit::torture::{Scenario, Topology, Torture};

use crate::program;

async fn is_clean(scenario: Scenario, topology: Topology) -> anyhow::Result<()> {
    let torture = Torture {
        program: program(),
        quick: true,
    };
    let tally = Box::pin(torture.run(scenario, topology)).await?;
    ensure!(tally.is_clean(), "{scenario}: {tally}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calm_cluster_of_three_fails_no_build() -> anyhow::Result<()> {
    is_clean(Scenario::Calm, Topology::Three).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_clock_is_ahead_takes_no_chunk_of_an_upload() -> anyhow::Result<()> {
    is_clean(Scenario::ServiceClock, Topology::One).await
}

#[tokio::test(flavor = "multi_thread")]
async fn builders_with_wrong_clocks_expire_nothing() -> anyhow::Result<()> {
    is_clean(Scenario::BuilderClocks, Topology::One).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nats_server_that_is_killed_loses_nothing() -> anyhow::Result<()> {
    is_clean(Scenario::NatsKills, Topology::One).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_killed_loses_nothing() -> anyhow::Result<()> {
    is_clean(Scenario::LeaderKills, Topology::Three).await
}
