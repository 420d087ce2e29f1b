//! A full store.

use std::time::{Duration, Instant};

use crate::torture::{
    Tally, Topology, Torture,
    bed::{Bed, Plan},
    check::check,
    load::Load,
};

/// How soon a request must be accepted once there is room.
const SOON: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(250);

/// Twice as many binaries as there is room for; then the limit is raised.
pub(super) async fn artifacts(torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
    let plan = Plan {
        setup: vec!["--artifacts-limit", "20MiB"],
        service: vec!["--janitor-interval", "1"],
        builder: vec!["--workers", "2"],
        builders: vec![None],
        ..Plan::default()
    };
    let bed = Bed::start(&torture.program, topology, &plan).await?;
    bed.go.makes_bytes(2_000_000)?;
    let load = Load::new(&bed);
    let mut refused = 0;
    for _ in 0..20 {
        if load.ask(true).await.is_none() {
            refused += 1;
        }
    }
    // Uploads are retried for a while before their builds fail.
    tokio::time::sleep(Duration::from_secs(if torture.quick { 10 } else { 45 })).await;
    bed.program
        .set_up(&bed.nats, &["--artifacts-limit", "400MiB"])?;
    let mut tally = checked_with_room(&bed, &load).await?;
    // Accepted builds fail: their binaries can't be stored, and the stored ones are too young to be removed.
    tally.failed -= tally.failed_for_room;
    tally.notes.push(format!(
        "{refused} refused while it was full, {} accepted and failed for want of room",
        tally.failed_for_room
    ));
    Ok(tally)
}

/// Records until no new builds are accepted; then the limit is raised.
pub(super) async fn records(torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
    const MOST: u32 = 5000;
    let plan = Plan {
        setup: vec!["--builds-limit", "1MiB"],
        // Binaries are kept, and so are their records.
        service: vec!["--janitor-interval", "1"],
        builder: vec!["--workers", "2"],
        builders: vec![None],
        ..Plan::default()
    };
    let bed = Bed::start(&torture.program, topology, &plan).await?;
    let load = Load::new(&bed);
    let mut asked = 0;
    while load.ask(false).await.is_some() {
        asked += 1;
        anyhow::ensure!(asked < MOST, "the store of records is never full");
    }
    bed.program
        .set_up(&bed.nats, &["--builds-limit", "64MiB"])?;
    let mut tally = checked_with_room(&bed, &load).await?;
    tally.notes.push(format!("full after {asked} builds"));
    Ok(tally)
}

/// Checks that the next request is accepted now that there is room, and everything else.
async fn checked_with_room(bed: &Bed, load: &Load) -> anyhow::Result<Tally> {
    let room = Instant::now();
    let mut taken = None;
    while taken.is_none() && room.elapsed() < SOON {
        taken = load.ask(true).await;
        tokio::time::sleep(PAUSE).await;
    }
    let mut tally = check(bed, load).await?;
    if taken.is_none() {
        tally
            .complaints
            .push("with room again, requests are refused".to_owned());
    }
    Ok(tally)
}
