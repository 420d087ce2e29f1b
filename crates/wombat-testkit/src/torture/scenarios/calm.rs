//! No faults, and nothing may be wrong.

use futures::{StreamExt as _, stream};

use crate::torture::{
    Tally, Topology, Torture,
    bed::{Bed, Plan},
    check::check,
    load::Load,
};

/// Concurrent requests.
const AT_ONCE: usize = 8;
/// A few chunks of the object store.
const BYTES: u64 = 400_000;

pub(super) async fn calm(torture: &Torture, topology: Topology) -> anyhow::Result<Tally> {
    let plan = Plan {
        builder: vec!["--workers", "2"],
        builders: vec![None; 3],
        ..Plan::default()
    };
    let bed = Bed::start(&torture.program, topology, &plan).await?;
    bed.go.makes_bytes(BYTES)?;
    let load = Load::new(&bed);
    let count = torture.times(120);
    let asked = stream::iter(0..count)
        .map(|_| load.ask(true))
        .buffer_unordered(AT_ONCE);
    let refused = asked
        .filter(|id| std::future::ready(id.is_none()))
        .count()
        .await;
    let mut tally = check(&bed, &load).await?;
    if refused > 0 {
        tally
            .complaints
            .push(format!("{refused} requests were refused"));
    }
    Ok(tally)
}
