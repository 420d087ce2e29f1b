//! Which subjects lead to the JetStream API: those of the server where the user's own account has JetStream, else those
//! that the account imports from the store's.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_nats::{
    Client, RequestErrorKind,
    jetstream::{self, ErrorCode, response::Response},
};
use serde_json::Value;
use tokio::time::Instant;
use tracing::{debug, info};

use crate::{
    Connection, StoreError,
    roles::{IMPORTED_API, SERVER_API},
};

/// Asks whether the account has JetStream.
const INFO: &str = "$JS.API.INFO";
/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// A prefix, and the client's context with it.
#[derive(Clone, Debug)]
struct Prefixed {
    /// Ends in a dot.
    prefix: String,
    context: jetstream::Context,
}

impl Prefixed {
    fn new(client: &Client, timeout: Duration, prefix: &str) -> Self {
        let context = jetstream::ContextBuilder::new()
            .timeout(timeout)
            .backpressure_on_inflight(true)
            .api_prefix(prefix.trim_end_matches('.'))
            .build(client.clone());
        Self {
            prefix: prefix.to_owned(),
            context,
        }
    }
}

/// The JetStream API of a connection.
#[derive(Clone, Debug)]
pub(crate) struct JetStreamApi(Arc<Candidates>);

#[derive(Debug)]
struct Candidates {
    /// Until the prefix is known.
    plain: Prefixed,
    imported: Prefixed,
    /// Decided once per connection.
    found: OnceLock<Prefixed>,
}

/// Where the API is.
enum Found {
    /// The user's own account has JetStream, or nothing is known of another.
    Own,
    /// The user's own account has none.
    Imported,
    /// The servers can't tell yet.
    Later(String),
    /// This user lacks a permission, and will hear no answer.
    Denied(String),
}

impl JetStreamApi {
    pub(crate) fn new(client: &Client, timeout: Duration, domain: Option<&str>) -> Self {
        let found = OnceLock::new();
        if let Some(domain) = domain {
            let prefix = format!("$JS.{domain}.API.");
            found.get_or_init(|| Prefixed::new(client, timeout, &prefix));
        }
        Self(Arc::new(Candidates {
            plain: Prefixed::new(client, timeout, SERVER_API),
            imported: Prefixed::new(client, timeout, IMPORTED_API),
            found,
        }))
    }

    fn current(&self) -> &Prefixed {
        self.0.found.get().unwrap_or(&self.0.plain)
    }

    pub(crate) fn context(&self) -> &jetstream::Context {
        &self.current().context
    }

    /// Adds what to do where the account imports an API at which nothing answers.
    pub(crate) fn explained(&self, problem: String) -> String {
        if self.current().prefix != IMPORTED_API || !problem.contains("no responders") {
            return problem;
        }
        format!(
            "{problem}; this user's account has no JetStream, and imports none at {IMPORTED_API}…: if \
             `wombat setup --write-config` has just given each role an account, restart nats-server"
        )
    }

    /// The subject of a request to the API.
    pub(crate) fn subject(&self, request: &str) -> String {
        format!("{}{request}", self.current().prefix)
    }
}

impl Connection {
    /// Finds out where the JetStream API is, unless that is known. Waits for `patience` at most while a cluster is
    /// electing its leader.
    pub(crate) async fn find_jetstream(&self, patience: Duration) -> Result<(), StoreError> {
        let until = Instant::now() + patience;
        let candidates = &self.api.0;
        while candidates.found.get().is_none() {
            let prefixed = match self.ask_for_jetstream().await {
                Found::Own => &candidates.plain,
                Found::Imported => &candidates.imported,
                Found::Denied(violation) => return Err(StoreError::Denied(violation)),
                Found::Later(problem) if Instant::now() + PAUSE > until => {
                    return Err(StoreError::Unavailable(problem));
                }
                Found::Later(problem) => {
                    debug!(problem, "JetStream isn't ready; asking again");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            debug!(prefix = prefixed.prefix, "found JetStream");
            candidates.found.get_or_init(|| prefixed.clone());
        }
        Ok(())
    }

    async fn ask_for_jetstream(&self) -> Found {
        let answer = tokio::select! {
            answer = self.client().request(INFO, "".into()) => answer,
            violation = self.denied() => {
                if !violation.contains(INFO) {
                    return Found::Denied(violation);
                }
                // Users from before each role had an account may not ask.
                self.forget_denied(&violation);
                info!("this user may not send {INFO}; assuming that its account has JetStream");
                return Found::Own;
            }
        };
        let answer = match answer {
            Ok(message) => serde_json::from_slice::<Response<Value>>(&message.payload),
            Err(error) if error.kind() == RequestErrorKind::NoResponders => return Found::Own,
            Err(error) => return Found::Later(error.to_string()),
        };
        match answer {
            Ok(Response::Ok(_)) => Found::Own,
            Ok(Response::Err { error }) => match error.error_code() {
                ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => Found::Imported,
                ErrorCode::CLUSTER_NOT_AVAILABLE => Found::Later(error.to_string()),
                _ => Found::Own,
            },
            Err(error) => Found::Later(format!("{INFO} has an unexpected answer: {error}")),
        }
    }
}
