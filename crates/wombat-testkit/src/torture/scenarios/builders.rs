//! Builders that are killed, and builders that are suspended.

use std::time::{Duration, Instant};

use anyhow::Context;
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

const LIMIT: Duration = Duration::from_mins(2);
/// Longer than a lease of 3 s, and than other builders take to notice its end.
const HELD: Duration = Duration::from_secs(8);

pub(super) async fn kills(torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
    let plan = Plan {
        builder: vec!["--workers", "2", "--lease", "3s"],
        builders: vec![None; 3],
        ..Plan::default()
    };
    let mut bed = Bed::start(&torture.program, topology, &plan).await?;
    bed.go.takes_seconds(0.3)?;
    bed.go.makes_bytes(400_000)?;
    let load = Load::new(&bed);
    let asking = load.asks_each_second(4);
    for n in 0..torture.times(60) {
        tokio::time::sleep(Duration::from_millis(u64::from(300 + 97 * (n % 7)))).await;
        let builder = &mut bed.builders[(n % 3) as usize];
        builder.kill();
        if n % 5 == 0 {
            // Other builders notice before it is back.
            tokio::time::sleep(HELD).await;
        }
        bed.builders[(n % 3) as usize].start_again()?;
    }
    drop(asking);
    check(&bed, &load).await
}

/// When a builder is suspended.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Claimed,
    Fetching,
    Compiling,
    Uploading,
}

pub(super) async fn stops(torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
    let plan = Plan {
        setup: vec!["--artifacts-limit", "8192MiB"],
        builder: vec!["--workers", "1", "--lease", "3s"],
        builders: vec![None; 2],
        ..Plan::default()
    };
    let bed = Bed::start(&torture.program, topology, &plan).await?;
    let load = Load::new(&bed);
    let moments = [
        Moment::Claimed,
        Moment::Fetching,
        Moment::Compiling,
        Moment::Uploading,
    ];
    let mut missed = 0;
    for n in 0..torture.times(20) {
        let moment = moments[(n % 4) as usize];
        let uploads = matches!(moment, Moment::Uploading);
        bed.go
            .makes_bytes(if uploads { 100_000_000 } else { 400_000 })?;
        bed.go.takes_seconds(if uploads { 0.0 } else { 1.0 })?;
        let id = load.ask(true).await.context("calm until now")?;
        let holder = holder_at(&bed, &id, moment).await?;
        let Some(held) = holder.and_then(|name| {
            let mut builders = bed.builders.iter();
            builders.find(|builder| builder.builder_name().as_ref() == Some(&name))
        }) else {
            missed += 1;
            continue;
        };
        held.process()?.signal(Signal::SIGSTOP)?;
        tokio::time::sleep(HELD).await;
        held.process()?.signal(Signal::SIGCONT)?;
        wait_until("the build to be over", LIMIT, async || {
            let view = bed.site.json(&format!("/api/builds/{id}")).await?;
            let open = view["status"] == "new" || view["status"] == "building";
            Ok((!open).then_some(()))
        })
        .await?;
        bed.site.until_builders(2).await?;
    }
    let mut tally = check(&bed, &load).await?;
    if missed > 0 {
        tally.notes.push(format!(
            "{missed} builds ended before their builder could be suspended"
        ));
    }
    Ok(tally)
}

/// The builder that holds the build at this moment; `None`: the moment was missed.
async fn holder_at(bed: &Bed, id: &str, moment: Moment) -> anyhow::Result<Option<String>> {
    let begun = Instant::now();
    while begun.elapsed() < LIMIT {
        let view = bed.site.json(&format!("/api/builds/{id}")).await?;
        let open = view["status"] == "new" || view["status"] == "building";
        if !open {
            return Ok(None);
        }
        let phase = view["phase"].as_str().unwrap_or_default();
        let there = view["status"] == "building"
            && match moment {
                Moment::Claimed => true,
                Moment::Fetching => !phase.is_empty() && phase != "queued",
                Moment::Compiling => phase == "compile",
                Moment::Uploading => phase == "upload",
            };
        if there {
            return Ok(view["builder"].as_str().map(str::to_owned));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(None)
}
