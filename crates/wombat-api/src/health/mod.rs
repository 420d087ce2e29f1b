//! Whether a list, a request and a download would be answered now, and what is in the way.
//!
//! What may be in the way is a sentence of [`Found`]; each part has a function of its own.

mod report;

use std::time::Duration;

use tokio::time::timeout;
use wombat_model::{
    BuildKey, RefusalStatus,
    wire::{HealthAnswer, IdQuestion, ListQuestion, NoQuestion, StoreHealth},
};
use wombat_store::Room;

pub use self::report::{CacheHealth, HealthReport, HealthStatus, NatsHealth};
use crate::{ApiError, cache::CacheState, gateway::parsed, state::State};

/// How long the answer may take: who asks wants to know it now.
const LIMIT: Duration = Duration::from_millis(1500);
/// An id that no build has.
const NO_BUILD: &str =
    "build.linux.amd64.1_0_0.0000000000000000000000000000000000000000000000000000000000000000";

/// What was found by looking.
pub(crate) struct Found {
    /// Everything that is in the way, in sentences for people. None: all is well.
    pub(crate) problems: Vec<String>,
    /// What works less well, or needs an operator, and is in no client's way.
    pub(crate) notes: Vec<String>,
    /// How full the stores are, as far as that is known.
    pub(crate) stores: Vec<StoreHealth>,
    /// Whether NATS stores what it is sent; `None`: no service tells.
    pub(crate) acknowledges: Option<bool>,
    /// The gateway's own disk.
    pub(crate) cache: CacheState,
}

/// Looks at everything.
pub(crate) async fn look(state: &State) -> Found {
    let mut found = Found {
        problems: own(state),
        notes: Vec::new(),
        stores: Vec::new(),
        acknowledges: None,
        cache: state.cache.state().await,
    };
    found.notes.extend(cache_words(&found.cache));
    // Without a connection the others have nothing to say.
    if found.problems.is_empty() {
        let (list, request, download, stored) = tokio::join!(
            lists(state),
            requests(state),
            downloads(state),
            stores(state)
        );
        let said = [list, request, download].into_iter().flatten();
        found.problems.extend(said);
        // One cause, such as a service that is away, stands in the way of several.
        found.problems.dedup();
        found.take(stored);
    }
    found
}

impl Found {
    fn take(&mut self, stored: Stored) {
        let told = stored.told_by_service;
        self.acknowledges = told.then_some(stored.answer.unacknowledged.is_none());
        self.problems.extend(stored.answer.unacknowledged);
        self.notes.extend(stored.answer.index);
        for store in &stored.answer.stores {
            let to = if store.refuses_builds {
                &mut self.problems
            } else {
                &mut self.notes
            };
            to.extend(store.words.clone());
        }
        self.stores = stored.answer.stores;
    }
}

/// What is said while files can't be stored on the gateway's disk: downloads are answered all the same.
pub(crate) fn cache_words(cache: &CacheState) -> Option<String> {
    let trouble = cache.trouble?;
    Some(format!(
        "The gateway can't keep binaries on its disk ({trouble}): downloads come straight from the object store, which is slower."
    ))
}

/// What this process itself needs.
fn own(state: &State) -> Vec<String> {
    let connection = state.gateway.connection();
    let denied = connection.health().borrow().denied_lately().is_some();
    let parts = [
        (!connection.is_up(), "The connection to NATS is down."),
        (
            !state.records.ticks().borrow().ready,
            "The records of builds aren't read yet.",
        ),
        (
            !state.logs.is_ready(),
            "The logs of builds aren't followed yet.",
        ),
        (
            denied,
            "NATS refused a permission that the gateway needs; its log says which.",
        ),
    ];
    parts
        .into_iter()
        .filter(|(missing, _)| *missing)
        .map(|(_, words)| words.to_owned())
        .collect()
}

/// Whether a service lists builds: it is there, and its index has caught up.
async fn lists(state: &State) -> Option<String> {
    let question = ListQuestion {
        limit: Some(1),
        ..ListQuestion::default()
    };
    let asked = state.gateway.ask_once("build.list", &question);
    in_the_way(timeout(LIMIT, asked).await.map(|asked| asked.map(drop)))
}

/// Whether a service reads records of the leader, which it does before it takes a request.
async fn requests(state: &State) -> Option<String> {
    let id: BuildKey = NO_BUILD.parse().ok()?;
    let question = IdQuestion { id };
    let asked = state.gateway.ask_once("build.get", &question);
    in_the_way(timeout(LIMIT, asked).await.map(|asked| asked.map(drop)))
}

/// Whether the store of binaries answers.
async fn downloads(state: &State) -> Option<String> {
    let looked = state.gateway.read(state.store.artifacts.usage());
    in_the_way(timeout(LIMIT, looked).await.map(|looked| looked.map(drop)))
}

/// What is known of the stores.
#[derive(Default)]
struct Stored {
    answer: HealthAnswer,
    /// Else the leaders were asked from here, and whether writes are acknowledged isn't known.
    told_by_service: bool,
}

/// How full the stores are. Without a service that tells, the gateway looks itself. Nothing, where NATS doesn't answer in
/// time: then the store of binaries doesn't answer either, which is said.
async fn stores(state: &State) -> Stored {
    let looked = async {
        let asked = state.gateway.ask_once("build.health", &NoQuestion {}).await;
        if let Ok(answer) = asked.and_then(|answer| parsed(&answer)) {
            return Stored {
                answer,
                told_by_service: true,
            };
        }
        let room = state.gateway.read(state.gateway.connection().room()).await;
        let room = room.unwrap_or_default();
        Stored {
            answer: HealthAnswer {
                stores: room.iter().map(Room::health).collect(),
                ..HealthAnswer::default()
            },
            told_by_service: false,
        }
    };
    timeout(LIMIT, looked).await.unwrap_or_default()
}

/// What an attempt says, unless it succeeded, or there is no such build.
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
        | Err(_) => Some("NATS, or the service behind it, doesn't answer in time.".to_owned()),
    }
}
