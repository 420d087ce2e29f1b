//! From pipelines to the packages that they need. Neither their texts nor the values of their variables are stored.
//!
//! *sources*: the texts of a question · *manifest*, *frame*: texts within Kubernetes manifests · *variables*: replaced
//! before YAML is read · *text*: places in what was sent · *document*: YAML as a tree · *reading*: YAML with unknown
//! variables · *templates*: components that files define · *walk*: the components in a text · *mapping*: the functions and
//! methods in a mapping · *bloblang*: whether a mapping can be read · *rules*: packages that no component names ·
//! `text_file`: all of this for a text · *folder*: which file a path means · *bento*: signs of another maker · *merged*:
//! what all texts need · *pipeline*: all texts · *built*: by the schemas of which releases. Which packages bring the
//! components is resolved as for any request.

mod bento;
mod bloblang;
mod built;
mod document;
mod folder;
mod frame;
mod manifest;
mod mapping;
mod merged;
mod pipeline;
mod reading;
mod rules;
mod sources;
mod templates;
#[cfg(test)]
mod tests;
mod text;
mod text_file;
mod variables;
mod walk;

use std::collections::BTreeMap;

use wombat_model::{
    ImportPath, ModulePath, ModuleVersion, Refusal,
    catalog::{Component, ComponentReference},
    names::MAX_PACKAGES,
    request::{BuildRequest, RequestBody},
    wire::{FoundComponent, ResolveAnswer, SelectAnswer, SelectQuestion},
};

use crate::{
    catalog::{BENTHOS, Schemas, Snapshot},
    resolve::{Policy, resolve},
};
use merged::Merged;
use pipeline::Pipeline;
use rules::Rule;

/// The module that rules are about.
const CONNECT: &str = "github.com/redpanda-data/connect/v4";

/// Finds what pipelines need. Those with mistakes are answered too: with the mistakes, and with what they need as far as
/// is known. `schemas` are those of the default releases: the answer is by those of the releases that are built.
pub(crate) fn select(
    question: &SelectQuestion,
    catalog: &Snapshot,
    schemas: &Schemas,
    policy: &Policy,
) -> Result<SelectAnswer, Refusal> {
    question.check_size()?;
    let problems = question.problems();
    if !problems.is_empty() {
        return Err(Refusal::of_request(problems));
    }
    let requested = requested_versions(question, catalog);
    let mut last = None;
    built::by_own_schemas(&requested, catalog, schemas, |schemas| {
        select_by(question, catalog, schemas, policy, &mut last)
    })
}

/// The versions that a question names: of modules, and of packages in a module of the catalog.
pub(crate) fn requested_versions(
    question: &SelectQuestion,
    catalog: &Snapshot,
) -> BTreeMap<ModulePath, ModuleVersion> {
    let of_package = |package: &String| {
        let (path, version) = package.split_once('@')?;
        let path: ImportPath = path.parse().ok()?;
        let module = catalog.module_of(&path)?;
        Some((module.to_string(), version.to_owned()))
    };
    let mut versions: BTreeMap<String, String> =
        question.packages.iter().filter_map(of_package).collect();
    versions.extend(question.modules.clone());
    // What can't be parsed is refused with the rest.
    let parsed = versions
        .iter()
        .map(|(module, version)| Some((module.parse().ok()?, version.parse().ok()?)));
    parsed.flatten().collect()
}

/// The request that was resolved last, and its answer without what *explain* adds.
type Last = Option<(BuildRequest, ResolveAnswer)>;

/// The same by these schemas, whatever is built.
fn select_by(
    question: &SelectQuestion,
    catalog: &Snapshot,
    schemas: &Schemas,
    policy: &Policy,
    last: &mut Last,
) -> Result<SelectAnswer, Refusal> {
    let outside = outside(question, catalog);
    let Pipeline {
        merged,
        variables,
        files,
        is_readable,
    } = Pipeline::read(question, schemas, outside);
    let components = merged.components.iter();
    let mut answer = SelectAnswer {
        components: components
            .map(|(component, at)| FoundComponent {
                component: component.clone(),
                file: at.file.clone(),
                line: at.line,
                column: at.column,
                base: schemas.is_base(component),
            })
            .collect(),
        variables,
        files,
        ..SelectAnswer::default()
    };
    if is_readable {
        let needed = merged.components.keys();
        let mut needed: Vec<&Component> = needed.filter(|it| !schemas.is_base(it)).collect();
        // There may be more than a client can name.
        let room = MAX_PACKAGES.saturating_sub(question.components.len());
        let more = needed.split_off(room.min(needed.len()));
        let body = body(question, &merged, &needed);
        let mut request = BuildRequest::from_json(&serde_json::to_vec(&body).unwrap_or_default())?;
        request.components.extend(more.into_iter().map(reference));
        match resolve_once(request, catalog, policy, last) {
            Ok(mut resolved) => {
                explain(&mut resolved, &merged);
                answer.request = Some(exact(body, &resolved));
                answer.resolution = Some(resolved);
            }
            Err(refusal) => answer.problems = refusal.problems,
        }
    }
    answer.mistakes = merged.mistakes;
    answer.warnings = merged.warnings;
    answer.notes = merged.notes;
    Ok(answer)
}

/// The answer to a request. Other schemas rarely change the request, and an equal one isn't resolved again.
fn resolve_once(
    request: BuildRequest,
    catalog: &Snapshot,
    policy: &Policy,
    last: &mut Last,
) -> Result<ResolveAnswer, Refusal> {
    if let Some((of, answer)) = &*last
        && *of == request
    {
        return Ok(answer.clone());
    }
    let answer = resolve(&request, catalog, policy)?.answer;
    *last = Some((request, answer.clone()));
    Ok(answer)
}

/// The first package of the question that no module of the catalog has.
fn outside<'a>(question: &'a SelectQuestion, catalog: &Snapshot) -> Option<&'a str> {
    let paths = question.packages.iter().map(|package| path_of(package));
    paths.into_iter().find(|path| {
        let path: Option<ImportPath> = path.parse().ok();
        path.is_some_and(|path| catalog.module_of(&path).is_none())
    })
}

/// A package without its version.
fn path_of(package: &str) -> &str {
    package.split_once('@').map_or(package, |(path, _)| path)
}

fn reference(component: &Component) -> ComponentReference {
    ComponentReference {
        kind: Some(component.kind),
        name: component.name.clone(),
    }
}

/// Says why there are packages that no component names.
fn explain(answer: &mut ResolveAnswer, merged: &Merged) {
    for rule in &merged.rules {
        let path = package_of(rule);
        let mut packages = answer.packages.iter_mut();
        if let Some(package) = packages.find(|package| package.url.as_str() == path) {
            rule.reason.clone_into(&mut package.reason);
        }
    }
}

/// The package that a rule requires.
fn package_of(rule: &Rule) -> String {
    format!("{CONNECT}/public/components/{}", rule.package)
}

/// A request for what the question names, for the components that were found, and for packages that no component brings.
fn body(question: &SelectQuestion, merged: &Merged, needed: &[&Component]) -> RequestBody {
    let mut components = question.components.clone();
    components.extend(needed.iter().map(ToString::to_string));
    let mut packages = question.packages.clone();
    for rule in &merged.rules {
        let package = package_of(rule);
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    // A request must name something, and every binary has this package.
    if packages.is_empty() && components.is_empty() {
        packages.push(io());
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

/// A request for exactly what was resolved. Packages of the question keep their versions.
fn exact(body: RequestBody, resolved: &ResolveAnswer) -> RequestBody {
    let asked: BTreeMap<&str, &String> = body
        .packages
        .iter()
        .map(|package| (path_of(package), package))
        .collect();
    let picked = resolved.packages.iter().filter(|it| !it.base);
    let mut packages: Vec<String> = picked
        .map(|package| package.url.to_string())
        .map(|path| {
            asked
                .get(path.as_str())
                .map_or_else(|| path.clone(), |it| (*it).clone())
        })
        .collect();
    if packages.is_empty() {
        packages.clone_from(&body.packages);
    }
    if packages.is_empty() {
        packages.push(io());
    }
    RequestBody {
        packages,
        components: Vec::new(),
        ..body
    }
}

/// A package that every binary has.
fn io() -> String {
    format!("{BENTHOS}/public/components/io")
}
