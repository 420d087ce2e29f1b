//! Questions to builders, one of which replies. They are sent once and aren't stored.

use std::{marker::PhantomData, net::IpAddr, time::Duration};

use async_nats::{HeaderMap, Request, RequestErrorKind, Subject, Subscriber};
use futures::StreamExt as _;
use serde::{Serialize, de::DeserializeOwned};
use time::OffsetDateTime;
use tracing::{debug, warn};
use wombat_model::names::{CLIENT_HEADER, DEADLINE_HEADER};

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
    client: Option<IpAddr>,
    deadline: Option<OffsetDateTime>,
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
                    let headers = message.headers.unwrap_or_default();
                    let responder = Responder {
                        connection: self.connection.clone(),
                        asked: message.subject,
                        reply,
                        client: header(&headers, CLIENT_HEADER),
                        deadline: header(&headers, DEADLINE_HEADER).and_then(of_millis),
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

impl<R> Responder<R> {
    /// The client of the gateway that asks. `None`: it didn't say.
    pub fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// How long the asker still waits; zero: it doesn't any more. `None`: it didn't say, as version 0.1.0 doesn't.
    pub fn time_left(&self) -> Option<Duration> {
        let left = self.deadline? - self.connection.server_time();
        Some(left.try_into().unwrap_or_default())
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
        self.ask_for(None, subject, question, patience).await
    }

    /// The same for a client of the gateway.
    pub(crate) async fn ask_for<Q: Serialize, R: DeserializeOwned>(
        &self,
        client: Option<IpAddr>,
        subject: &str,
        question: &Q,
        patience: Duration,
    ) -> Result<Option<R>, StoreError> {
        let corrupt = |error: serde_json::Error| StoreError::corrupt(subject, &error);
        let payload = serde_json::to_vec(question).map_err(corrupt)?;
        // In headers, since earlier builders refuse questions with further fields.
        let mut headers = HeaderMap::new();
        let deadline = self.server_time() + patience;
        headers.insert(DEADLINE_HEADER, in_millis(deadline).to_string());
        if let Some(client) = client {
            headers.insert(CLIENT_HEADER, client.to_string());
        }
        let request = Request::new()
            .payload(payload.into())
            .headers(headers)
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

fn header<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    headers.get(name)?.as_str().parse().ok()
}

fn in_millis(time: OffsetDateTime) -> i128 {
    time.unix_timestamp_nanos() / 1_000_000
}

fn of_millis(millis: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
}
