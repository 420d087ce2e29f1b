//! What is wrong with a request: one list of problems for every way in, and the numeric code of the answer.

use serde::{Deserialize, Serialize};

/// Stable name of a kind of problem; programs may branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The body isn't JSON, or isn't an object.
    Malformed,
    /// A field that doesn't exist.
    UnknownField,
    /// A field that has to be there.
    MissingField,
    /// A value of the wrong JSON type.
    WrongType,
    /// A text that isn't what the field holds: not an import path, not a version …
    InvalidValue,
    /// The platform isn't served, or the operator doesn't offer it.
    UnsupportedPlatform,
    /// The Go release isn't offered for these modules.
    UnsupportedGoVersion,
    /// More than fits into one request.
    TooMany,
    /// No such component in the catalog.
    UnknownComponent,
    /// No such package in the release.
    UnknownPackage,
    /// No module is known for a package.
    UnknownModule,
    /// The catalog has no such release.
    UnknownVersion,
    /// A module that no package uses.
    UnusedModule,
    /// Two modules need different versions of a third.
    VersionConflict,
    /// The package compiles to nothing for this target.
    EmptyOnPlatform,
    /// The operator hasn't accepted the licence.
    LicenceRefused,
    /// The operator lets nobody build this module here.
    ModuleRefused,
    /// The query can't be read.
    InvalidQuery,
    /// No build, log or artifact of this name.
    NotFound,
    /// The build isn't in a state in which this can be done.
    WrongState,
    /// What is stored under this name can't be read.
    Damaged,
    /// The build failed, so there is no binary.
    BuildFailed,
    /// The binary was removed by retention.
    Expired,
    /// A token is needed.
    Unauthorized,
    /// This isn't allowed.
    Forbidden,
    /// This can't be done with such a thing at all.
    MethodNotAllowed,
    /// The request didn't arrive, or wasn't answered, in time.
    TimedOut,
    /// Too many requests, or too long a queue.
    TooBusy,
    /// NATS or a service is away.
    Unavailable,
    /// Our fault.
    Internal,
}

impl ProblemCode {
    /// As it is spelled on the wire.
    pub fn as_str(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Problem {
    /// Its kind.
    pub code: ProblemCode,
    /// The field of the request, as `packages[2]` or `modules.<path>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong and what to do, for people.
    pub message: String,
}

impl Problem {
    /// A problem with one field.
    pub fn field(code: ProblemCode, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            field: Some(field.into()),
            message: message.into(),
        }
    }

    /// A problem with the request as a whole.
    pub fn general(code: ProblemCode, message: impl Into<String>) -> Self {
        Self {
            code,
            field: None,
            message: message.into(),
        }
    }
}

/// The numeric code of a refusal: the same number in `Nats-Service-Error-Code` and as the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum RefusalStatus {
    /// 400: it doesn't parse.
    BadRequest,
    /// 401: who are you?
    Unauthorized,
    /// 403: not you.
    Forbidden,
    /// 404: there is none.
    NotFound,
    /// 409: not in this state.
    Conflict,
    /// 410: there was one.
    Gone,
    /// 413: too large.
    TooLarge,
    /// 422: it parses but can't be built.
    Unprocessable,
    /// 429: slow down.
    TooMany,
    /// 500: our fault.
    Internal,
    /// 503: come back later.
    Unavailable,
}

impl RefusalStatus {
    const ALL: &[Self] = &[
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Gone,
        Self::TooLarge,
        Self::Unprocessable,
        Self::TooMany,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The number.
    pub const fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Gone => 410,
            Self::TooLarge => 413,
            Self::Unprocessable => 422,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

impl From<RefusalStatus> for u16 {
    fn from(status: RefusalStatus) -> Self {
        status.code()
    }
}

impl TryFrom<u16> for RefusalStatus {
    type Error = String;

    fn try_from(code: u16) -> Result<Self, Self::Error> {
        Self::ALL
            .iter()
            .copied()
            .find(|status| status.code() == code)
            .ok_or_else(|| format!("{code} isn't an error code"))
    }
}

impl schemars::JsonSchema for RefusalStatus {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RefusalStatus".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let codes: Vec<u16> = Self::ALL.iter().map(|status| status.code()).collect();
        schemars::json_schema!({ "type": "integer", "enum": codes })
    }
}

/// Why a request wasn't done; the body of every error over NATS, and the heart of every problem document.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, thiserror::Error,
)]
#[error("{}", self.summary())]
pub struct Refusal {
    /// The numeric code.
    pub status: RefusalStatus,
    /// Everything that is wrong, at least one.
    pub problems: Vec<Problem>,
    /// Seconds after which asking again may help.
    #[serde(
        default,
        rename = "retryAfter",
        skip_serializing_if = "Option::is_none"
    )]
    pub retry_after: Option<u64>,
}

impl Refusal {
    /// A refusal for one reason.
    pub fn new(status: RefusalStatus, problem: Problem) -> Self {
        Self {
            status,
            problems: vec![problem],
            retry_after: None,
        }
    }

    /// A refusal for every problem found: 400 if any lies in the form of the request, else 422.
    pub fn of_request(problems: Vec<Problem>) -> Self {
        let malformed = problems.iter().any(|problem| {
            matches!(
                problem.code,
                ProblemCode::Malformed
                    | ProblemCode::UnknownField
                    | ProblemCode::MissingField
                    | ProblemCode::WrongType
            )
        });
        let status = if malformed {
            RefusalStatus::BadRequest
        } else {
            RefusalStatus::Unprocessable
        };
        Self {
            status,
            problems,
            retry_after: None,
        }
    }

    /// Nothing of that name.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(
            RefusalStatus::NotFound,
            Problem::general(ProblemCode::NotFound, message),
        )
    }

    /// Something that we need is away.
    pub fn unavailable(message: impl Into<String>, retry_after: u64) -> Self {
        Self {
            status: RefusalStatus::Unavailable,
            problems: vec![Problem::general(ProblemCode::Unavailable, message)],
            retry_after: Some(retry_after),
        }
    }

    /// What is stored under this name can't be read.
    pub fn damaged(name: &str, problem: &str) -> Self {
        let build = name.split('/').next().unwrap_or(name);
        let message = format!(
            "What is stored as `{name}` can't be read: {problem}. An operator can remove it (`wombat purge {build}`) or \
             have it made anew by force; `wombat doctor` lists what can't be read."
        );
        Self::new(
            RefusalStatus::Conflict,
            Problem::field(ProblemCode::Damaged, "id", message),
        )
    }

    /// Our fault; details belong into our log, not here.
    pub fn internal() -> Self {
        Self::new(
            RefusalStatus::Internal,
            Problem::general(
                ProblemCode::Internal,
                "Something went wrong on our side; the log of the service says what.",
            ),
        )
    }

    /// All messages in one line.
    pub fn summary(&self) -> String {
        let messages: Vec<&str> = self
            .problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        messages.join("; ")
    }
}
