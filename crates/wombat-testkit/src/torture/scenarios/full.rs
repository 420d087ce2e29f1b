//! A store that is full.

use std::time::{Duration, Instant};

use crate::torture::{
    Place, Tally, Torture,
    bed::{Bed, Plan},
    check::check,
    load::Load,
};

/// How soon a request has to be taken once there is room.
const SOON: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(250);

/// Twice as many binaries as there is room for; then there is room for all.
pub(super) async fn artifacts(torture: &Torture, place: Place) -> anyhow::Result<Tally> {
    let plan = Plan {
        setup: vec!["--artifacts-mib", "20"],
        service: vec!["--janitor-interval", "1"],
        builder: vec!["--workers", "2"],
        builders: vec![None],
        ..Plan::default()
    };
    let bed = Bed::start(&torture.program, place, &plan).await?;
    bed.go.makes_bytes(2_000_000)?;
    let load = Load::new(&bed);
    let mut refused = 0;
    for _ in 0..20 {
        if load.ask(true).await.is_none() {
            refused += 1;
        }
    }
    // Uploads are tried for a while before they are given up.
    tokio::time::sleep(Duration::from_secs(if torture.quick { 10 } else { 45 })).await;
    bed.program.set_up(&bed.nats, &["--artifacts-mib", "400"])?;
    let mut tally = checked_with_room(&bed, &load).await?;
    // What was accepted ends by itself: it can't be stored, and what it would take the place of is too young to go.
    tally.failed -= tally.failed_for_room;
    tally.notes.push(format!(
        "{refused} refused while it was full, {} accepted and given up for want of room",
        tally.failed_for_room
    ));
    Ok(tally)
}

/// Records until no new build is taken; then there is room.
pub(super) async fn records(torture: &Torture, place: Place) -> anyhow::Result<Tally> {
    const MOST: u32 = 5000;
    let plan = Plan {
        setup: vec!["--builds-mib", "1"],
        // Binaries are kept, and so are their records.
        service: vec!["--janitor-interval", "1"],
        builder: vec!["--workers", "2"],
        builders: vec![None],
        ..Plan::default()
    };
    let bed = Bed::start(&torture.program, place, &plan).await?;
    let load = Load::new(&bed);
    let mut asked = 0;
    while load.ask(false).await.is_some() {
        asked += 1;
        anyhow::ensure!(asked < MOST, "the store of records is never full");
    }
    bed.program.set_up(&bed.nats, &["--builds-mib", "64"])?;
    let mut tally = checked_with_room(&bed, &load).await?;
    tally.notes.push(format!("full after {asked} builds"));
    Ok(tally)
}

/// Now that there is room, the next request is taken, and everything holds.
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
