//! Why a request is refused, and with which numeric code.

use serde::{Deserialize, Serialize};
use strum::{FromRepr, VariantArray};

use crate::{BlocklistHit, Problem, ProblemCode};

/// The numeric code of a refusal: the same number in `Nats-Service-Error-Code` and as the HTTP status.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, FromRepr, VariantArray,
)]
#[repr(u16)]
#[serde(try_from = "u16", into = "u16")]
pub enum RefusalStatus {
    /// The request doesn't parse.
    BadRequest = 400,
    /// A token is needed.
    Unauthorized = 401,
    /// The client isn't allowed to do this.
    Forbidden = 403,
    /// Not found.
    NotFound = 404,
    /// The build's state doesn't allow this.
    Conflict = 409,
    /// Removed.
    Gone = 410,
    /// Too large.
    TooLarge = 413,
    /// The request parses, but can't be built.
    Unprocessable = 422,
    /// Too many requests.
    TooMany = 429,
    /// The operator blocks a module of the binary.
    Blocked = 451,
    /// A fault in Wombat Builder.
    Internal = 500,
    /// Try again later.
    Unavailable = 503,
}

impl RefusalStatus {
    /// The number.
    pub const fn code(self) -> u16 {
        self as u16
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
        Self::from_repr(code).ok_or_else(|| format!("{code} isn't an error code"))
    }
}

impl schemars::JsonSchema for RefusalStatus {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RefusalStatus".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let codes: Vec<u16> = Self::VARIANTS.iter().map(|status| status.code()).collect();
        schemars::json_schema!({ "type": "integer", "enum": codes })
    }
}

/// Why a request is refused; the body of every error over NATS, and part of every problem document.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, thiserror::Error,
)]
#[error("{}", self.summary())]
pub struct Refusal {
    /// The numeric code.
    pub status: RefusalStatus,
    /// Everything that is wrong, at least one.
    pub problems: Vec<Problem>,
    /// Seconds after which a retry may help.
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

    /// A refusal for every problem found: 400 if any is in the form of the request, else 422.
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

    /// The binary of a build has a module that the operator blocks.
    pub fn blocked(hit: &BlocklistHit) -> Self {
        let message = format!("The binary has a module that the operator blocks: {hit}.");
        Self::new(
            RefusalStatus::Blocked,
            Problem::general(ProblemCode::ModuleBlocked, message),
        )
    }

    /// There is nothing of that name.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(
            RefusalStatus::NotFound,
            Problem::general(ProblemCode::NotFound, message),
        )
    }

    /// A field, or the whole body, is larger than it may be.
    pub fn too_large(field: Option<&str>, message: impl Into<String>) -> Self {
        let problem = Problem {
            code: ProblemCode::TooMany,
            field: field.map(str::to_owned),
            message: message.into(),
        };
        Self::new(RefusalStatus::TooLarge, problem)
    }

    /// NATS or a service is unavailable.
    pub fn unavailable(message: impl Into<String>, retry_after: u64) -> Self {
        Self {
            status: RefusalStatus::Unavailable,
            problems: vec![Problem::general(ProblemCode::Unavailable, message)],
            retry_after: Some(retry_after),
        }
    }

    /// The stored value can't be read.
    pub fn damaged(name: &str, problem: &str) -> Self {
        let build = name.split('/').next().unwrap_or(name);
        let message = format!(
            "The stored value of `{name}` can't be read: {problem}. A new request for the build takes its place, unless a \
             newer version wrote it; an operator can remove it (`wombat purge {build}`) or force a rebuild. `wombat doctor` \
             lists all unreadable values."
        );
        Self::new(
            RefusalStatus::Conflict,
            Problem::field(ProblemCode::Damaged, "id", message),
        )
    }

    /// A fault in Wombat Builder; details go to the log, not to the client.
    pub fn internal() -> Self {
        Self::new(
            RefusalStatus::Internal,
            Problem::general(
                ProblemCode::Internal,
                "Internal error; the log of Wombat Builder has the details.",
            ),
        )
    }

    /// All messages in one line.
    pub fn summary(&self) -> String {
        Problem::summary(&self.problems)
    }
}
