//! Turns a call into a NATS request, and its answer or its absence into a response, within two seconds.

use std::{future::Future, net::IpAddr, time::Duration};

use async_nats::{HeaderMap, Message, Request, RequestErrorKind};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{error, warn};
use wombat_model::{
    Platform, Problem, ProblemCode, Refusal, RefusalStatus,
    names::{CLIENT_HEADER, MAX_BODY},
    wire::{ErrorBody, LintQuestion, LintReply, ListQuestion},
};
use wombat_store::{Connection, StoreError};

use crate::ApiError;

/// How long a service or the store may take.
const ANSWER_LIMIT: Duration = Duration::from_millis(1500);
/// How long a question that changes nothing may take, however often it is put: people are told within two seconds.
const ASK_LIMIT: Duration = Duration::from_millis(1900);
/// How long it is waited for before it is put again: a service may have died with it.
const FIRST_TRY: Duration = Duration::from_millis(1200);
/// Pause before a question is put again.
const ASK_PAUSE: Duration = Duration::from_millis(100);
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
            Err(Cut::Down.told(""))
        }
    }

    /// Puts a question that changes nothing, and gives back the answer as it came. A node of the cluster that dies takes
    /// with it what was on its way, and for a moment a service or this gateway isn't connected: the question is put again.
    pub(crate) async fn ask(
        &self,
        subject: &'static str,
        question: &impl Serialize,
    ) -> Result<Bytes, ApiError> {
        let body = written(question)?;
        let until = Instant::now() + ASK_LIMIT;
        let mut limit = FIRST_TRY;
        loop {
            let cut = match self.put(subject, body.clone(), None, limit).await {
                Ok(message) => return read_answer(subject, message),
                Err(cut) => cut,
            };
            let up = async {
                sleep(ASK_PAUSE).await;
                self.connection.until_up().await;
            };
            if !cut.may_be_mended() || timeout_at(until, up).await.is_err() {
                return Err(cut.told(subject));
            }
            limit = until.duration_since(Instant::now());
        }
    }

    /// Puts a question once, such as one that changes something.
    pub(crate) async fn ask_once(
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
        if body.len() > limit {
            return Err(ApiError::Bare(http::StatusCode::PAYLOAD_TOO_LARGE));
        }
        match self.put(subject, body, client, ANSWER_LIMIT).await {
            Ok(message) => read_answer(subject, message),
            Err(cut) => Err(cut.told(subject)),
        }
    }

    async fn put(
        &self,
        subject: &'static str,
        body: Bytes,
        client: Option<IpAddr>,
        limit: Duration,
    ) -> Result<Message, Cut> {
        let session = self.connection.session();
        if !self.connection.is_up() {
            return Err(Cut::Down);
        }
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
        tokio::select! {
            answer = answer => match answer {
                Ok(Ok(message)) => Ok(message),
                Ok(Err(error)) => Err(Cut::Failed(error.kind())),
                Err(_) => Err(Cut::Failed(RequestErrorKind::TimedOut)),
            },
            () = self.connection.session_ended(session) => Err(Cut::Down),
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
        self.check_is_up()?;
        match timeout(ANSWER_LIMIT, access).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(silent()),
        }
    }

    /// The same where there is more to read, or a leader may have to be elected first: reads anew where the store doesn't
    /// answer, and gives up as soon as no service answers either, as then NATS is away.
    pub(crate) async fn read_long<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        limit: Duration,
        access: impl Fn() -> F,
    ) -> Result<T, ApiError> {
        let reading = async {
            loop {
                match access().await.map_err(ApiError::from) {
                    Err(error) if error.is_unavailable() => sleep(ASK_PAUSE).await,
                    read => return read,
                }
            }
        };
        tokio::select! {
            read = timeout(limit, reading) => read.unwrap_or_else(|_| Err(silent())),
            error = self.unanswered() => Err(error),
        }
    }

    /// Waits until no service answers, which needs no leader for it.
    async fn unanswered(&self) -> ApiError {
        let question = ListQuestion {
            limit: Some(0),
            ..ListQuestion::default()
        };
        loop {
            // Most don't read for so long.
            sleep(ASK_PAUSE).await;
            if let Err(error) = self.ask("build.list", &question).await {
                return error;
            }
            sleep(ANSWER_LIMIT).await;
        }
    }
}

fn silent() -> ApiError {
    ApiError::unavailable("NATS doesn't answer; try again.")
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

/// Why no answer came.
enum Cut {
    /// The connection to NATS is down.
    Down,
    Failed(RequestErrorKind),
}

impl Cut {
    /// Whether it may be otherwise in a moment.
    fn may_be_mended(&self) -> bool {
        match self {
            Self::Down => true,
            Self::Failed(kind) => matches!(
                kind,
                RequestErrorKind::NoResponders | RequestErrorKind::TimedOut
            ),
        }
    }

    fn told(self, subject: &str) -> ApiError {
        match self {
            Self::Down => ApiError::unavailable("The connection to NATS is down; try again."),
            Self::Failed(RequestErrorKind::NoResponders) => Refusal::unavailable(
                "NATS is there, but no service is running that could answer; `wombat service` starts one.",
                5,
            )
            .into(),
            Self::Failed(RequestErrorKind::TimedOut) => {
                warn!(subject, "no answer in time");
                ApiError::unavailable("The service didn't answer in time; try again.")
            }
            Self::Failed(RequestErrorKind::MaxPayloadExceeded) => {
                ApiError::Bare(http::StatusCode::PAYLOAD_TOO_LARGE)
            }
            Self::Failed(
                kind @ (RequestErrorKind::InvalidSubject | RequestErrorKind::Other),
            ) => {
                warn!(subject, ?kind, "a request failed");
                ApiError::unavailable("The request didn't reach the service; try again.")
            }
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
