//! A slow link between all processes and NATS.

use std::time::Duration;

use futures::future::join_all;

use crate::torture::{
    Tally, Topology, Torture,
    bed::{Bed, Plan},
    check::check,
    load::Load,
};

/// As between continents over a poor link.
const ROUND_TRIP: Duration = Duration::from_secs(1);

pub(super) async fn latency(torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
    let plan = Plan {
        builder: vec!["--workers", "4"],
        builders: vec![None; 2],
        round_trip: Some(ROUND_TRIP),
        ..Plan::default()
    };
    let bed = Bed::start(&torture.program, topology, &plan).await?;
    bed.go.makes_bytes(400_000)?;
    let load = Load::new(&bed);
    join_all((0..torture.times(24)).map(|_| load.ask(true))).await;
    check(&bed, &load).await
}
