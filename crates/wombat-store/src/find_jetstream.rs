//! Finds out once per connection where the JetStream API is.

use std::time::Duration;

use async_nats::{
    RequestErrorKind,
    jetstream::{ErrorCode, response::Response},
};
use serde_json::Value;
use tokio::time::Instant;
use tracing::{debug, info};

use crate::{Connection, StoreError};

/// Asks whether the account has JetStream.
const INFO: &str = "$JS.API.INFO";
/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(500);

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

impl Connection {
    /// Finds out where the JetStream API is, unless that is known. Waits for `patience` at most while a cluster is
    /// electing its leader.
    pub(crate) async fn find_jetstream(&self, patience: Duration) -> Result<(), StoreError> {
        let until = Instant::now() + patience;
        while !self.api.is_found() {
            match self.ask_for_jetstream().await {
                Found::Own => self.api.is_own(),
                Found::Imported => self.api.is_imported(),
                Found::Denied(violation) => return Err(StoreError::Denied(violation)),
                Found::Later(problem) if Instant::now() + PAUSE > until => {
                    return Err(StoreError::Unavailable(problem));
                }
                Found::Later(problem) => {
                    debug!(problem, "JetStream isn't ready; asking again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
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
