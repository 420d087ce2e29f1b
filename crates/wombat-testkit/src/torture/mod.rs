//! Torture tests: faults are injected into a system of real processes around one nats-server, or a cluster of three,
//! and afterwards every accepted build is checked.
//!
//! *bed*: the processes · *load*: requests, and their followers · *follow*: the event stream of one build · *reads*:
//! reads during a scenario · *check*: the checks afterwards · *tally*: the printed line · *scenarios*: the faults.

mod bed;
mod check;
mod follow;
mod load;
mod reads;
mod scenarios;
mod tally;

use std::time::Instant;

pub use bed::Topology;
pub use scenarios::Scenario;
pub use tally::Tally;

use crate::Program;

/// Options of a run.
#[derive(Clone, Debug)]
pub struct Torture {
    /// The `wombat` under test.
    pub program: Program,
    /// Whether to run a fraction of each scenario.
    pub quick: bool,
}

impl Torture {
    /// Runs one scenario from the start of its servers to their end.
    pub async fn run(&self, scenario: Scenario, topology: Topology) -> anyhow::Result<Tally> {
        let begun = Instant::now();
        let tally = Box::pin(scenario.run(self, topology)).await?;
        Ok(Tally {
            took: begun.elapsed(),
            ..tally
        })
    }

    /// This number, or a fraction of it in a quick run.
    pub(crate) fn times(&self, all: u32) -> u32 {
        if self.quick { all.div_ceil(6) } else { all }
    }
}
