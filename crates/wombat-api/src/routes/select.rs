//! `POST /api/catalog/select`: what a pipeline needs.

use axum::{extract::State, response::Response};
use bytes::Bytes;
use http::Uri;
use serde_json::{Map, Value};
use wombat_model::{Problem, ProblemCode, Refusal, names::MAX_BODY};

use super::service_answer::json;
use crate::{ApiError, body::TextBody, params::Params, state::AppState};

/// The body is the pipeline as it is, or a question as JSON, whose fields may also be in the query.
pub(super) async fn select(
    State(state): State<AppState>,
    uri: Uri,
    body: TextBody,
) -> Result<Response, ApiError> {
    let mut params = Params::of(&uri);
    let target = ["goos", "goarch", "goVersion", "variant"].map(|name| {
        params
            .text(name)
            .map(|value| (name.to_owned(), value.into()))
    });
    params.finish()?;
    let mut question = match body {
        TextBody::Plain(body) => {
            let pipeline = pipeline_of(body)?;
            Map::from_iter([("pipeline".to_owned(), pipeline.into())])
        }
        TextBody::Json(body) => checked(question_of(&body)?)?,
    };
    fill(&mut question, target.into_iter().flatten())?;
    let answer = state.gateway.ask_with_text("catalog.select", &question);
    Ok(json(answer.await?))
}

/// Adds fields of the query. Those that the body has, too, must say the same.
fn fill(
    question: &mut Map<String, Value>,
    target: impl Iterator<Item = (String, Value)>,
) -> Result<(), Refusal> {
    for (name, value) in target {
        let known = question.entry(&name).or_insert_with(|| value.clone());
        if *known != value {
            let message = format!("The query says {value}, and the body {known}; leave one out.");
            let problem = Problem::field(ProblemCode::InvalidValue, name, message);
            return Err(Refusal::of_request(vec![problem]));
        }
    }
    Ok(())
}

/// The text of a body that is a pipeline.
pub(super) fn pipeline_of(body: Bytes) -> Result<String, Refusal> {
    let is_utf_16 = body.starts_with(&[0xff, 0xfe]) || body.starts_with(&[0xfe, 0xff]);
    String::from_utf8(body.into()).map_err(|_| {
        let message = if is_utf_16 {
            "The body is UTF-16; save the pipeline as UTF-8."
        } else {
            "The body isn't UTF-8 text; send the YAML of a pipeline as it is."
        };
        malformed("pipeline", message)
    })
}

/// The fields of a question. The errors of the JSON parser would repeat values of variables.
fn question_of(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let message = format!(
            "The body isn't a JSON object such as `{{\"pipeline\": \"…\", \"variables\": {{\"NAME\": \"value\"}}}}`: line {}, column {}. Send YAML as it is with `Content-Type: application/yaml`.",
            error.line(),
            error.column()
        );
        malformed("pipeline", &message)
    })
}

/// A pipeline is as long as one that is sent as it is.
fn checked(question: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let pipeline = question.get("pipeline").and_then(Value::as_str);
    let length = pipeline.map_or(0, str::len);
    if length <= MAX_BODY {
        return Ok(question);
    }
    let message = format!("`pipeline` has {length} bytes; shorten it to {MAX_BODY}.");
    let problem = Problem::field(ProblemCode::TooMany, "pipeline", message);
    Err(Refusal::of_request(vec![problem]))
}

fn malformed(field: &str, message: &str) -> Refusal {
    Refusal::of_request(vec![Problem::field(ProblemCode::Malformed, field, message)])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(refused: Refusal) -> String {
        refused.problems.into_iter().map(|it| it.message).collect()
    }

    #[test]
    fn other_encodings_are_named() {
        assert_eq!(pipeline_of("é: 1".into()).unwrap(), "é: 1");
        for bytes in [b"\xff\xfea\0", b"\xfe\xff\0a"] {
            let refused = pipeline_of(Bytes::from_static(bytes)).unwrap_err();
            assert!(message(refused).contains("UTF-16"));
        }
        let refused = pipeline_of(Bytes::from_static(b"\xe9: 1")).unwrap_err();
        assert!(message(refused).contains("isn't UTF-8"));
    }

    #[test]
    fn a_pipeline_in_json_is_as_long_as_a_plain_one() {
        let question =
            |length: usize| Map::from_iter([("pipeline".to_owned(), "x".repeat(length).into())]);
        assert!(checked(question(MAX_BODY)).is_ok());
        let refused = checked(question(MAX_BODY + 1)).unwrap_err();
        assert_eq!(refused.problems[0].field.as_deref(), Some("pipeline"));
    }

    #[test]
    fn the_query_and_the_body_may_not_differ() {
        let filled = |body: Value, goos: &str| {
            let Value::Object(mut question) = body else {
                panic!("{body}");
            };
            let target = [("goos".to_owned(), goos.into())];
            fill(&mut question, target.into_iter()).map(|()| question)
        };
        assert_eq!(filled(json!({}), "linux").unwrap()["goos"], "linux");
        assert!(filled(json!({"goos": "linux"}), "linux").is_ok());
        for body in [
            json!({"goos": "darwin"}),
            json!({"goos": {}}),
            json!({"goos": null}),
        ] {
            let refused = filled(body, "linux").unwrap_err();
            assert_eq!(refused.problems[0].field.as_deref(), Some("goos"));
        }
    }

    #[test]
    fn no_value_is_repeated() {
        assert!(
            question_of(b"{\"pipeline\": \"a\"}")
                .unwrap()
                .contains_key("pipeline")
        );
        for body in [
            "\"hunter2\"",
            "{\"variables\": {\"A\": \"hunter2\"",
            "[\"hunter2\"]",
        ] {
            let message = message(question_of(body.as_bytes()).unwrap_err());
            assert!(message.contains("JSON object") && !message.contains("hunter2"));
        }
    }
}
