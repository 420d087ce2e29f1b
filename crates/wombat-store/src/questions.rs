//! Questions to builders, one of which replies. They are sent once and aren't stored.

use std::{marker::PhantomData, time::Duration};

use async_nats::{Request, RequestErrorKind, Subject, Subscriber};
use futures::StreamExt as _;
use serde::{Serialize, de::DeserializeOwned};
use tracing::{debug, warn};

use crate::{Connection, ReplyRule, StoreError};

/// Questions as they come; dropping it ends the subscription.
#[derive(Debug)]
pub struct Questions<Q, R> {
    connection: Connection,
    subscriber: Subscriber,
    replies: ReplyRule,
    kind: PhantomData<fn() -> (Q, R)>,
}

/// Sends the reply to one question.
#[derive(Debug)]
pub struct Responder<R> {
    connection: Connection,
    /// The subject of the question.
    asked: Subject,
    reply: Subject,
    kind: PhantomData<fn() -> R>,
}

impl<Q: DeserializeOwned, R> Questions<Q, R> {
    /// The next question. `None`: there will be no more. Safe to drop between polls.
    pub async fn next(&mut self) -> Option<(Q, Responder<R>)> {
        loop {
            let message = self.subscriber.next().await?;
            let Some(reply) = self.replies.inbox(&message) else {
                continue;
            };
            match serde_json::from_slice::<Q>(&message.payload) {
                Ok(question) => {
                    let responder = Responder {
                        connection: self.connection.clone(),
                        asked: message.subject,
                        reply,
                        kind: PhantomData,
                    };
                    return Some((question, responder));
                }
                Err(error) => {
                    debug!(subject = %message.subject, %error, "ignoring a malformed question");
                }
            }
        }
    }
}

impl<R: Serialize> Responder<R> {
    /// Sends the reply; the asker may be gone.
    pub async fn answer(self, reply: &R) {
        let payload = match serde_json::to_vec(reply) {
            Ok(payload) => payload,
            Err(error) => {
                warn!(subject = %self.asked, %error, "a reply can't be encoded");
                return;
            }
        };
        let client = self.connection.client();
        if let Err(error) = client.publish(self.reply, payload.into()).await {
            debug!(subject = %self.asked, %error, "a reply isn't sent");
        }
    }
}

impl Connection {
    /// Subscribes to the questions on a subject, which the members of `queue` share. Those that want their reply
    /// elsewhere than in an inbox are dropped.
    pub(crate) async fn questions<Q, R>(
        &self,
        subject: &str,
        queue: &str,
        replies: ReplyRule,
    ) -> Result<Questions<Q, R>, StoreError> {
        let client = self.client();
        let subscribed = client.queue_subscribe(subject.to_owned(), queue.to_owned());
        Ok(Questions {
            connection: self.clone(),
            subscriber: subscribed
                .await
                .map_err(|error| StoreError::Unavailable(error.to_string()))?,
            replies,
            kind: PhantomData,
        })
    }

    /// Asks a question. `None`: no builder receives those on this subject.
    pub(crate) async fn ask<Q: Serialize, R: DeserializeOwned>(
        &self,
        subject: &str,
        question: &Q,
        patience: Duration,
    ) -> Result<Option<R>, StoreError> {
        let corrupt = |error: serde_json::Error| StoreError::corrupt(subject, &error);
        let payload = serde_json::to_vec(question).map_err(corrupt)?;
        let request = Request::new()
            .payload(payload.into())
            .timeout(Some(patience));
        let asked = self.client().send_request(subject.to_owned(), request);
        match asked.await {
            Ok(message) => Ok(Some(
                serde_json::from_slice(&message.payload).map_err(corrupt)?,
            )),
            Err(error) if matches!(error.kind(), RequestErrorKind::NoResponders) => Ok(None),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }
}
