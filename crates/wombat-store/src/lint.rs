//! Lint requests to builders whose machine can run a binary. They are sent once and aren't stored.

use async_nats::{Request, RequestErrorKind};
use futures::StreamExt as _;
use tracing::{debug, warn};
use wombat_model::{
    Platform,
    names::{LINT_QUEUE, LINT_SUBJECT_PREFIX},
    wire::{LINT_PATIENCE, LintQuestion, LintReply},
};

use crate::{Connection, StoreError};

/// Lint requests as they come; dropping it ends the subscription.
#[derive(Debug)]
pub struct LintQuestions {
    connection: Connection,
    subscriber: async_nats::Subscriber,
}

/// Sends the reply to one lint request.
#[derive(Debug)]
pub struct LintResponder {
    connection: Connection,
    reply: async_nats::Subject,
}

impl LintQuestions {
    /// The next request. `None`: there will be no more. Safe to drop between polls.
    pub async fn next(&mut self) -> Option<(LintQuestion, LintResponder)> {
        loop {
            let message = self.subscriber.next().await?;
            let question = serde_json::from_slice(&message.payload);
            match (question, message.reply) {
                (Ok(question), Some(reply)) => {
                    let connection = self.connection.clone();
                    return Some((question, LintResponder { connection, reply }));
                }
                (Ok(_), None) => {}
                (Err(error), _) => debug!(%error, "ignoring a malformed lint request"),
            }
        }
    }
}

impl LintResponder {
    /// Sends the reply; the client may be gone.
    pub async fn answer(self, reply: &LintReply) {
        let payload = match serde_json::to_vec(reply) {
            Ok(payload) => payload,
            Err(error) => {
                warn!(%error, "a reply to a lint request can't be encoded");
                return;
            }
        };
        let client = self.connection.client();
        if let Err(error) = client.publish(self.reply, payload.into()).await {
            debug!(%error, "a reply to a lint request isn't sent");
        }
    }
}

impl Connection {
    /// Subscribes to lint requests for this platform, which builders on such machines share.
    pub async fn lint_questions(&self, platform: Platform) -> Result<LintQuestions, StoreError> {
        let client = self.client();
        let subscribed = client.queue_subscribe(subject(platform), LINT_QUEUE.to_owned());
        Ok(LintQuestions {
            connection: self.clone(),
            subscriber: subscribed
                .await
                .map_err(|error| StoreError::Unavailable(error.to_string()))?,
        })
    }

    /// Sends a lint request to one of these builders. `None`: there is none.
    pub async fn ask_lint(
        &self,
        platform: Platform,
        question: &LintQuestion,
    ) -> Result<Option<LintReply>, StoreError> {
        let subject = subject(platform);
        let payload =
            serde_json::to_vec(question).map_err(|error| StoreError::corrupt(&subject, &error))?;
        let request = Request::new()
            .payload(payload.into())
            .timeout(Some(LINT_PATIENCE));
        let asked = self.client().send_request(subject.clone(), request);
        match asked.await {
            Ok(message) => {
                let reply = serde_json::from_slice(&message.payload);
                Ok(Some(
                    reply.map_err(|error| StoreError::corrupt(&subject, &error))?,
                ))
            }
            Err(error) if matches!(error.kind(), RequestErrorKind::NoResponders) => Ok(None),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }
}

fn subject(platform: Platform) -> String {
    format!(
        "{LINT_SUBJECT_PREFIX}{}.{}",
        platform.goos(),
        platform.goarch()
    )
}
