//! Packages for the components that a request names.

use std::collections::{BTreeMap, BTreeSet};

use wombat_model::{
    ImportPath, ModulePath, Platform, Problem, ProblemCode,
    catalog::{CatalogPackage, Component, ComponentReference, Licence},
    request::BuildRequest,
};

use super::{
    Policy,
    cover::{Candidate, Cost, cheapest},
    lacking,
    selection::{Selected, Selection},
    versions::Versions,
};
use crate::catalog::{Snapshot, nearest, or_nearest};

/// A package of a release that may be selected.
#[derive(Clone, Copy)]
struct Offer<'a> {
    module: &'a ModulePath,
    package: &'a CatalogPackage,
}

/// Adds the packages for the request's components that are still missing.
pub(super) fn add(
    selection: &mut Selection,
    request: &BuildRequest,
    versions: &Versions,
    (policy, catalog): (&Policy, &Snapshot),
    problems: &mut Vec<Problem>,
) {
    let offers: Vec<Offer<'_>> = versions
        .iter()
        .filter_map(|(module, chosen)| Some((module, chosen.components_of(module)?)))
        .flat_map(|(module, release)| {
            release
                .packages
                .iter()
                .map(move |package| Offer { module, package })
        })
        .collect();
    let unknown = |reference: &ComponentReference| lacking::component(reference, versions, catalog);
    let mut wanted = wanted(request, &offers, unknown, problems);
    for offer in &offers {
        if selection.contains_key(&offer.package.path) {
            for component in &offer.package.components {
                wanted.remove(component);
            }
        }
    }
    let platform = request.target.platform();
    let eligible: Vec<Offer<'_>> = offers
        .iter()
        .copied()
        .filter(|offer| obstacle(offer.package, platform, policy).is_none())
        .collect();
    let brought: BTreeSet<&Component> = eligible
        .iter()
        .flat_map(|offer| &offer.package.components)
        .collect();
    let mut refused = BTreeSet::new();
    wanted.retain(|component, field| {
        let possible = brought.contains(component);
        // A bare name is refused once, not once for each of its kinds.
        if !possible && refused.insert(field.clone()) {
            problems.push(impossible(component, field, &offers, platform, policy));
        }
        possible
    });

    let elements: Vec<&Component> = wanted.keys().copied().collect();
    let (candidates, offers): (Vec<_>, Vec<_>) = eligible
        .into_iter()
        .filter_map(|offer| Some((candidate(offer.package, &elements)?, offer)))
        .unzip();
    let chosen = cheapest(elements.len(), &candidates).unwrap_or_default();
    for &index in &chosen {
        let offer = offers[index];
        let first = elements[candidates[index].covers[0]];
        let selected = Selected {
            module: offer.module.clone(),
            base: false,
            reason: reason(index, &chosen, &candidates, &elements),
            field: wanted.get(first).cloned(),
        };
        selection.insert(offer.package.path.clone(), selected);
    }
}

/// Every component that the request names, with the first field that names it.
fn wanted<'a>(
    request: &BuildRequest,
    offers: &[Offer<'a>],
    why_unknown: impl Fn(&ComponentReference) -> Option<String>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<&'a Component, String> {
    let mut wanted = BTreeMap::new();
    for (index, reference) in request.components.iter().enumerate() {
        let field = format!("components[{index}]");
        let all = || offers.iter().flat_map(|offer| &offer.package.components);
        let mut meant = all()
            .filter(|component| reference.matches(component))
            .peekable();
        if meant.peek().is_none() {
            let alike =
                all().filter(|component| reference.kind.is_none_or(|kind| kind == component.kind));
            let close = nearest(
                &reference.name,
                alike.map(|component| component.name.as_str()),
            );
            let message = why_unknown(reference).unwrap_or_else(|| {
                format!(
                    "No package of these releases brings `{reference}`{}",
                    or_nearest(&close)
                )
            });
            problems.push(Problem::field(
                ProblemCode::UnknownComponent,
                &field,
                message,
            ));
        }
        for component in meant {
            wanted.entry(component).or_insert_with(|| field.clone());
        }
    }
    wanted
}

/// Why a package can't be chosen.
fn obstacle(
    package: &CatalogPackage,
    platform: Platform,
    policy: &Policy,
) -> Option<(ProblemCode, String)> {
    let empty = package
        .emptiness(platform)
        .map(|reason| (ProblemCode::EmptyOnPlatform, reason));
    empty.or_else(|| {
        let reason = policy.refusal_of(package.licence)?;
        Some((
            ProblemCode::LicenceRefused,
            format!("`{}` {reason}", package.path),
        ))
    })
}

fn impossible(
    component: &Component,
    field: &str,
    offers: &[Offer<'_>],
    platform: Platform,
    policy: &Policy,
) -> Problem {
    let obstacles: Vec<(ProblemCode, String)> = offers
        .iter()
        .filter(|offer| offer.package.components.contains(component))
        .filter_map(|offer| obstacle(offer.package, platform, policy))
        .collect();
    let code = obstacles
        .first()
        .map_or(ProblemCode::EmptyOnPlatform, |(code, _)| *code);
    let reasons: Vec<&str> = obstacles
        .iter()
        .map(|(_, reason)| reason.as_str())
        .collect();
    Problem::field(
        code,
        field,
        format!("`{component}` can't be built: {}.", reasons.join("; ")),
    )
}

fn candidate<'a>(
    package: &'a CatalogPackage,
    elements: &[&Component],
) -> Option<Candidate<&'a ImportPath>> {
    let covers: Vec<usize> = elements
        .iter()
        .enumerate()
        .filter(|(_, element)| package.components.contains(element))
        .map(|(index, _)| index)
        .collect();
    (!covers.is_empty()).then(|| Candidate {
        id: &package.path,
        covers,
        cost: Cost {
            rcl: u32::from(package.licence == Licence::Rcl),
            community: u32::from(package.licence == Licence::Community),
            rcl_files: package.rcl_files,
            components: package.components.len(),
        },
    })
}

/// What a chosen package brings, and why it was preferred to others that bring some of it too.
fn reason(
    index: usize,
    chosen: &[usize],
    candidates: &[Candidate<&ImportPath>],
    elements: &[&Component],
) -> String {
    let this = &candidates[index];
    let names: Vec<String> = this
        .covers
        .iter()
        .map(|element| elements[*element].to_string())
        .collect();
    let mut sentences = vec![format!("Brings {}.", names.join(", "))];
    // What no other chosen package brings.
    let own: Vec<usize> = this
        .covers
        .iter()
        .copied()
        .filter(|element| {
            !chosen
                .iter()
                .any(|other| *other != index && candidates[*other].covers.contains(element))
        })
        .collect();
    for (other, rival) in candidates.iter().enumerate() {
        if chosen.contains(&other) || !own.iter().any(|element| rival.covers.contains(element)) {
            continue;
        }
        let licence = |cost: Cost| (cost.rcl, cost.community, cost.rcl_files);
        let why = if own.iter().any(|element| !rival.covers.contains(element)) {
            "which doesn't bring all of that"
        } else if licence(this.cost) < licence(rival.cost) {
            "whose licence is less free"
        } else if this.cost.components < rival.cost.components {
            "which is larger"
        } else {
            "which brings the same"
        };
        sentences.push(format!("Chosen over `{}`, {why}.", rival.id.short_name()));
    }
    sentences.join(" ")
}
