//! Turns a call into a NATS request, and its answer or its absence into a response, within two seconds.
//!
//! `json`: bodies of questions and answers · `reply`: what a service replied · `failure`: why there is no reply ·
//! `store_reads`: what is read without a service.

mod failure;
mod json;
mod reply;
mod store_reads;

use std::{net::IpAddr, time::Duration};

use async_nats::{HeaderMap, Message, Request, RequestErrorKind};
use bytes::Bytes;
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::warn;
use wombat_model::{
    Platform,
    names::{CLIENT_HEADER, MAX_BODY},
    wire::{LintQuestion, LintReply},
};
use wombat_store::Connection;

pub(crate) use self::json::{parsed, written};
use self::{failure::RequestFailure, reply::read_reply};
use crate::{
    ApiError,
    body::{MAX_QUESTION, too_large},
};

/// How long a service or the store may take.
const ANSWER_LIMIT: Duration = Duration::from_millis(1500);
/// How long a question that changes nothing may take, retries included: clients get an answer within two seconds.
const ASK_LIMIT: Duration = Duration::from_millis(1900);
/// Time without an answer after which such a question is sent again: the service may have died.
const FIRST_TRY: Duration = Duration::from_millis(1200);
/// Room for the headers of a message, in bytes.
const MAX_HEADERS: usize = 1024;
/// Pause before a question is sent again.
const ASK_PAUSE: Duration = Duration::from_millis(100);

/// The way to the services. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    connection: Connection,
}

impl Gateway {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    fn check_is_up(&self) -> Result<(), ApiError> {
        if self.connection.is_up() {
            Ok(())
        } else {
            Err(RequestFailure::Down.into_error(""))
        }
    }

    /// Sends a question that changes nothing; returns the answer in the bytes that came. A question is lost if a node of the
    /// cluster dies with it, or while a service or this gateway isn't connected: it is sent again.
    pub(crate) async fn ask(
        &self,
        subject: &'static str,
        question: &impl Serialize,
    ) -> Result<Bytes, ApiError> {
        let body = written(question)?;
        let until = Instant::now() + ASK_LIMIT;
        let mut limit = FIRST_TRY;
        loop {
            let failure = match self.request(subject, body.clone(), None, limit).await {
                Ok(message) => return read_reply(subject, message),
                Err(failure) => failure,
            };
            let up = async {
                sleep(ASK_PAUSE).await;
                self.connection.until_up().await;
            };
            if !failure.is_transient() || timeout_at(until, up).await.is_err() {
                return Err(failure.into_error(subject));
            }
            limit = until.duration_since(Instant::now());
        }
    }

    /// Sends a question once, such as one that changes something.
    pub(crate) async fn ask_once(
        &self,
        subject: &'static str,
        question: &impl Serialize,
    ) -> Result<Bytes, ApiError> {
        self.pass_on(subject, written(question)?, None).await
    }

    /// The same for a question that holds pipelines, which grow when they are written as JSON.
    pub(crate) async fn ask_with_pipelines(
        &self,
        subject: &'static str,
        question: &impl Serialize,
    ) -> Result<Bytes, ApiError> {
        self.send(subject, written(question)?, None, MAX_QUESTION)
            .await
    }

    /// Passes a body on as it is. `client` is the client's address, for quotas.
    pub(crate) async fn pass_on(
        &self,
        subject: &'static str,
        body: Bytes,
        client: Option<IpAddr>,
    ) -> Result<Bytes, ApiError> {
        self.send(subject, body, client, MAX_BODY).await
    }

    async fn send(
        &self,
        subject: &'static str,
        body: Bytes,
        client: Option<IpAddr>,
        limit: usize,
    ) -> Result<Bytes, ApiError> {
        let limit = limit.min(self.largest_message());
        if body.len() > limit {
            return Err(too_large(limit));
        }
        match self.request(subject, body, client, ANSWER_LIMIT).await {
            Ok(message) => read_reply(subject, message),
            Err(failure) => Err(failure.into_error(subject)),
        }
    }

    async fn request(
        &self,
        subject: &'static str,
        body: Bytes,
        client: Option<IpAddr>,
        limit: Duration,
    ) -> Result<Message, RequestFailure> {
        let mut headers = HeaderMap::new();
        if let Some(client) = client {
            headers.insert(CLIENT_HEADER, client.to_string());
        }
        let request = Request::new()
            .payload(body)
            .headers(headers)
            .timeout(Some(limit));
        let client = self.connection.client();
        // The client's own limit doesn't cover the way into a full send buffer.
        let answer = timeout(limit, client.send_request(subject, request));
        match self.while_up(answer).await? {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(error)) => Err(RequestFailure::Failed(error.kind())),
            Err(_) => Err(RequestFailure::Failed(RequestErrorKind::TimedOut)),
        }
    }

    /// Fails as soon as the connection is down.
    async fn while_up<T>(&self, asking: impl Future<Output = T>) -> Result<T, RequestFailure> {
        let session = self.connection.session();
        if !self.connection.is_up() {
            return Err(RequestFailure::Down);
        }
        tokio::select! {
            done = asking => Ok(done),
            () = self.connection.session_ended(session) => Err(RequestFailure::Down),
        }
    }

    /// The most bytes that NATS takes, headers included.
    fn largest_message(&self) -> usize {
        let largest = self.connection.client().server_info().max_payload;
        largest.saturating_sub(MAX_HEADERS)
    }

    /// Asks a builder that runs binaries of this platform. `None`: there is none.
    pub(crate) async fn ask_lint(
        &self,
        platform: Platform,
        question: &LintQuestion,
        client: Option<IpAddr>,
    ) -> Result<Option<LintReply>, ApiError> {
        let limit = self.largest_message();
        if written(question)?.len() > limit {
            return Err(too_large(limit));
        }
        let asking = self.connection.ask_lint(platform, question, client);
        let reply = self.while_up(asking).await;
        reply
            .map_err(|failure| failure.into_error(""))?
            .map_err(|error| {
                warn!(%error, "no builder answered a lint question");
                ApiError::unavailable("No builder answered in time; try again.")
            })
    }
}
