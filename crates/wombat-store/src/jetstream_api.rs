//! The JetStream API of a connection: its subjects are the server's where the user's own account has JetStream, else
//! those that the account imports from the store's.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_nats::{Client, jetstream};
use tracing::debug;

use crate::roles::{IMPORTED_API, SERVER_API};

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

    /// Whether the prefix is known.
    pub(crate) fn is_found(&self) -> bool {
        self.0.found.get().is_some()
    }

    /// Notes that the user's own account has JetStream.
    pub(crate) fn is_own(&self) {
        self.note(&self.0.plain);
    }

    /// Notes that the account imports the API.
    pub(crate) fn is_imported(&self) {
        self.note(&self.0.imported);
    }

    fn note(&self, found: &Prefixed) {
        debug!(prefix = found.prefix, "found JetStream");
        self.0.found.get_or_init(|| found.clone());
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
