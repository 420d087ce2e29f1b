//! What a pipeline needs, by asking the server.

use std::path::Path;

use anyhow::{Context, bail};
use reqwest::Method;
use wombat_model::{
    request::RequestBody,
    wire::{PipelineMistake, SelectAnswer, SelectQuestion, Variables},
};

use crate::{client::Server, output::note};

/// The text of a pipeline file.
pub(super) async fn text_of(path: &Path) -> anyhow::Result<String> {
    let bytes = tokio::fs::read(path).await;
    let bytes = bytes.with_context(|| format!("reading {}", path.display()))?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        bail!("{} is UTF-16; save it as UTF-8", path.display());
    }
    String::from_utf8(bytes).with_context(|| format!("{} isn't UTF-8", path.display()))
}

/// The packages that a pipeline needs. All mistakes in it are reported, and all variables that decide and have no value.
pub(super) async fn packages_for(
    server: &Server,
    path: &Path,
    pipeline: String,
    variables: Variables,
    body: &RequestBody,
) -> anyhow::Result<Vec<String>> {
    let request = server.request(Method::POST, "/api/catalog/select");
    let request = if variables.is_empty() && body.modules.is_empty() {
        let mut query = vec![("goos", &body.goos), ("goarch", &body.goarch)];
        query.extend(body.go_version.iter().map(|version| ("goVersion", version)));
        query.extend(body.variant.iter().map(|variant| ("variant", variant)));
        request.query(&query).body(pipeline)
    } else {
        request.json(&SelectQuestion {
            pipeline,
            variables,
            goos: body.goos.clone(),
            goarch: body.goarch.clone(),
            go_version: body.go_version.clone(),
            variant: body.variant.clone(),
            modules: body.modules.clone(),
        })
    };
    let answer: SelectAnswer = server.json(request).await?;
    let warnings = lines(path, &answer.warnings);
    let problems = answer.problems.iter().map(|it| it.message.clone());
    let mut wrong = lines(path, &answer.mistakes);
    wrong.extend(problems);
    let undecided = undecided(&answer);
    if undecided.is_empty() {
        for warning in &warnings {
            note(warning);
        }
    } else {
        wrong.extend(warnings);
        wrong.push(format!(
            "Give values with {undecided}, or with --env-file FILE."
        ));
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    let request = answer.request.context("the server returned no packages")?;
    Ok(request.packages)
}

fn lines(path: &Path, mistakes: &[PipelineMistake]) -> Vec<String> {
    let line = |it: &PipelineMistake| {
        let (line, column) = (it.line, it.column);
        format!("{}:{line}:{column}: {}", path.display(), it.message)
    };
    mistakes.iter().map(line).collect()
}

/// Options that give values to the variables that decide and have none.
fn undecided(answer: &SelectAnswer) -> String {
    let open = answer.variables.iter().filter(|it| {
        let has_value = it.given || it.default.is_some();
        it.decides && !has_value
    });
    let options: Vec<String> = open.map(|it| format!("--env {}=VALUE", it.name)).collect();
    options.join(" ")
}

#[cfg(test)]
mod tests {
    use wombat_model::wire::PipelineVariable;

    use super::*;

    #[test]
    fn options_are_named_for_variables_that_decide() {
        let variable =
            |name: &str, default: Option<&str>, given: bool, decides: bool| PipelineVariable {
                name: name.to_owned(),
                default: default.map(str::to_owned),
                places: Vec::new(),
                given,
                decides,
            };
        let answer = SelectAnswer {
            variables: vec![
                variable("A", None, false, true),
                variable("B", Some(""), false, true),
                variable("C", None, true, true),
                variable("D", None, false, false),
                variable("E", None, false, true),
            ],
            ..SelectAnswer::default()
        };
        assert_eq!(undecided(&answer), "--env A=VALUE --env E=VALUE");
    }

    #[tokio::test]
    async fn files_in_other_encodings_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pipeline.yaml");
        for (bytes, expected) in [
            (b"\xff\xfea\0".as_slice(), "UTF-16"),
            (b"\xe9".as_slice(), "isn't UTF-8"),
        ] {
            tokio::fs::write(&file, bytes).await.unwrap();
            let error = format!("{:#}", text_of(&file).await.unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
        tokio::fs::write(&file, "a: é").await.unwrap();
        assert_eq!(text_of(&file).await.unwrap(), "a: é");
    }
}
