//! The body of every error over NATS, since headers alone are easily overlooked.

use serde::{Deserialize, Serialize};

use crate::{Problem, Refusal, RefusalStatus};

/// An error of a micro service; its headers say the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorJson,
}

/// A refusal as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorJson {
    /// The number that is in `Nats-Service-Error-Code` too.
    pub code: RefusalStatus,
    /// All messages in one line, as in `Nats-Service-Error`.
    pub message: String,
    /// Field of the first problem, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Everything that is wrong, at least one.
    pub problems: Vec<Problem>,
    /// Seconds after which a retry may help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl From<Refusal> for ErrorBody {
    fn from(refusal: Refusal) -> Self {
        Self {
            error: ErrorJson {
                code: refusal.status,
                message: refusal.summary(),
                field: refusal
                    .problems
                    .first()
                    .and_then(|problem| problem.field.clone()),
                problems: refusal.problems,
                retry_after: refusal.retry_after,
            },
        }
    }
}

impl From<ErrorBody> for Refusal {
    fn from(body: ErrorBody) -> Self {
        Self {
            status: body.error.code,
            problems: body.error.problems,
            retry_after: body.error.retry_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProblemCode;

    #[test]
    fn a_refusal_comes_back_whole() {
        let refusal = Refusal {
            retry_after: Some(3),
            ..Refusal::of_request(vec![Problem::field(
                ProblemCode::UnknownPackage,
                "packages[0]",
                "no",
            )])
        };
        let body = serde_json::to_value(ErrorBody::from(refusal.clone())).unwrap();
        assert_eq!(body["error"]["code"], 422);
        assert_eq!(body["error"]["field"], "packages[0]");
        let body: ErrorBody = serde_json::from_value(body).unwrap();
        assert_eq!(Refusal::from(body), refusal);
    }
}
