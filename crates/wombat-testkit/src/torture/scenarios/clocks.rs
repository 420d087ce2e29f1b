//! Wrong clocks.

use std::time::Duration;

use futures::future::join_all;

use crate::{
    torture::{
        Tally, Topology, Torture,
        bed::{Bed, Plan},
        check::check,
        load::Load,
    },
    wait_until,
};

/// So large that a sweep runs during the upload.
const LARGE: u64 = 150_000_000;
const LIMIT: Duration = Duration::from_mins(5);

pub(super) async fn service(torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
    let plan = Plan {
        setup: vec!["--artifacts-limit", "8192MiB"],
        service: vec!["--janitor-interval", "1"],
        service_clock: Some("+2h"),
        builder: vec!["--workers", "2"],
        builders: vec![None; 2],
        ..Plan::default()
    };
    let bed = Bed::start(&torture.program, topology, &plan).await?;
    bed.go.makes_bytes(LARGE)?;
    all_and_a_few_sweeps(&bed, torture.times(8)).await
}

pub(super) async fn builders(torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
    let clocks = ["-1d", "-1h", "+1h", "-4500d"];
    let plan = Plan {
        service: vec!["--janitor-interval", "1"],
        builder: vec!["--workers", "1"],
        builders: clocks.iter().map(|clock| Some(*clock)).collect(),
        ..Plan::default()
    };
    let bed = Bed::start(&torture.program, topology, &plan).await?;
    bed.go.takes_seconds(0.2)?;
    all_and_a_few_sweeps(&bed, torture.times(48)).await
}

/// A nats-server's clock is an hour ahead: of the only one, or of one of three, which leads every other time.
pub(super) async fn servers(torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
    const STREAMS: [&str; 4] = ["KV_builds", "KV_builders", "OBJ_artifacts", "BUILD_LOGS"];
    let plan = Plan {
        service: vec!["--janitor-interval", "1"],
        builder: vec!["--workers", "2"],
        builders: vec![None; 2],
        server_ahead: Some(3600),
        ..Plan::default()
    };
    let bed = Bed::start(&torture.program, topology, &plan).await?;
    bed.go.takes_seconds(0.2)?;
    let load = Load::new(&bed);
    let asking = load.asks_each_second(4);
    for n in 0..torture.times(6) {
        if let Some(cluster) = &bed.cluster {
            let leader = usize::from(n % 2 != 0);
            for stream in STREAMS {
                cluster.make_leader(stream, leader)?;
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    drop(asking);
    check(&bed, &load).await
}

async fn all_and_a_few_sweeps(bed: &Bed, count: u32) -> anyhow::Result<Tally> {
    let load = Load::new(bed);
    join_all((0..count).map(|_| load.ask(true))).await;
    wait_until("all to be over", LIMIT, async || {
        let open = bed
            .site
            .json("/api/builds?q=status:new%20OR%20status:building&limit=1")
            .await;
        Ok(open.is_ok_and(|page| page["total"] == 0).then_some(()))
    })
    .await?;
    // Sweeps run every second; nothing reports them.
    tokio::time::sleep(Duration::from_secs(4)).await;
    check(bed, &load).await
}
