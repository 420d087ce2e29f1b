//! Questions to builders about releases outside the catalog. They are sent once and aren't stored.

use async_nats::{Request, RequestErrorKind};
use futures::StreamExt as _;
use tracing::{debug, warn};
use wombat_model::{
    names::{REQUIREMENTS_QUEUE, REQUIREMENTS_SUBJECT},
    wire::{REQUIREMENTS_PATIENCE, RequirementsQuestion, RequirementsReply},
};

use crate::{Connection, StoreError};

/// Questions as they come; dropping it ends the subscription.
#[derive(Debug)]
pub struct RequirementsQuestions {
    connection: Connection,
    subscriber: async_nats::Subscriber,
}

/// Sends the reply to one question.
#[derive(Debug)]
pub struct RequirementsResponder {
    connection: Connection,
    reply: async_nats::Subject,
}

impl RequirementsQuestions {
    /// The next question. `None`: there will be no more. Safe to drop between polls.
    pub async fn next(&mut self) -> Option<(RequirementsQuestion, RequirementsResponder)> {
        loop {
            let message = self.subscriber.next().await?;
            let question = serde_json::from_slice(&message.payload);
            match (question, message.reply) {
                (Ok(question), Some(reply)) => {
                    let connection = self.connection.clone();
                    return Some((question, RequirementsResponder { connection, reply }));
                }
                (Ok(_), None) => {}
                (Err(error), _) => debug!(%error, "ignoring a malformed question about a release"),
            }
        }
    }
}

impl RequirementsResponder {
    /// Sends the reply; the service may be gone.
    pub async fn answer(self, reply: &RequirementsReply) {
        let payload = match serde_json::to_vec(reply) {
            Ok(payload) => payload,
            Err(error) => {
                warn!(%error, "a reply about a release can't be encoded");
                return;
            }
        };
        let client = self.connection.client();
        if let Err(error) = client.publish(self.reply, payload.into()).await {
            debug!(%error, "a reply about a release isn't sent");
        }
    }
}

impl Connection {
    /// Subscribes to questions, which builders share.
    pub async fn requirements_questions(&self) -> Result<RequirementsQuestions, StoreError> {
        let queue = REQUIREMENTS_QUEUE.to_owned();
        let subscribed = self.client().queue_subscribe(REQUIREMENTS_SUBJECT, queue);
        Ok(RequirementsQuestions {
            connection: self.clone(),
            subscriber: subscribed
                .await
                .map_err(|error| StoreError::Unavailable(error.to_string()))?,
        })
    }

    /// Asks one of the builders. `None`: there is none that answers.
    pub async fn ask_requirements(
        &self,
        question: &RequirementsQuestion,
    ) -> Result<Option<RequirementsReply>, StoreError> {
        let corrupt = |error: serde_json::Error| StoreError::corrupt(REQUIREMENTS_SUBJECT, &error);
        let payload = serde_json::to_vec(question).map_err(corrupt)?;
        let request = Request::new()
            .payload(payload.into())
            .timeout(Some(REQUIREMENTS_PATIENCE));
        match self
            .client()
            .send_request(REQUIREMENTS_SUBJECT, request)
            .await
        {
            Ok(message) => Ok(Some(
                serde_json::from_slice(&message.payload).map_err(corrupt)?,
            )),
            Err(error) if matches!(error.kind(), RequestErrorKind::NoResponders) => Ok(None),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }
}
