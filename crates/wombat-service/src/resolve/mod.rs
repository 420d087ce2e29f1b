//! From a request to a spec: every choice made, or a refusal that holds every problem at once.
//!
//! *asked*: what the request says, path by path · *versions*: which release of each module · *wanted*: the components that
//! it names · *components*: their packages, chosen by *cover* with the bytes of *sizes*, explained by *reasons* ·
//! *names*: whose component a name means · *drivers*: what SQL components need · *consent*: enterprise features · *missing*: what packages lack on a platform ·
//! *attempt*: packages and versions of given releases · *instead*: another release, if the default lacks something ·
//! *lacking*: what a release lacks here, and which one has it · *checks*: what can't be built, and notes on what can ·
//! *answer*: the result.
//!
//! The module of a path is the longest prefix among `modules`, else the longest among the catalog's modules, else that of
//! a driver, else, for `path@version`, the path itself. A package in a folder of an unlisted module therefore needs an
//! entry in `modules`.

mod answer;
mod asked;
mod attempt;
mod base;
mod checks;
mod components;
mod consent;
mod cover;
mod drivers;
mod instead;
mod lacking;
mod missing;
mod names;
mod policy;
mod reasons;
mod selection;
mod sizes;
mod versions;
mod wanted;

use wombat_model::{Problem, ProblemCode, Refusal, names::MAX_PACKAGES, request::BuildRequest};

pub(crate) use answer::Resolved;
pub(crate) use policy::Policy;
pub use policy::{ModulePolicy, ParseModulePolicyError};

use crate::{
    catalog::{Snapshot, UnlistedRelease},
    refusal,
};
use asked::Asked;
use base::benthos;
use components::Remarks;

/// Makes every choice that the request leaves open.
pub(crate) fn resolve(
    request: &BuildRequest,
    catalog: &Snapshot,
    policy: &Policy,
) -> Result<Resolved, Refusal> {
    if catalog.blocklist_problem().is_some() {
        return Err(refusal::without_blocklist());
    }
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
    asked.refuse_versions(policy, catalog, &mut problems);
    asked.refuse_unlisted(policy, catalog, &mut problems);
    let attempt = instead::choose(request, &asked, catalog, policy);
    problems.extend(attempt.problems);
    let (selection, versions, remarks) = (attempt.selection, attempt.versions, attempt.remarks);
    asked.refuse_unused(&selection, catalog, &mut problems);
    versions.refuse_conflicts(&asked, &mut problems);
    checks::modules(&selection, &versions, catalog, policy, &mut problems);
    let offer = (request.target, policy);
    let mut notes = checks::packages(&selection, &versions, offer, catalog, &mut problems);
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

/// The releases outside the catalog that a request names, of modules that are in it. What they require must be known
/// before the request can be resolved.
pub(crate) fn unlisted(
    request: &BuildRequest,
    catalog: &Snapshot,
    policy: &Policy,
) -> Vec<UnlistedRelease> {
    // The problems are found again when it is resolved.
    Asked::of(request, catalog, &mut Vec::new()).unlisted(policy, catalog)
}

#[cfg(test)]
mod tests;
