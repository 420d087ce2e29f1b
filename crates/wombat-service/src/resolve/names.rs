//! Whose component a name means: that of an official module, if one registers it, in any release. Other modules bring the
//! rest of their components, and those with official names only to requests that pick their packages by path.

use std::collections::BTreeSet;

use wombat_model::{
    ModulePath,
    catalog::{CatalogPackage, Component, Offer},
};

use super::selection::Selection;
use crate::catalog::{Snapshot, is_official, some_of};

/// A module, and what its release offers.
pub(super) type OfferOf<'a> = (&'a ModulePath, Offer<'a>);

/// For each of some offers, its package without components whose names are official, where it may not bring these.
pub(super) struct Reduced(Vec<Option<CatalogPackage>>);

impl Reduced {
    /// `selection`: the packages that the request picks by path.
    pub(super) fn of(offers: &[OfferOf<'_>], selection: &Selection, catalog: &Snapshot) -> Self {
        let names = catalog.official_names();
        let reduced = offers.iter().map(|(module, Offer { package, .. })| {
            let mut components = package.components.iter();
            let is_reduced = !is_official(module)
                && !selection.contains_key(&package.path)
                && components.any(|component| names.has(component));
            is_reduced.then(|| {
                let mut package = CatalogPackage::clone(package);
                package.components.retain(|component| !names.has(component));
                package
            })
        });
        Self(reduced.collect())
    }

    /// The same offers with these packages.
    pub(super) fn offers<'a>(&'a self, offers: &[OfferOf<'a>]) -> Vec<Offer<'a>> {
        let offers = offers.iter().zip(&self.0);
        let offers = offers.map(|((_, offer), reduced)| Offer {
            package: reduced.as_ref().unwrap_or(offer.package),
            ..*offer
        });
        offers.collect()
    }
}

/// The note on a package that registers official names although its module isn't official.
pub(super) fn note(
    package: &CatalogPackage,
    module: &ModulePath,
    catalog: &Snapshot,
) -> Option<String> {
    let names = catalog.official_names();
    let brought = package.components.iter().filter(|it| names.has(it));
    let brought: BTreeSet<&Component> = brought.collect();
    (!is_official(module) && !brought.is_empty()).then(|| {
        format!(
            "`{}` also registers names of official components: {}. This binary may run its code for them.",
            package.path,
            some_of(&brought)
        )
    })
}
