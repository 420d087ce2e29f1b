//! Packages for the components that are wanted.

use std::collections::{BTreeMap, BTreeSet};

use wombat_model::{
    Platform, Problem, ProblemCode,
    catalog::{CatalogPackage, Component, ComponentReference, Licence, Offer, Release},
    request::BuildRequest,
};

use super::{
    Policy, consent,
    cover::{Candidate, Task},
    drivers, lacking, missing,
    names::{OfferOf, Reduced},
    reasons::Choice,
    selection::{Selected, Selection},
    sizes::{Size, Sizes},
    versions::Versions,
    wanted::{self, Wanted},
};
use crate::catalog::{Snapshot, not_offered};

/// What is to be said about the components of a request.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    pub(super) notes: Vec<String>,
    /// The least free licence of the components themselves.
    pub(super) licence: Option<Licence>,
}

/// Adds the packages for the request's components that are still missing.
pub(super) fn add(
    selection: &mut Selection,
    request: &BuildRequest,
    versions: &Versions,
    (policy, catalog): (&Policy, &Snapshot),
    problems: &mut Vec<Problem>,
) -> Remarks {
    let releases: Vec<&Release> = versions.listings().collect();
    let all: Vec<OfferOf<'_>> = versions.offers_of().collect();
    let reduced = Reduced::of(&all, selection, catalog);
    let offers = reduced.offers(&all);
    let platform = request.target.platform();
    let unknown = |reference: &ComponentReference| {
        let known = || not_offered::component(reference.kind, &reference.name);
        lacking::component(reference, versions, catalog)
            .or_else(|| known().map(|known| known.message))
            .or_else(|| lacking::unknown_base(versions, catalog))
    };
    let mut wanted = wanted::of(
        request,
        (&offers, catalog.official_names()),
        unknown,
        problems,
    );
    if wanted.is_empty() {
        return Remarks::default();
    }
    let mut remarks = Remarks {
        licence: consent::check(&mut wanted, versions, (policy, catalog), problems),
        ..Remarks::default()
    };
    remarks.notes = missing::of_wanted(&wanted, &offers, platform);
    drivers::add_needed(&mut wanted, &offers);
    let named_driver = drivers::is_any(wanted.keys().copied());
    for offer in &offers {
        if selection.contains_key(&offer.package.path) {
            for component in offer.package.components_on(platform) {
                wanted.remove(component);
            }
        }
    }
    let mut eligible: Vec<Offer<'_>> = offers
        .iter()
        .copied()
        .filter(|offer| !selection.contains_key(&offer.package.path))
        .filter(|offer| obstacle(offer.package, platform, policy).is_none())
        .collect();
    if !named_driver {
        let note = drivers::bring_all(&mut eligible, &wanted, selection, &offers);
        remarks.notes.extend(note);
    }
    let places = Places {
        eligible: &eligible,
        offers: &offers,
        platform,
        policy,
    };
    let elsewhere = |component: &Component| lacking::provider(component, versions, catalog);
    retain_possible(&mut wanted, &places, elsewhere, problems);
    let sizes = Sizes::of(releases.iter().copied());
    let licences = offers
        .iter()
        .filter(|offer| selection.contains_key(&offer.package.path))
        .map(|offer| offer.package.licence);
    let licence = licences.chain(remarks.licence).max();
    choose(
        selection,
        &wanted,
        &eligible,
        &Basis {
            releases: &releases,
            sizes: &sizes,
            licence: licence.unwrap_or(Licence::Apache),
            platform,
        },
    );
    remarks
}

/// What a choice depends on, besides components and packages.
struct Basis<'a> {
    releases: &'a [&'a Release],
    sizes: &'a Sizes,
    /// The licence of the selection, whatever is chosen.
    licence: Licence,
    platform: Platform,
}

fn choose(
    selection: &mut Selection,
    wanted: &Wanted<'_>,
    eligible: &[Offer<'_>],
    basis: &Basis<'_>,
) {
    let elements: Vec<&Component> = wanted.keys().copied().collect();
    let places: BTreeMap<&Component, usize> = elements.iter().copied().zip(0..).collect();
    let (candidates, offers): (Vec<Candidate>, Vec<Offer<'_>>) = eligible
        .iter()
        .filter_map(|offer| {
            let size = basis.sizes.of_package(&offer.package.path)?;
            let candidate = candidate(offer.package, &places, size, basis.platform)?;
            Some((candidate, *offer))
        })
        .unzip();
    let present = selection.keys();
    let present = present.filter_map(|path| basis.sizes.of_package(path));
    let present: Vec<usize> = present.flat_map(|size| size.parts.clone()).collect();
    let task = Task {
        elements: elements.len(),
        candidates: &candidates,
        parts: basis.sizes.parts(),
        present: &present,
        licence: basis.licence,
    };
    let picked = task.solve().unwrap_or_default();
    let choice = Choice {
        picked: &picked,
        candidates: &candidates,
        offers: &offers,
        elements: &elements,
        selection: selection
            .iter()
            .filter(|(_, selected)| !selected.base)
            .map(|(path, _)| path.clone())
            .collect(),
        releases: basis.releases,
        sizes: basis.sizes,
    };
    let added: Vec<_> = picked
        .iter()
        .map(|index| {
            let first = elements[candidates[*index].covers[0]];
            let selected = Selected {
                module: offers[*index].module.clone(),
                base: false,
                reason: choice.reason(*index),
                field: wanted.get(first).cloned(),
            };
            (offers[*index].package.path.clone(), selected)
        })
        .collect();
    selection.extend(added);
}

/// Where components may come from.
struct Places<'a> {
    /// Packages that can be chosen.
    eligible: &'a [Offer<'a>],
    /// All packages.
    offers: &'a [Offer<'a>],
    platform: Platform,
    policy: &'a Policy,
}

/// Refuses components that no eligible package brings. `elsewhere` tells which release would have a package for one.
fn retain_possible(
    wanted: &mut Wanted<'_>,
    places: &Places<'_>,
    elsewhere: impl Fn(&Component) -> Option<String>,
    problems: &mut Vec<Problem>,
) {
    let brought: BTreeSet<&Component> = places
        .eligible
        .iter()
        .flat_map(|offer| offer.package.components_on(places.platform))
        .collect();
    let mut refused = BTreeSet::new();
    wanted.retain(|component, field| {
        let possible = brought.contains(component);
        // A bare name is refused once, not once for each of its kinds.
        if !possible && refused.insert(field.clone()) {
            problems.push(impossible(component, field, places, &elsewhere));
        }
        possible
    });
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
            policy.refusal_code(package.licence),
            format!("`{}` {reason}", package.path),
        ))
    })
}

fn impossible(
    component: &Component,
    field: &str,
    places: &Places<'_>,
    elsewhere: impl Fn(&Component) -> Option<String>,
) -> Problem {
    let (platform, policy) = (places.platform, places.policy);
    let obstacles: Vec<(ProblemCode, String)> = places
        .offers
        .iter()
        .filter(|offer| offer.package.components.contains(component))
        .filter_map(|offer| {
            obstacle(offer.package, platform, policy).or_else(|| {
                let reason = missing::elsewhere(offer.package, component, platform)?;
                Some((ProblemCode::EmptyOnPlatform, reason))
            })
        })
        .collect();
    // Its packages can be built, yet bring none of the drivers that it needs.
    if obstacles.is_empty() {
        let message = elsewhere(component).unwrap_or_else(|| {
            format!("No package of these releases brings `{component}` together with a driver; name one.")
        });
        return Problem::field(ProblemCode::UnknownPackage, field, message);
    }
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

fn candidate(
    package: &CatalogPackage,
    places: &BTreeMap<&Component, usize>,
    size: &Size,
    platform: Platform,
) -> Option<Candidate> {
    let components = package.components_on(platform);
    let mut covers: Vec<usize> = components
        .filter_map(|component| places.get(component).copied())
        .collect();
    covers.sort_unstable();
    (!covers.is_empty()).then(|| Candidate {
        covers,
        licence: package.licence,
        own: size.own,
        parts: size.parts.clone(),
    })
}
