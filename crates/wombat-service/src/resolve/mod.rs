//! From a request to a spec: every choice made, or a refusal that holds every problem at once.
//!
//! *asked*: what the request says, path by path · *versions*: which release of each module · *components*: the packages
//! of the components, chosen by *cover* with the bytes of *sizes*, explained by *reasons* · *drivers*: what SQL components
//! need · *consent*: enterprise features · *missing*: what packages lack on a platform · *checks*: what can't be built, and
//! notes on what can · *answer*: the result.
//!
//! The module of a path is the longest prefix among `modules`, else the longest among the catalog's modules, else that of
//! a driver, else, for `path@version`, the path itself. A package in a folder of an unlisted module therefore needs an
//! entry in `modules`.

mod answer;
mod asked;
mod base;
mod checks;
mod components;
mod consent;
mod cover;
mod drivers;
mod missing;
mod policy;
mod reasons;
mod selection;
mod sizes;
mod versions;

use std::collections::BTreeSet;

use wombat_model::{
    ModulePath, Problem, ProblemCode, Refusal,
    names::MAX_PACKAGES,
    request::{Base, BuildRequest},
};

pub(crate) use answer::Resolved;
pub(crate) use policy::Policy;
pub use policy::{ModulePolicy, ParseModulePolicyError};

use crate::catalog::Snapshot;
use asked::Asked;
use base::{base_package, benthos};
use components::Remarks;
use selection::{Selected, Selection};
use versions::Versions;

/// Makes every choice that the request leaves open.
pub(crate) fn resolve(
    request: &BuildRequest,
    catalog: &Snapshot,
    policy: &Policy,
) -> Result<Resolved, Refusal> {
    let benthos = benthos();
    if !catalog.has(&benthos) {
        return Err(Refusal::unavailable(
            "The catalog has no release of Benthos, which every binary needs.",
            30,
        ));
    }
    let mut problems = Vec::new();
    if let Some(problem) = policy.refuse_platform(request.target.platform()) {
        problems.push(problem);
    }
    let asked = Asked::of(request, catalog, &mut problems);
    let (selection, versions, remarks) = select(request, &asked, catalog, policy, &mut problems);
    asked.refuse_unused(&selection, &mut problems);
    versions.refuse_conflicts(&asked, &mut problems);
    checks::modules(&selection, &versions, catalog, policy, &mut problems);
    let mut notes = checks::packages(&selection, &versions, request.target, policy, &mut problems);
    let known = remarks.notes.into_iter();
    let further: Vec<String> = known.filter(|note| !notes.contains(note)).collect();
    notes.extend(further);
    let remarks = Remarks { notes, ..remarks };
    let go = checks::go_version(request.go, &versions, catalog, &mut problems);
    if selection.len() > MAX_PACKAGES + 2 {
        problems.push(Problem::field(
            ProblemCode::TooMany,
            "components",
            format!(
                "This request needs {} packages; a binary has at most {MAX_PACKAGES}.",
                selection.len()
            ),
        ));
    }
    match go {
        Some(go) if problems.is_empty() => {
            answer::resolved(request, &selection, &versions, go, remarks, catalog)
        }
        Some(_) | None => Err(Refusal::of_request(problems)),
    }
}

/// Chooses packages and the versions of their modules. Which packages bring a component depends on the versions, and
/// the versions on the modules that are used: so modules that turn out unused are left out in another round.
fn select(
    request: &BuildRequest,
    asked: &Asked,
    catalog: &Snapshot,
    policy: &Policy,
    problems: &mut Vec<Problem>,
) -> (Selection, Versions, Remarks) {
    let mut candidates: BTreeSet<ModulePath> = catalog.modules().cloned().collect();
    candidates.extend(asked.modules());
    loop {
        let versions = Versions::choose(&candidates, asked, catalog);
        let mut selection = explicit(request, asked);
        let mut round = Vec::new();
        let remarks = components::add(&mut selection, request, &versions, policy, &mut round);
        let mut used: BTreeSet<ModulePath> = selection
            .values()
            .map(|package| package.module.clone())
            .collect();
        used.extend(asked.modules());
        let drivers = selection.keys().filter_map(|path| versions.driver(path));
        used.extend(drivers.map(|(module, _)| module.clone()));
        let settled = Versions::choose(&used, asked, catalog);
        if settled.agrees_with(&versions) || !round.is_empty() {
            problems.append(&mut round);
            return (selection, settled, remarks);
        }
        candidates = used;
    }
}

/// The packages requested by path, and the base.
fn explicit(request: &BuildRequest, asked: &Asked) -> Selection {
    let benthos = benthos();
    let base: &[(&str, &str)] = match request.base {
        Base::Standard => &[
            ("pure", "No pipeline runs without it."),
            ("io", "Part of every binary unless `base` is `pure`."),
        ],
        Base::Pure => &[("pure", "No pipeline runs without it.")],
    };
    let mut selection: Selection = base
        .iter()
        .map(|(name, reason)| {
            let selected = Selected {
                module: benthos.clone(),
                base: true,
                reason: (*reason).to_owned(),
                field: None,
            };
            (base_package(name), selected)
        })
        .collect();
    selection.extend(asked.packages().map(|(path, package)| {
        let selected = Selected {
            module: package.module.clone(),
            base: false,
            reason: "Requested by path.".to_owned(),
            field: Some(package.field.clone()),
        };
        (path.clone(), selected)
    }));
    selection
}

#[cfg(test)]
mod tests;
