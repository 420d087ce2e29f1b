//! What can be measured, one file a subject.

mod builds;
mod dispatch;
mod door;
mod download;
mod drain;
mod events;
mod growth;
mod list;
mod nats_requests;
mod rest;
mod sandbox;
mod site;

use clap::ValueEnum as _;

use crate::{bench::Bench, report::Section};

/// The measures, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Measure {
    /// New selections, on warm, fresh and far builders.
    Builds,
    /// The cost of the sandbox, and the effect of a greedy neighbour.
    Sandbox,
    /// The website in a browser.
    Site,
    /// From a request to the first `go` process.
    Dispatch,
    /// Many builds over many builders.
    Drain,
    /// The calls that a gateway answers most.
    Rest,
    /// Readers while others attack, or flood with requests.
    Door,
    /// Repeats over NATS.
    NatsRequests,
    /// Pages of builds.
    List,
    /// Downloads of a binary.
    Download,
    /// Many clients that look at all builds.
    Events,
    /// A million builds.
    Growth,
}

impl Measure {
    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// Runs it.
    pub(crate) async fn run(self, bench: &Bench) -> anyhow::Result<Section> {
        match self {
            Self::Builds => builds::run(bench).await,
            Self::Sandbox => sandbox::run(bench).await,
            Self::Site => site::run(bench).await,
            Self::Dispatch => dispatch::run(bench).await,
            Self::Drain => drain::run(bench).await,
            Self::Rest => rest::run(bench).await,
            Self::Door => door::run(bench).await,
            Self::NatsRequests => nats_requests::run(bench).await,
            Self::List => list::run(bench).await,
            Self::Download => download::run(bench).await,
            Self::Events => events::run(bench).await,
            Self::Growth => growth::run(bench).await,
        }
    }
}
