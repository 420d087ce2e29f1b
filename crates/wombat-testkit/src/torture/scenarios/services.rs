//! The service is restarted.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::{
    torture::{
        Tally, Topology, Torture,
        bed::{Bed, Plan},
        check::check,
        load::Load,
    },
    wait_until,
};

/// Each build is written three times: requested, claimed, ended.
const REQUESTS_A_SECOND: u32 = 7;
/// How long a service runs between its starts.
const RUNS: Duration = Duration::from_millis(600);
const LIMIT: Duration = Duration::from_mins(1);

pub(super) async fn restarts(torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
    let plan = Plan {
        builder: vec!["--workers", "2"],
        builders: vec![None; 2],
        ..Plan::default()
    };
    let mut bed = Bed::start(&torture.program, topology, &plan).await?;
    let load = Load::new(&bed);
    let asking = load.asks_each_second(REQUESTS_A_SECOND);
    let mut complaints = Vec::new();
    for n in 0..torture.times(60) {
        tokio::time::sleep(RUNS).await;
        let service = &mut bed.services[0];
        if n % 2 == 0 {
            // By a signal, within its grace period.
            service.process()?.signal(Signal::SIGTERM)?;
            let limit = Duration::from_secs(30);
            let begun = std::time::Instant::now();
            while !service.has_ended()? {
                if begun.elapsed() > limit {
                    complaints.push("a service didn't end by itself".to_owned());
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        complaints.extend(service.panics());
        service.kill();
        service.start_again()?;
        let site = bed.site.clone();
        wait_until("the service to answer again", LIMIT, async || {
            let answer = site.get("/api/builds?limit=1").await;
            Ok(answer
                .is_ok_and(|it| it.status().is_success())
                .then_some(()))
        })
        .await?;
    }
    drop(asking);
    let mut tally = check(&bed, &load).await?;
    tally.complaints.extend(complaints);
    Ok(tally)
}
