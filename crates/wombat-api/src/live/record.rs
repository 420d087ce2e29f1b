//! A record of a build, as every request and event stream of this process shares it.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use wombat_model::{Build, BuildState, wire::BuildView};
use wombat_store::Versioned;

/// A record as it was at one revision.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) build: Build,
    pub(crate) revision: u64,
    /// When this process saw the change to this revision; `None`: the change is older than the process.
    since: Option<Instant>,
    json: OnceLock<String>,
}

impl Record {
    pub(crate) fn new(record: Versioned<Build>, since: Option<Instant>) -> Arc<Self> {
        Arc::new(Self {
            build: record.value,
            revision: record.revision.get(),
            since,
            json: OnceLock::new(),
        })
    }

    pub(crate) fn view(&self) -> BuildView {
        BuildView::of(self.build.clone(), self.revision)
    }

    /// The view as JSON, written once for all clients.
    pub(crate) fn json(&self) -> &str {
        self.json.get_or_init(|| {
            serde_json::to_string(&self.view()).expect("a record came from JSON and goes back")
        })
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.build.status().is_terminal()
    }

    /// Whether the record says all that the service would, which also knows when a failed build may be requested again.
    pub(crate) fn says_all(&self) -> bool {
        match self.build.state() {
            BuildState::Success { .. } | BuildState::Cancelled { .. } => true,
            BuildState::Failed { failure, .. } => !failure.class.is_final(),
            BuildState::New { .. } | BuildState::Building { .. } => false,
        }
    }

    /// When this process saw the build end. `None`: it hasn't, or did before the process saw it.
    pub(crate) fn finished_here(&self) -> Option<Instant> {
        self.since.filter(|_| self.is_terminal())
    }
}
