//! Drivers of SQL components. Without one, an SQL component is built, and doesn't start.

use wombat_model::catalog::{Component, ComponentKind, Offer};

use super::{selection::Selection, sizes::megabytes, wanted::Wanted};

/// A package with SQL components and no driver, in releases whose drivers aren't known.
const WITHOUT_DRIVERS: &str = "/sql/base";

/// Whether any of these is a driver.
pub(super) fn is_any<'a>(components: impl IntoIterator<Item = &'a Component>) -> bool {
    let mut components = components.into_iter();
    components.any(|component| component.kind == ComponentKind::Driver)
}

/// Adds the drivers that components need although no field of theirs names one.
pub(super) fn add_needed<'a>(wanted: &mut Wanted<'a>, offers: &[Offer<'a>]) {
    let sqlite = wanted.iter().find(|(component, _)| {
        component.kind == ComponentKind::Buffer && component.name == "sqlite"
    });
    let Some(field) = sqlite.map(|(_, field)| field.clone()) else {
        return;
    };
    let mut components = offers.iter().flat_map(|offer| &offer.package.components);
    let driver = components.find(|it| it.kind == ComponentKind::Driver && it.name == "sqlite");
    if let Some(driver) = driver {
        wanted.entry(driver).or_insert(field);
    }
}

/// For SQL components without a driver: leaves only packages that bring drivers together with them. Returns a note on
/// how to do without the others.
pub(super) fn bring_all(
    eligible: &mut Vec<Offer<'_>>,
    wanted: &Wanted<'_>,
    selection: &Selection,
    offers: &[Offer<'_>],
) -> Option<String> {
    let needing: Vec<&Component> = wanted
        .keys()
        .copied()
        .filter(|component| component.needs_driver())
        .collect();
    let brings_driver = |offer: &Offer<'_>| is_any(&offer.package.components);
    let mut present = offers
        .iter()
        .filter(|offer| selection.contains_key(&offer.package.path));
    if needing.is_empty() || present.any(brings_driver) {
        return None;
    }
    let are_known = offers.iter().any(brings_driver);
    let brings = |offer: &Offer<'_>| {
        let mut needing = needing.iter();
        needing.any(|component| offer.package.components.contains(component))
    };
    eligible.retain(|offer| {
        let has_driver = if are_known {
            brings_driver(offer)
        } else {
            !offer.package.path.as_str().ends_with(WITHOUT_DRIVERS)
        };
        has_driver || !brings(offer)
    });
    let all = eligible.iter().find(|offer| brings(offer))?;
    let mut components = all.package.components.iter();
    let example = components.find(|it| it.kind == ComponentKind::Driver)?;
    let size = all.package.added_bytes.map_or_else(String::new, |bytes| {
        format!(" They add {}.", megabytes(bytes))
    });
    Some(format!(
        "`{}` needs a driver and none is named, so `{}` brings them all.{size} Name yours, such as `{example}`, for a smaller binary.",
        needing[0], all.package.path
    ))
}
