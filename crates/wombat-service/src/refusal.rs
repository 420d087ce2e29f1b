//! Internal failures as refusals: what a client may know, and when to retry.

use tracing::{error, warn};
use wombat_model::{Problem, ProblemCode, Refusal, RefusalStatus};
use wombat_store::StoreError;

use crate::endpoints::Endpoint;

/// Seconds after which NATS may be back.
const RETRY_AFTER: u64 = 5;
/// Seconds after which a full bucket may have room again: the janitor checks it every few seconds.
const RETRY_WHEN_FULL: u64 = 30;
/// Seconds after which an operator may have written the blocklist.
const RETRY_WITHOUT_BLOCKLIST: u64 = 30;

/// A failed access as a refusal. Internal details go to the log, not to the client.
pub(crate) fn of_store(failure: &StoreError) -> Refusal {
    match failure {
        StoreError::Unavailable(_) => {
            warn!(%failure, "a request was refused");
            away()
        }
        StoreError::Full(_) => {
            error!(%failure, "a request was refused: a bucket is full; raise its limit");
            Refusal::unavailable(
                "The storage is full: new builds are refused until there is room; accepted builds go on.",
                RETRY_WHEN_FULL,
            )
        }
        StoreError::Corrupt { name, problem } => {
            error!(%failure, "a request found a damaged record");
            Refusal::damaged(name, problem)
        }
        StoreError::Lost(_) => {
            warn!(%failure, "a request was refused");
            away()
        }
        StoreError::Missing(_)
        | StoreError::Unfinished(_)
        | StoreError::NoJetStream(_)
        | StoreError::File(_)
        | StoreError::Denied(_)
        | StoreError::Refused(_) => {
            error!(%failure, "a request failed");
            Refusal::internal()
        }
    }
}

/// Whether the catalog lacks what a request names.
pub(crate) fn is_of_catalog(endpoint: Endpoint, refusal: &Refusal) -> bool {
    let is_unknown = |problem: &Problem| {
        matches!(
            problem.code,
            ProblemCode::UnknownComponent
                | ProblemCode::UnknownPackage
                | ProblemCode::UnknownModule
                | ProblemCode::UnknownVersion
                | ProblemCode::VersionRefused
        ) || (endpoint == Endpoint::Component && problem.code == ProblemCode::NotFound)
    };
    refusal.problems.iter().any(is_unknown)
}

/// NATS doesn't answer.
pub(crate) fn away() -> Refusal {
    Refusal::unavailable(
        "The storage doesn't answer right now; try again in a moment.",
        RETRY_AFTER,
    )
}

/// The blocklist can't be read: anything might be blocked.
pub(crate) fn without_blocklist() -> Refusal {
    Refusal::unavailable(
        "The operator's blocklist can't be read, so no build is accepted until the operator has written it anew.",
        RETRY_WITHOUT_BLOCKLIST,
    )
}

/// The index is still reading the records.
pub(crate) fn catching_up() -> Refusal {
    Refusal::unavailable(
        "The list of builds is still loading; try again in a moment.",
        1,
    )
}

/// A request that can't be parsed.
pub(crate) fn of_question(failure: &serde_json::Error) -> Refusal {
    use serde_json::error::Category;

    let text = failure.to_string();
    let is_of_variables = text.starts_with("`variables") || text.starts_with("`files");
    let code = match failure.classify() {
        Category::Io | Category::Syntax | Category::Eof => ProblemCode::Malformed,
        Category::Data if text.starts_with("unknown field") => ProblemCode::UnknownField,
        Category::Data if text.starts_with("missing field") => ProblemCode::MissingField,
        Category::Data if text.starts_with("invalid type") => ProblemCode::WrongType,
        Category::Data if is_of_variables => ProblemCode::WrongType,
        Category::Data => ProblemCode::InvalidValue,
    };
    // Serde puts the name in backticks if it knows it.
    let named =
        is_of_variables || matches!(code, ProblemCode::UnknownField | ProblemCode::MissingField);
    let field = named
        .then(|| text.split('`').nth(1).map(str::to_owned))
        .flatten();
    let problem = Problem {
        code,
        field,
        message: format!("The request can't be read: {text}."),
    };
    Refusal::new(RefusalStatus::BadRequest, problem)
}

#[cfg(test)]
mod tests {
    use wombat_model::wire::{IdQuestion, ListQuestion, SelectQuestion};

    use super::*;

    #[test]
    fn a_malformed_question_says_where() {
        let refuse =
            |text: &str| of_question(&serde_json::from_str::<IdQuestion>(text).unwrap_err());
        for (text, code, field) in [
            ("{", ProblemCode::Malformed, None),
            ("{}", ProblemCode::MissingField, Some("id")),
            (r#"{"id": 7}"#, ProblemCode::WrongType, None),
            (r#"{"id": "x"}"#, ProblemCode::InvalidValue, None),
        ] {
            let refusal = refuse(text);
            assert_eq!(refusal.status, RefusalStatus::BadRequest);
            assert_eq!(refusal.problems[0].code, code, "{text}");
            assert_eq!(refusal.problems[0].field.as_deref(), field, "{text}");
        }
        let unknown = serde_json::from_str::<ListQuestion>(r#"{"size": 1}"#).unwrap_err();
        assert_eq!(
            of_question(&unknown).problems[0].field.as_deref(),
            Some("size")
        );
    }

    #[test]
    fn a_wrong_value_of_a_variable_is_named_and_not_shown() {
        for (variables, field) in [
            (r#""hunter2""#, "variables"),
            (r#"{"A": 4815}"#, "variables.A"),
            (r#"{"A": ["hunter2"]}"#, "variables.A"),
        ] {
            let text = format!(r#"{{"pipeline": "a", "variables": {variables}}}"#);
            let refusal = of_question(&serde_json::from_str::<SelectQuestion>(&text).unwrap_err());
            let problem = &refusal.problems[0];
            assert_eq!(problem.code, ProblemCode::WrongType, "{text}");
            assert_eq!(problem.field.as_deref(), Some(field), "{text}");
            let message = &problem.message;
            assert!(
                !message.contains("hunter2") && !message.contains("4815"),
                "{message}"
            );
        }
    }

    #[test]
    fn callers_learn_when_to_come_back_and_nothing_else() {
        let away = of_store(&StoreError::Unavailable("10.0.0.7 timed out".into()));
        assert_eq!(away.status, RefusalStatus::Unavailable);
        assert!(away.retry_after.is_some() && !away.summary().contains("10.0.0.7"));
        let full = of_store(&StoreError::Full("10077".into()));
        assert!(full.summary().contains("full") && full.retry_after.is_some());
        let corrupt = of_store(&StoreError::Refused("secret".into()));
        assert_eq!(corrupt.status, RefusalStatus::Internal);
        assert!(!corrupt.summary().contains("secret"));
    }
}
