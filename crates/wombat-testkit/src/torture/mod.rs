//! Torture: a system of real processes around one nats-server, or a cluster of three, is surprised in every way that there is,
//! and afterwards everything that was promised is looked for.
//!
//! *bed*: the processes · *load*: requests, and who follows them · *follow*: a stream of one build · *reads*: who looks
//! meanwhile · *check*: what has to hold afterwards · *tally*: the line that is printed · *scenarios*: what happens meanwhile.

mod bed;
mod check;
mod follow;
mod load;
mod reads;
mod scenarios;
mod tally;

use std::time::Instant;

pub use bed::Place;
pub use scenarios::Scenario;
pub use tally::Tally;

use crate::Program;

/// What is run.
#[derive(Clone, Debug)]
pub struct Torture {
    /// The `wombat` that is tortured.
    pub program: Program,
    /// A fraction of each scenario.
    pub quick: bool,
}

impl Torture {
    /// Runs one scenario from the start of its servers to their end.
    pub async fn run(&self, scenario: Scenario, place: Place) -> anyhow::Result<Tally> {
        let begun = Instant::now();
        let tally = Box::pin(scenario.run(self, place)).await?;
        Ok(Tally {
            took: begun.elapsed(),
            ..tally
        })
    }

    /// So many, or a fraction of it.
    pub(crate) fn times(&self, all: u32) -> u32 {
        if self.quick { all.div_ceil(6) } else { all }
    }
}
