//! Questions to builders whose machine runs a binary: what does it say of this pipeline? They are asked once and stored nowhere.

use std::time::Duration;

use async_nats::{Request, RequestErrorKind};
use futures::StreamExt as _;
use tracing::{debug, warn};
use wombat_model::{
    Platform,
    names::{LINT_QUEUE, LINT_SUBJECT_PREFIX},
    wire::{LintQuestion, LintReply},
};

use crate::{Connection, StoreError};

/// How long a builder may take: it may have to fetch the binary, and others may be before us.
const PATIENCE: Duration = Duration::from_secs(20);

/// Questions as they come; dropping it ends the subscription.
#[derive(Debug)]
pub struct LintQuestions {
    connection: Connection,
    subscriber: async_nats::Subscriber,
}

/// Where the answer is waited for.
#[derive(Debug)]
pub struct LintAsker {
    connection: Connection,
    reply: async_nats::Subject,
}

impl LintQuestions {
    /// The next question. `None`: there will be no more. Safe to drop between polls.
    pub async fn next(&mut self) -> Option<(LintQuestion, LintAsker)> {
        loop {
            let message = self.subscriber.next().await?;
            let question = serde_json::from_slice(&message.payload);
            match (question, message.reply) {
                (Ok(question), Some(reply)) => {
                    let connection = self.connection.clone();
                    return Some((question, LintAsker { connection, reply }));
                }
                (Ok(_), None) => {}
                (Err(error), _) => debug!(%error, "a question can't be understood"),
            }
        }
    }
}

impl LintAsker {
    /// Answers. Who has gone away meanwhile isn't missed.
    pub async fn answer(self, reply: &LintReply) {
        let payload = match serde_json::to_vec(reply) {
            Ok(payload) => payload,
            Err(error) => {
                warn!(%error, "an answer can't be written");
                return;
            }
        };
        let client = self.connection.client();
        if let Err(error) = client.publish(self.reply, payload.into()).await {
            debug!(%error, "an answer isn't sent");
        }
    }
}

impl Connection {
    /// Shares the questions about binaries for this platform with the other builders on such machines.
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

    /// Asks one of them. `None`: no builder is on such a machine.
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
            .timeout(Some(PATIENCE));
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
