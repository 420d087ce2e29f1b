//! Components that a package doesn't bring on a platform on which it compiles.

use wombat_model::{
    Platform,
    catalog::{CatalogPackage, Component, Offer, PlatformSupport},
};

use super::wanted::Wanted;

/// Most platforms that are named.
const MOST_NAMED: usize = 4;

/// Notes on packages that would bring a component elsewhere and don't here, while others do.
pub(super) fn of_wanted(
    wanted: &Wanted<'_>,
    offers: &[Offer<'_>],
    platform: Platform,
) -> Vec<String> {
    let missing = offers.iter().flat_map(|offer| {
        let missing = offer.package.missing.get(&platform).into_iter().flatten();
        missing.map(|component| (offer.package, component))
    });
    let notes = missing.filter_map(|(package, component)| {
        wanted.get(component)?;
        let instead = instead(component, offers, platform);
        // If nothing brings it, that is a problem of its own.
        (!instead.is_empty()).then_some(())?;
        let elsewhere = elsewhere(package, component, platform)?;
        Some(format!("{elsewhere}; here {instead}."))
    });
    notes.collect()
}

/// A note on what a selected package lacks here.
pub(super) fn of_package(
    package: &CatalogPackage,
    offers: &[Offer<'_>],
    platform: Platform,
) -> Vec<String> {
    let missing = package.missing.get(&platform).into_iter().flatten();
    let notes = missing.filter_map(|component| {
        let elsewhere = elsewhere(package, component, platform)?;
        let instead = instead(component, offers, platform);
        Some(if instead.is_empty() {
            format!("{elsewhere}; no package brings it here.")
        } else {
            format!("{elsewhere}; here {instead}.")
        })
    });
    notes.collect()
}

/// That a package lacks a component here, and where it has it; `None` if it has it here, or nowhere.
pub(super) fn elsewhere(
    package: &CatalogPackage,
    component: &Component,
    platform: Platform,
) -> Option<String> {
    if !package.components.contains(component) || package.brings(component, platform) {
        return None;
    }
    let has = |platform: &&Platform| {
        package.platforms.get(platform) == Some(&PlatformSupport::Compiles)
            && package.brings(component, **platform)
    };
    let platforms: Vec<String> = Platform::ALL
        .iter()
        .filter(has)
        .map(ToString::to_string)
        .collect();
    let more = platforms.len().saturating_sub(MOST_NAMED);
    let named = &platforms[..platforms.len() - more];
    let and_more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let elsewhere = if named.is_empty() {
        String::new()
    } else {
        format!(" (it is on {}{and_more})", named.join(", "))
    };
    Some(format!(
        "`{component}` isn't part of `{}` on {platform}{elsewhere}",
        package.path
    ))
}

/// The packages that bring a component here, as the end of a sentence; empty if there is none.
fn instead(component: &Component, offers: &[Offer<'_>], platform: Platform) -> String {
    let bringing = offers.iter().filter(|offer| {
        offer.package.emptiness(platform).is_none() && offer.package.brings(component, platform)
    });
    let names: Vec<String> = bringing
        .map(|offer| format!("`{}`", offer.package.path))
        .collect();
    match names.as_slice() {
        [] => String::new(),
        [name] => format!("{name} brings it"),
        names => format!("{} bring it", names.join(" and ")),
    }
}
