//! Enterprise features: components that need the operator's consent, whichever package brings them.

use std::collections::BTreeMap;

use wombat_model::{
    Problem,
    catalog::{Component, Licence, Release},
};

use super::{
    Policy,
    versions::{Origin, Versions},
    wanted::Wanted,
};
use crate::catalog::{Snapshot, is_official};

/// Refuses enterprise features that the operator hasn't accepted, and takes them out. Returns the licence of the
/// others, if any of them is one.
pub(super) fn check(
    wanted: &mut Wanted<'_>,
    versions: &Versions,
    (policy, catalog): (&Policy, &Snapshot),
    problems: &mut Vec<Problem>,
) -> Option<Licence> {
    let listings = versions.listings();
    let releases: Vec<&Release> = listings.chain(newer(versions, catalog)).collect();
    let release_of = |component: &Component| {
        // Of an official name, other modules can't say it.
        let is_known = catalog.official_names().has(component);
        let mut releases = releases
            .iter()
            .filter(|it| !is_known || is_official(&it.module));
        releases.find(|release| release.is_enterprise(component))
    };
    let Some(reason) = policy.refusal_of_feature() else {
        let accepted = wanted.keys().any(|it| release_of(it).is_some());
        return accepted.then_some(Licence::Rcl);
    };
    // A bare name is refused once, with all of its kinds.
    let mut refused: BTreeMap<String, (Vec<String>, &str)> = BTreeMap::new();
    wanted.retain(|component, field| {
        let Some(release) = release_of(component) else {
            return true;
        };
        let names = refused.entry(field.clone());
        let (names, _) = names.or_insert_with(|| (Vec::new(), release.title.as_str()));
        names.push(format!("`{component}`"));
        false
    });
    for (field, (names, title)) in refused {
        let (names, what) = match names.as_slice() {
            [name] => (name.clone(), "is an enterprise feature"),
            names => (names.join(" and "), "are enterprise features"),
        };
        let message = format!(
            "{names} {what} of {title}, under the Redpanda Community Licence, whichever package brings it: {reason}."
        );
        let code = policy.refusal_code(Licence::Rcl);
        problems.push(Problem::field(code, field, message));
    }
    None
}

/// The releases that are newer than one that is used in place of its module's default. It wasn't requested, and may know
/// less of its features than they do.
fn newer<'a>(versions: &'a Versions, catalog: &'a Snapshot) -> impl Iterator<Item = &'a Release> {
    let chosen = versions.iter();
    let instead = chosen.filter(|(_, chosen)| chosen.origin == Origin::Instead);
    instead.flat_map(move |(module, chosen)| {
        let releases = catalog.releases_of(module).map(AsRef::as_ref);
        releases.filter(move |release: &&Release| release.version > chosen.version)
    })
}
