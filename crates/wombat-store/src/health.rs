//! The health of a connection: since when it is up, and which permission the server refused.

use std::time::{Duration, Instant};

use async_nats::{Event, ServerError};
use tokio::sync::watch;
use tracing::{error, info, warn};

/// How long a refused permission counts as current.
const VIOLATION_COUNTS: Duration = Duration::from_secs(15);

/// The health of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Since when it is up; `None` while it is down.
    pub connected_since: Option<Instant>,
    /// The last permission that the server refused; publishers don't learn of it otherwise.
    pub denied: Option<Violation>,
}

impl Health {
    /// The permission that was refused in the last seconds. An older one may have been granted since, which the server
    /// doesn't report; a role that still lacks it soon meets the refusal again.
    pub fn denied_lately(&self) -> Option<&str> {
        let violation = self.denied.as_ref()?;
        (violation.at.elapsed() < VIOLATION_COUNTS).then_some(&violation.words)
    }
}

/// A permission that the server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The server's message.
    pub words: String,
    /// When.
    pub at: Instant,
}

/// Records and logs an event of a connection.
pub(crate) fn report(health: &watch::Sender<Health>, event: &Event) {
    match event {
        Event::Connected => {
            info!("connected to NATS");
            health.send_modify(|health| {
                health.connected_since = Some(Instant::now());
                health.denied = None;
            });
        }
        Event::Disconnected => {
            warn!("lost the connection to NATS");
            health.send_modify(|health| health.connected_since = None);
        }
        Event::ServerError(ServerError::Other(text))
            if text.to_lowercase().contains("permissions violation") =>
        {
            let violation = Violation {
                words: text.clone(),
                at: Instant::now(),
            };
            let mut before = None;
            health.send_modify(|health| before = health.denied.replace(violation));
            // A role that repeats a request thousands of times must not fill the log.
            let is_known = before
                .is_some_and(|it| it.words == *text && it.at.elapsed() < Duration::from_secs(1));
            if !is_known {
                error!(
                    violation = text,
                    "NATS refused a permission that this role needs"
                );
            }
        }
        Event::Closed => health.send_modify(|health| health.connected_since = None),
        Event::SlowConsumer(subscription) => {
            warn!(subscription, "reading too slowly: NATS dropped messages");
        }
        // `Connection::close` caused it.
        Event::Draining => {}
        Event::LameDuckMode | Event::ServerError(_) | Event::ClientError(_) => {
            warn!(%event, "NATS reported an event");
        }
    }
}
