//! From a pipeline to the packages that it needs. Neither the pipeline nor the values of its variables are stored.
//!
//! *variables*: replaced before YAML is read · *text*: places in what was sent · *document*: YAML as a tree · *reading*:
//! YAML with unknown variables · *walk*: the components in it · *mapping*: the functions and methods in a mapping ·
//! *rules*: packages that no component names · *pipeline*: all of this · *built*: by the schemas of which releases. Which packages bring the components is resolved as for any request.

mod built;
mod document;
mod mapping;
mod pipeline;
mod reading;
mod rules;
#[cfg(test)]
mod tests;
mod text;
mod variables;
mod walk;

use std::collections::BTreeSet;

use wombat_model::{
    Problem, ProblemCode, Refusal,
    request::{BuildRequest, RequestBody},
    wire::{FoundComponent, PipelineMistake, SelectAnswer, SelectQuestion},
};

use crate::{
    catalog::{BENTHOS, Schemas, Snapshot},
    resolve::{Policy, resolve},
};
use pipeline::Pipeline;
use walk::{Found, Mistake};

/// The module that rules are about.
const CONNECT: &str = "github.com/redpanda-data/connect/v4";

/// Finds what a pipeline needs. A pipeline with mistakes is answered too: with the mistakes, and with what it needs as
/// far as is known. `schemas` are those of the default releases: the answer is by those of the releases that are built.
pub(crate) fn select(
    question: &SelectQuestion,
    catalog: &Snapshot,
    schemas: &Schemas,
    policy: &Policy,
) -> Result<SelectAnswer, Refusal> {
    built::by_own_schemas(&question.modules, catalog, schemas, |schemas| {
        select_by(question, catalog, schemas, policy)
    })
}

/// The same by these schemas, whatever is built.
fn select_by(
    question: &SelectQuestion,
    catalog: &Snapshot,
    schemas: &Schemas,
    policy: &Policy,
) -> Result<SelectAnswer, Refusal> {
    let mut problems = question.variables.problems();
    if question.pipeline.trim().is_empty() {
        problems.push(Problem::field(
            ProblemCode::InvalidValue,
            "pipeline",
            "`pipeline` is empty; send the YAML of a pipeline.",
        ));
    }
    if !problems.is_empty() {
        return Err(Refusal::of_request(problems));
    }
    let Pipeline {
        found,
        variables,
        is_readable,
    } = Pipeline::read(&question.pipeline, &question.variables, schemas);
    let components = found
        .components
        .iter()
        .map(|(component, at)| FoundComponent {
            component: component.clone(),
            line: at.line,
            column: at.column,
            base: schemas.is_base(component),
        });
    let mut answer = SelectAnswer {
        components: components.collect(),
        mistakes: shown(&found.mistakes),
        warnings: shown(&found.warnings),
        variables,
        ..SelectAnswer::default()
    };
    if !is_readable {
        return Ok(answer);
    }
    let body = body(question, &found, schemas);
    let request = BuildRequest::from_json(&serde_json::to_vec(&body).unwrap_or_default())?;
    match resolve(&request, catalog, policy) {
        Ok(resolved) => {
            let picked = resolved.answer.packages.iter().filter(|it| !it.base);
            let asked = body.packages.clone();
            let mut exact = RequestBody {
                packages: picked.map(|it| it.url.to_string()).collect(),
                components: Vec::new(),
                ..body
            };
            if exact.packages.is_empty() {
                exact.packages = asked;
            }
            answer.request = Some(exact);
            answer.resolution = Some(resolved.answer);
        }
        Err(refusal) => answer.problems = refusal.problems,
    }
    Ok(answer)
}

/// A request for the components that were found.
fn body(question: &SelectQuestion, found: &Found, schemas: &Schemas) -> RequestBody {
    let mut packages: Vec<String> = found
        .rules
        .keys()
        .map(|rule| format!("{CONNECT}/public/components/{}", rule.package))
        .collect();
    packages.dedup();
    let components: Vec<String> = found
        .components
        .keys()
        .filter(|component| !schemas.is_base(component))
        .map(ToString::to_string)
        .collect();
    // A request must name something, and every binary has this package.
    if packages.is_empty() && components.is_empty() {
        packages.push(format!("{BENTHOS}/public/components/io"));
    }
    RequestBody {
        goos: question.goos.clone(),
        goarch: question.goarch.clone(),
        go_version: question.go_version.clone(),
        variant: question.variant.clone(),
        packages,
        components,
        modules: question.modules.clone(),
        ..RequestBody::default()
    }
}

fn shown(mistakes: &BTreeSet<Mistake>) -> Vec<PipelineMistake> {
    let shown = mistakes.iter().map(|it| PipelineMistake {
        line: it.at.line,
        column: it.at.column,
        message: it.message.clone(),
    });
    shown.collect()
}
