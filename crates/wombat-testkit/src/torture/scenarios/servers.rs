//! nats-servers that are killed.

use std::time::{Duration, Instant};

use anyhow::Context;

use crate::{
    torture::{
        Tally, Topology, Torture,
        bed::{Bed, Plan},
        check::check,
        load::Load,
        reads::Reads,
    },
    wait_until,
};

const LIMIT: Duration = Duration::from_mins(1);
/// The streams whose leaders are killed.
const STREAMS: [&str; 3] = ["KV_builds", "OBJ_artifacts", "BUILD_LOGS"];
/// Longest time for which writes may be refused after a leader's death.
const WRITES_REFUSED: Duration = Duration::from_secs(12);

fn plan() -> Plan {
    Plan {
        builder: vec!["--workers", "2"],
        builders: vec![None; 2],
        ..Plan::default()
    }
}

pub(super) async fn nats_kills(torture: &Torture) -> anyhow::Result<Tally> {
    let mut bed = Bed::start(&torture.program, Topology::One, &plan()).await?;
    bed.go.takes_seconds(0.3)?;
    let load = Load::new(&bed);
    let asking = load.asks_each_second(4);
    for _ in 0..torture.times(10) {
        tokio::time::sleep(Duration::from_secs(3)).await;
        bed.nats.kill()?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        bed.nats.restart()?;
        taken_again(&load).await?;
    }
    drop(asking);
    check(&bed, &load).await
}

pub(super) async fn leader_kills(torture: &Torture) -> anyhow::Result<Tally> {
    let bed = Bed::start(&torture.program, Topology::Three, &plan()).await?;
    let cluster = bed.cluster.clone().context("the topology is a cluster")?;
    bed.go.takes_seconds(0.3)?;
    let load = Load::new(&bed);
    let first = load.ask(false).await.context("all is calm")?;
    bed.site.until(&first, "success", LIMIT).await?;
    let reads = Reads::begin(&bed.site, &first);
    let asking = load.asks_each_second(4);
    let mut longest = Duration::ZERO;
    for n in 0..torture.times(10) {
        let stream = STREAMS[n as usize % STREAMS.len()];
        tokio::time::sleep(Duration::from_secs(3)).await;
        let leader = cluster.until_led(stream)?;
        cluster.kill(leader)?;
        longest = longest.max(taken_again(&load).await?);
        cluster.restart(leader)?;
        for stream in STREAMS {
            cluster.until_current(stream)?;
        }
    }
    drop(asking);
    let mut tally = check(&bed, &load).await?;
    tally
        .notes
        .push(format!("writes refused for {longest:.1?} at most"));
    tally.notes.push(reads.to_string());
    tally.complaints.extend(reads.refused());
    drop(reads);
    if longest > WRITES_REFUSED {
        tally
            .complaints
            .push("writes were refused for too long".to_owned());
    }
    Ok(tally)
}

/// Kills the node that has the gateway's consumer of all logs, while the gateway is connected to another node. The
/// gateway notices that after two missing heartbeats, ten seconds in which records arrive by another way.
pub(super) async fn follower_kills(torture: &Torture) -> anyhow::Result<Tally> {
    const LOGS: &str = "BUILD_LOGS";
    const STARTS: u32 = 20;
    let plan = Plan {
        gateway_at_first: true,
        ..plan()
    };
    let mut bed = Bed::start(&torture.program, Topology::Three, &plan).await?;
    bed.go.takes_seconds(0.5)?;
    let cluster = bed.cluster.clone().context("the topology is a cluster")?;
    let elsewhere = || {
        let holders = cluster.holders_of_consumers(LOGS)?;
        anyhow::Ok(holders.into_iter().find(|node| *node != 0))
    };
    // The server chooses the node of the consumer.
    for _ in 0..STARTS {
        if elsewhere()?.is_some() {
            break;
        }
        bed.another_gateway().await?;
    }
    let load = Load::new(&bed);
    let mut kills = 0;
    for _ in 0..torture.times(6) {
        let Some(node) = elsewhere()? else { break };
        cluster.kill(node)?;
        kills += 1;
        taken_again(&load).await?;
        for _ in 0..12 {
            load.ask(true).await;
        }
        tokio::time::sleep(Duration::from_secs(12)).await;
        cluster.restart(node)?;
        for stream in STREAMS {
            cluster.until_current(stream)?;
        }
    }
    let mut tally = check(&bed, &load).await?;
    tally.notes.push(format!("{kills} nodes killed"));
    Ok(tally)
}

/// How long it took until a request was accepted.
async fn taken_again(load: &Load) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    wait_until("a request to be accepted", LIMIT, async || {
        Ok(load.ask(false).await.map(|_| ()))
    })
    .await?;
    Ok(begun.elapsed())
}
