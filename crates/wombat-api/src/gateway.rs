//! Turns a call into a NATS request, and its answer or its absence into a response, within two seconds.

use std::{future::Future, net::IpAddr, time::Duration};

use async_nats::{HeaderMap, Message, Request, RequestErrorKind};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tracing::{error, warn};
use wombat_model::{
    Platform, Problem, ProblemCode, Refusal, RefusalStatus,
    names::{CLIENT_HEADER, MAX_BODY},
    wire::{ErrorBody, LintQuestion, LintReply},
};
use wombat_store::{Connection, StoreError};

use crate::ApiError;

/// How long a service or the store may take.
const ANSWER_LIMIT: Duration = Duration::from_millis(1500);
/// Most bytes of a question with a text: a small body whose every character is escaped.
const MAX_TEXT: usize = 6 * MAX_BODY;
/// Headers by which a service says that its answer is an error.
const ERROR_CODE: &str = "Nats-Service-Error-Code";
const ERROR: &str = "Nats-Service-Error";

/// The way to NATS.
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
            Err(ApiError::unavailable(
                "The connection to NATS is down; try again.",
            ))
        }
    }

    /// Puts a question of the model's types and gives back the answer as it came.
    pub(crate) async fn ask(
        &self,
        subject: &'static str,
        question: &impl Serialize,
    ) -> Result<Bytes, ApiError> {
        self.pass_on(subject, written(question)?, None).await
    }

    /// The same for a question that holds a text, which grows when it is written as JSON.
    pub(crate) async fn ask_with_text(
        &self,
        subject: &'static str,
        question: &impl Serialize,
    ) -> Result<Bytes, ApiError> {
        self.send(subject, written(question)?, None, MAX_TEXT).await
    }

    /// Passes a body on as it is. `client` is who asks, for quotas.
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
        self.check_is_up()?;
        if body.len() > limit {
            return Err(ApiError::Bare(http::StatusCode::PAYLOAD_TOO_LARGE));
        }
        let mut headers = HeaderMap::new();
        if let Some(client) = client {
            headers.insert(CLIENT_HEADER, client.to_string());
        }
        let request = Request::new()
            .payload(body)
            .headers(headers)
            .timeout(Some(ANSWER_LIMIT));
        let client = self.connection.client();
        // The client's own limit doesn't cover the way into a full send buffer.
        let answer = tokio::time::timeout(ANSWER_LIMIT, client.send_request(subject, request));
        match answer.await {
            Ok(Ok(message)) => read_answer(subject, message),
            Ok(Err(error)) => Err(failed(subject, error.kind())),
            Err(_) => Err(failed(subject, RequestErrorKind::TimedOut)),
        }
    }

    /// Asks a builder that runs such binaries. `None`: there is none.
    pub(crate) async fn ask_lint(
        &self,
        platform: Platform,
        question: &LintQuestion,
    ) -> Result<Option<LintReply>, ApiError> {
        self.check_is_up()?;
        let asked = self.connection.ask_lint(platform, question).await;
        asked.map_err(|error| {
            warn!(%error, "a builder doesn't say what a binary says");
            ApiError::unavailable("No builder answered in time; try again.")
        })
    }

    /// Waits for the store, no longer than for a service.
    pub(crate) async fn read<T>(
        &self,
        access: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, ApiError> {
        self.read_within(ANSWER_LIMIT, access).await
    }

    /// The same where there is more to read.
    pub(crate) async fn read_within<T>(
        &self,
        limit: Duration,
        access: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, ApiError> {
        self.check_is_up()?;
        match tokio::time::timeout(limit, access).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ApiError::unavailable("NATS doesn't answer; try again.")),
        }
    }
}

/// A question, or an answer of ours, as it goes over the wire.
pub(crate) fn written(value: &impl Serialize) -> Result<Bytes, ApiError> {
    let written = serde_json::to_vec(value).map_err(|problem| {
        error!(%problem, "a value can't be written");
        ApiError::from(Refusal::internal())
    })?;
    Ok(written.into())
}

/// Reads an answer as what it should be.
pub(crate) fn parsed<T: DeserializeOwned>(answer: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(answer).map_err(|problem| {
        error!(%problem, "an answer of the service can't be read");
        Refusal::internal().into()
    })
}

fn failed(subject: &str, kind: RequestErrorKind) -> ApiError {
    match kind {
        RequestErrorKind::NoResponders => Refusal::unavailable(
            "NATS is there, but no service is running that could answer; `wombat service` starts one.",
            5,
        )
        .into(),
        RequestErrorKind::TimedOut => {
            warn!(subject, "no answer in time");
            ApiError::unavailable("The service didn't answer in time; try again.")
        }
        RequestErrorKind::MaxPayloadExceeded => {
            ApiError::Bare(http::StatusCode::PAYLOAD_TOO_LARGE)
        }
        RequestErrorKind::InvalidSubject | RequestErrorKind::Other => {
            warn!(subject, ?kind, "a request failed");
            ApiError::unavailable("The request didn't reach the service; try again.")
        }
    }
}

fn read_answer(subject: &str, message: Message) -> Result<Bytes, ApiError> {
    let headers = message.headers.unwrap_or_default();
    let Some(code) = headers.get(ERROR_CODE) else {
        return Ok(message.payload);
    };
    if let Ok(body) = serde_json::from_slice::<ErrorBody>(&message.payload) {
        return Err(Refusal::from(body).into());
    }
    // A service of another make, which says it in the headers alone.
    let status = code
        .as_str()
        .parse()
        .ok()
        .and_then(|code: u16| RefusalStatus::try_from(code).ok());
    let words = headers.get(ERROR).map_or("", |words| words.as_str());
    warn!(
        subject,
        code = code.as_str(),
        words,
        "an error without a body"
    );
    Err(match status {
        Some(RefusalStatus::Internal) | None => Refusal::internal().into(),
        Some(RefusalStatus::Unavailable) => ApiError::unavailable(words),
        Some(status) => {
            Refusal::new(status, Problem::general(ProblemCode::Malformed, words)).into()
        }
    })
}
