//! What pipelines need, by asking the server.

use anyhow::{Context, bail};
use reqwest::Method;
use wombat_model::{
    request::RequestBody,
    wire::{PipelineMistake, SelectAnswer, SelectQuestion, Variables},
};

use super::configs::Configs;
use crate::{client::Server, output::note};

/// Most files that are named as left out.
const MOST_LEFT_OUT: usize = 20;

/// The request for what pipelines and the rest of a request need. All mistakes in them are reported, and all variables that
/// decide and have no value.
pub(super) async fn with_needed(
    server: &Server,
    configs: Configs,
    variables: Variables,
    body: RequestBody,
) -> anyhow::Result<RequestBody> {
    for line in left_out(&configs.left_out) {
        note(&line);
    }
    let question = question(configs, variables, &body);
    let request = server.request(Method::POST, "/api/catalog/select");
    let answer: SelectAnswer = server.json(request.json(&question)).await?;
    for line in lines(&answer.notes) {
        note(&line);
    }
    let warnings = lines(&answer.warnings);
    let problems = answer.problems.iter().map(|it| it.message.clone());
    let mut wrong = lines(&answer.mistakes);
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
    let needed = answer.request.context("the server returned no packages")?;
    Ok(RequestBody {
        packages: needed.packages,
        components: needed.components,
        modules: needed.modules,
        ..body
    })
}

fn question(configs: Configs, variables: Variables, body: &RequestBody) -> SelectQuestion {
    SelectQuestion {
        pipeline: String::new(),
        files: configs.files.into_iter().collect(),
        packages: body.packages.clone(),
        components: body.components.clone(),
        modules: body.modules.clone(),
        variables,
        goos: body.goos.clone(),
        goarch: body.goarch.clone(),
        go_version: body.go_version.clone(),
        variant: body.variant.clone(),
    }
}

fn left_out(files: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = files
        .iter()
        .take(MOST_LEFT_OUT)
        .map(|file| format!("not read: {file}"))
        .collect();
    if files.len() > MOST_LEFT_OUT {
        lines.push(format!("not read: {} more", files.len() - MOST_LEFT_OUT));
    }
    lines
}

fn lines(mistakes: &[PipelineMistake]) -> Vec<String> {
    let line = |it: &PipelineMistake| {
        let (line, column) = (it.line, it.column);
        let file = it.file.as_deref().unwrap_or_default();
        format!("{file}:{line}:{column}: {}", it.message)
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

    #[test]
    fn files_have_names_and_the_rest_of_the_request_goes_with_them() {
        let body = RequestBody {
            goos: "linux".to_owned(),
            packages: vec!["example.com/me/reverse@v1.0.0".to_owned()],
            components: vec!["nats".to_owned()],
            ..RequestBody::default()
        };
        let files = [("a.yaml", "x"), ("-", "y")];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let configs = Configs {
            files: files.into_iter().collect(),
            left_out: Vec::new(),
        };
        let question = question(configs, Variables::default(), &body);
        let files: Vec<_> = question.files.iter().collect();
        assert_eq!(files, [("-", "y"), ("a.yaml", "x")]);
        assert_eq!(question.pipeline, "");
        assert_eq!(question.packages, body.packages);
        assert_eq!(question.components, body.components);
    }

    #[test]
    fn lines_name_the_file() {
        let mistake = PipelineMistake {
            file: Some("b.yaml".to_owned()),
            line: 2,
            column: 3,
            message: "No.".to_owned(),
        };
        assert_eq!(lines(&[mistake]), ["b.yaml:2:3: No."]);
    }

    #[test]
    fn many_files_that_are_left_out_are_counted() {
        let files: Vec<String> = (0..23).map(|it| format!("{it}.md: no")).collect();
        let lines = left_out(&files);
        assert_eq!(lines.len(), 21);
        assert_eq!(lines[20], "not read: 3 more");
        assert_eq!(left_out(&files[..1]), ["not read: 0.md: no"]);
    }
}
