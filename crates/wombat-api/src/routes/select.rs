//! `POST /api/catalog/select`: what pipelines need.

use axum::{extract::State, response::Response};
use bytes::Bytes;
use http::Uri;
use serde_json::{Map, Value};
use wombat_model::{
    Problem, ProblemCode, Refusal,
    wire::{PipelineFiles, SelectQuestion},
};

use super::service_answer::json;
use crate::{
    ApiError,
    body::PipelinesBody,
    form::{self, Part},
    params::Params,
    state::AppState,
};

/// Characters of a name that are shown.
const SHOWN: usize = 64;
/// Fields of a question that a form and the query may have.
const TARGET: [&str; 4] = ["goos", "goarch", "goVersion", "variant"];

/// The body is the pipeline as it is, a question as JSON, or a form with files. The target may also be in the query.
pub(super) async fn select(
    State(state): State<AppState>,
    uri: Uri,
    body: PipelinesBody,
) -> Result<Response, ApiError> {
    let mut params = Params::of(&uri);
    let target = TARGET.map(|name| {
        params
            .text(name)
            .map(|value| (name.to_owned(), value.into()))
    });
    params.finish()?;
    let mut question = match body {
        PipelinesBody::Plain(body) => {
            let pipeline = text_of(body, "pipeline")?;
            Map::from_iter([("pipeline".to_owned(), pipeline.into())])
        }
        PipelinesBody::Json(body) => question_of(&body)?,
        PipelinesBody::Form { body, boundary } => question_of_form(form::parts(&body, &boundary)?)?,
    };
    check_size(&question)?;
    fill(&mut question, target.into_iter().flatten())?;
    let answer = state
        .gateway
        .ask_with_pipelines("catalog.select", &question);
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

/// The text of a body or a file.
pub(super) fn text_of(body: Bytes, field: &str) -> Result<String, Refusal> {
    let is_utf_16 = body.starts_with(&[0xff, 0xfe]) || body.starts_with(&[0xfe, 0xff]);
    String::from_utf8(body.into()).map_err(|_| {
        let what = if field == "pipeline" {
            "The body".to_owned()
        } else {
            format!("`{field}`")
        };
        let message = if is_utf_16 {
            format!("{what} is UTF-16; save the pipeline as UTF-8.")
        } else {
            format!("{what} isn't UTF-8 text; send the YAML of a pipeline as it is.")
        };
        malformed(field, &message)
    })
}

/// A question, whose files have one name each.
#[derive(serde::Deserialize)]
struct JsonQuestion {
    #[serde(default)]
    files: PipelineFiles,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// The fields of a question. The errors of the JSON parser would repeat values of variables.
fn question_of(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let question: JsonQuestion = serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        if text.starts_with("`files") {
            let field = text.split('`').nth(1).unwrap_or("files").to_owned();
            return malformed(&field, &format!("{text}."));
        }
        let message = format!(
            "The body isn't a JSON object such as `{{\"pipeline\": \"…\", \"variables\": {{\"NAME\": \"value\"}}}}`: line {}, column {}. Send YAML as it is with `Content-Type: application/yaml`.",
            error.line(),
            error.column()
        );
        malformed("pipeline", &message)
    })?;
    let mut fields = question.others;
    if !question.files.is_empty() {
        let files = question.files.iter();
        let files: Map<String, Value> = files
            .map(|(name, text)| (name.to_owned(), text.into()))
            .collect();
        fields.insert("files".to_owned(), files.into());
    }
    Ok(fields)
}

/// Files of a form, and fields beside them: those of a question, `variables.NAME` and `modules.PATH`.
fn question_of_form(parts: Vec<Part>) -> Result<Map<String, Value>, Refusal> {
    let mut question = Map::new();
    let mut files = Map::new();
    let mut variables = Map::new();
    let mut modules = Map::new();
    for part in parts {
        let Part {
            name,
            file,
            content,
        } = part;
        if let Some(file) = file {
            let short: String = file.chars().take(SHOWN).collect();
            let field = format!("files.{}", short.escape_debug());
            let text = text_of(content, &field)?;
            if files.insert(file, text.into()).is_some() {
                let message = format!(
                    "`{field}` is there twice: give files names of their own, as in `curl -F 'file=@a/b.yaml;filename=a/b.yaml'`."
                );
                return Err(malformed(&field, &message));
            }
            continue;
        }
        let short: String = name.chars().take(SHOWN).collect();
        let short = short.escape_debug().to_string();
        let once = |before: Option<Value>| match before {
            None => Ok(()),
            Some(_) => Err(malformed(
                &short,
                &format!("`{short}` is there twice; send it once."),
            )),
        };
        let text = text_of(content, &name)?;
        if let Some(variable) = name.strip_prefix("variables.") {
            once(variables.insert(variable.to_owned(), text.into()))?;
        } else if let Some(module) = name.strip_prefix("modules.") {
            once(modules.insert(module.to_owned(), text.into()))?;
        } else if name == "packages" || name == "components" {
            let list = question
                .entry(name)
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(items) = list {
                items.push(text.into());
            }
        } else if name == "pipeline" || TARGET.contains(&name.as_str()) {
            once(question.insert(name, text.into()))?;
        } else {
            let problem = Problem::field(
                ProblemCode::UnknownField,
                short.as_str(),
                format!(
                    "A form has no field `{short}`: send files (`curl -F file=@pipeline.yaml`), `pipeline`, `goos`, `goarch`, `goVersion`, `variant`, `packages`, `components`, `modules.PATH` and `variables.NAME`."
                ),
            );
            return Err(Refusal::of_request(vec![problem]));
        }
    }
    for (name, fields) in [
        ("files", files),
        ("variables", variables),
        ("modules", modules),
    ] {
        if !fields.is_empty() {
            question.insert(name.to_owned(), fields.into());
        }
    }
    Ok(question)
}

/// Refuses more text than the service takes, before it is sent.
fn check_size(question: &Map<String, Value>) -> Result<(), Refusal> {
    let length = |value: &Value| value.as_str().map_or(0, str::len);
    let pipeline = question.get("pipeline").map_or(0, length);
    let files = question.get("files").and_then(Value::as_object);
    let size = files.map_or(0, |files| files.values().map(length).sum());
    SelectQuestion::check_texts(pipeline + size, files.map_or(0, Map::len))
}

fn malformed(field: &str, message: &str) -> Refusal {
    Refusal::of_request(vec![Problem::field(ProblemCode::Malformed, field, message)])
}

#[cfg(test)]
mod tests;
