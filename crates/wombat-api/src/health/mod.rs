//! Whether a list, a request and a download would be answered now, and what prevents it.
//!
//! Each part has a function of its own, whose problems become sentences of [`Findings`].

mod report;

use std::time::Duration;

use tokio::time::timeout;
use wombat_model::{
    BuildKey, RefusalStatus,
    wire::{HealthAnswer, IdQuestion, ListQuestion, NoQuestion, StoreHealth},
};
use wombat_store::Room;

pub use self::report::{CacheHealth, HealthReport, HealthStatus, NatsHealth};
use crate::{ApiError, cache::CacheStatus, gateway::parsed, state::GatewayState};

/// How long each part may take.
const LIMIT: Duration = Duration::from_millis(1500);
/// An id that no build has.
const NO_BUILD: &str =
    "build.linux.amd64.1_0_0.0000000000000000000000000000000000000000000000000000000000000000";

/// What the checks found.
pub(crate) struct Findings {
    /// What prevents a list, a request or a download, in sentences for people. Empty: nothing does.
    pub(crate) problems: Vec<String>,
    /// What works less well or needs an operator, but refuses nothing to clients.
    pub(crate) notes: Vec<String>,
    /// How full the stores are, as far as that is known.
    pub(crate) stores: Vec<StoreHealth>,
    /// Whether NATS acknowledges what it stores; `None`: no service says.
    pub(crate) acknowledges: Option<bool>,
    /// The gateway's own disk.
    pub(crate) cache: CacheStatus,
}

/// Runs all checks.
pub(crate) async fn check(state: &GatewayState) -> Findings {
    let mut found = Findings {
        problems: own(state),
        notes: Vec::new(),
        stores: Vec::new(),
        acknowledges: None,
        cache: state.cache.state().await,
    };
    found.notes.extend(cache_words(&found.cache));
    // Without a connection the other checks say the same.
    if found.problems.is_empty() {
        let (list, request, download, report) = tokio::join!(
            lists(state),
            requests(state),
            downloads(state),
            stores(state)
        );
        let problems = [list, request, download].into_iter().flatten();
        found.problems.extend(problems);
        // One cause, such as a service that isn't running, prevents several.
        found.problems.dedup();
        found.take(report);
    }
    found
}

impl Findings {
    fn take(&mut self, report: StoreReport) {
        let is_known = report.is_from_service;
        self.acknowledges = is_known.then_some(report.answer.unacknowledged.is_none());
        self.problems.extend(report.answer.unacknowledged);
        self.problems.extend(report.answer.blocklist);
        self.notes.extend(report.answer.index);
        self.notes.extend(report.answer.tampered);
        for store in &report.answer.stores {
            let to = if store.refuses_builds {
                &mut self.problems
            } else {
                &mut self.notes
            };
            to.extend(store.words.clone());
        }
        self.stores = report.answer.stores;
    }
}

/// The note for a disk that can't store files, which slows downloads and prevents none.
pub(crate) fn cache_words(cache: &CacheStatus) -> Option<String> {
    let trouble = cache.trouble?;
    Some(format!(
        "The gateway can't store binaries on its disk ({trouble}): downloads come straight from the object store, which is slower."
    ))
}

/// Whether this process has what it needs.
fn own(state: &GatewayState) -> Vec<String> {
    let connection = state.gateway.connection();
    let denied = connection.health().borrow().denied_lately().is_some();
    let parts = [
        (!connection.is_up(), "The connection to NATS is down."),
        (
            !state.records.progress().borrow().ready,
            "The gateway hasn't read the records of builds yet.",
        ),
        (
            !state.logs.is_ready(),
            "The gateway doesn't follow the logs of builds yet.",
        ),
        (
            denied,
            "NATS refused a permission that the gateway needs; the gateway's log says which.",
        ),
    ];
    parts
        .into_iter()
        .filter(|(missing, _)| *missing)
        .map(|(_, words)| words.to_owned())
        .collect()
}

/// Whether a service lists builds: one is running, and its index has caught up.
async fn lists(state: &GatewayState) -> Option<String> {
    let question = ListQuestion {
        limit: Some(1),
        ..ListQuestion::default()
    };
    let asked = state.gateway.ask_once("build.list", &question);
    in_the_way(timeout(LIMIT, asked).await.map(|asked| asked.map(drop)))
}

/// Whether a service can read records from the leader, as it does for every request.
async fn requests(state: &GatewayState) -> Option<String> {
    let id: BuildKey = NO_BUILD.parse().ok()?;
    let question = IdQuestion { id };
    let asked = state.gateway.ask_once("build.get", &question);
    in_the_way(timeout(LIMIT, asked).await.map(|asked| asked.map(drop)))
}

/// Whether the store of binaries answers.
async fn downloads(state: &GatewayState) -> Option<String> {
    let looked = state.gateway.read(state.store.artifacts.usage());
    in_the_way(timeout(LIMIT, looked).await.map(|looked| looked.map(drop)))
}

/// How full the stores are, and whether they acknowledge writes.
#[derive(Default)]
struct StoreReport {
    answer: HealthAnswer,
    /// If not, the gateway looked itself, which doesn't show whether writes are acknowledged.
    is_from_service: bool,
}

/// The service's report, or what the gateway sees itself. Empty if NATS doesn't answer in time: [`downloads`] reports that.
async fn stores(state: &GatewayState) -> StoreReport {
    let report = async {
        let asked = state.gateway.ask_once("build.health", &NoQuestion {}).await;
        if let Ok(answer) = asked.and_then(|answer| parsed(&answer)) {
            return StoreReport {
                answer,
                is_from_service: true,
            };
        }
        let room = state.gateway.read(state.gateway.connection().room()).await;
        let room = room.unwrap_or_default();
        StoreReport {
            answer: HealthAnswer {
                stores: room.iter().map(Room::health).collect(),
                ..HealthAnswer::default()
            },
            is_from_service: false,
        }
    };
    timeout(LIMIT, report).await.unwrap_or_default()
}

/// Why an attempt failed, unless only the build doesn't exist.
fn in_the_way(
    attempt: Result<Result<(), ApiError>, tokio::time::error::Elapsed>,
) -> Option<String> {
    match attempt {
        Ok(Ok(())) => None,
        Ok(Err(ApiError::Refused(refusal))) if refusal.status == RefusalStatus::NotFound => None,
        Ok(Err(ApiError::Refused(refusal))) => {
            let messages = refusal.problems.into_iter().map(|it| it.message);
            Some(messages.collect::<Vec<_>>().join(" "))
        }
        Ok(Err(
            ApiError::Slow | ApiError::Overdue | ApiError::RangeNotSatisfiable | ApiError::Bare(_),
        ))
        | Err(_) => Some("NATS or the service doesn't answer in time.".to_owned()),
    }
}
