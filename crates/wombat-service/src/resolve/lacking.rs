//! What a release lacks here although it may be part of it, why, and which release has it.

use std::collections::BTreeSet;

use wombat_model::{
    ImportPath, ModulePath,
    catalog::{CatalogPackage, Component, ComponentReference, Release},
};

use super::{
    base::benthos,
    selection::Selection,
    versions::{Origin, Versions},
};
use crate::catalog::Snapshot;

/// Packages of other releases of the module that this one doesn't offer.
pub(super) fn paths(release: &Release, catalog: &Snapshot) -> BTreeSet<ImportPath> {
    let others = catalog.releases_of(&release.module);
    let packages = others.flat_map(|other| &other.packages);
    // Most releases have the same ones, and a lookup goes through the whole list.
    let paths: BTreeSet<&ImportPath> = packages.map(|package| &package.path).collect();
    let lacking = paths.into_iter();
    let lacking = lacking.filter(|path| release.package(path).is_none());
    lacking.cloned().collect()
}

/// Packages that this release would have elsewhere, and that another release of the module has here.
pub(super) fn here(release: &Release, catalog: &Snapshot) -> BTreeSet<ImportPath> {
    let lacking = release.unfetched.keys().chain(release.excluded.keys());
    let is_somewhere = |path: &&ImportPath| {
        let mut others = catalog.releases_of(&release.module);
        others.any(|other| other.package(path).is_some())
    };
    lacking.filter(is_somewhere).cloned().collect()
}

/// Why a release doesn't have a package, and which one has it; `None` if nothing is known of it.
pub(super) fn package(release: &Release, path: &ImportPath, catalog: &Snapshot) -> Option<String> {
    let mut others = catalog.releases_of(&release.module);
    let other = others.find(|other| other.package(path).is_some());
    let why = match (release.unfetched.get(path), release.excluded.get(path)) {
        (Some(unfetched), _) => format!(
            "its dependency {} couldn't be fetched. {} It is tried again daily.",
            unfetched.dependency, unfetched.reason
        ),
        (None, Some(why)) if other.is_some() => why.clone(),
        (None, Some(why)) => return Some(format!("`{path}` can't be selected. {why}")),
        (None, None) if other.is_some() && release.lists(path) => {
            "it isn't part of this release.".to_owned()
        }
        (None, None) => return None,
    };
    let name = release.folder_of(path);
    let lacks = format!(
        "{} {} lacks `{name}` here: {why}",
        release.title, release.version
    );
    Some(match other {
        Some(other) => format!("{lacks} {}", has_it(other)),
        None => lacks,
    })
}

/// The same for a component of which the chosen releases know nothing.
pub(super) fn component(
    reference: &ComponentReference,
    versions: &Versions,
    catalog: &Snapshot,
) -> Option<String> {
    for (module, chosen) in versions.iter() {
        let Some(release) = &chosen.release else {
            continue;
        };
        let lacking = paths(release, catalog);
        for other in catalog.releases_of(module) {
            let brings = |path: &&ImportPath| {
                let package = other.package(path);
                package.is_some_and(|it| it.components.iter().any(|it| reference.matches(it)))
            };
            if let Some(path) = lacking.iter().find(brings) {
                return package(release, path, catalog);
            }
            // The package is there, and brings less than before.
            let mut all = other
                .packages
                .iter()
                .flat_map(|package| &package.components);
            if all.any(|it| reference.matches(it)) && other.version != release.version {
                return Some(format!(
                    "{} {} has no `{reference}`. {}",
                    release.title,
                    release.version,
                    has_it(other)
                ));
            }
        }
    }
    None
}

/// The same for a component whose packages here bring no driver.
pub(super) fn provider(
    component: &Component,
    versions: &Versions,
    catalog: &Snapshot,
) -> Option<String> {
    versions.releases().find_map(|release| {
        let lacking = here(release, catalog);
        let path = lacking.iter().find(|path| {
            let mut others = catalog.releases_of(&release.module);
            let brings = |package: &CatalogPackage| package.components.contains(component);
            others.any(|other| other.package(path).is_some_and(brings))
        })?;
        package(release, path, catalog)
    })
}

/// Says that nothing is known of the base's components, if that is so.
pub(super) fn unknown_base(versions: &Versions, catalog: &Snapshot) -> Option<String> {
    let base = benthos();
    let chosen = versions.get(&base).filter(|it| it.release.is_none())?;
    let title = catalog.default_of(&base)?.title.clone();
    let why = match &chosen.origin {
        Origin::Pinned(by) => format!(", which {by} requires"),
        Origin::Asked | Origin::Driver | Origin::Default | Origin::Instead => String::new(),
    };
    Some(format!(
        "The catalog doesn't have {title} {}{why}, so it isn't known which components it has. Its operator can import it.",
        chosen.version
    ))
}

fn has_it(other: &Release) -> String {
    format!(
        "{} has it: leave the version out, or request `\"modules\": {{\"{}\": \"{}\"}}`.",
        other.version, other.module, other.version
    )
}

/// Notes on releases that take the place of defaults.
pub(super) fn notes(selection: &Selection, versions: &Versions, catalog: &Snapshot) -> Vec<String> {
    let note = |module: &ModulePath, used: &Release| {
        let default = catalog.default_of(module)?;
        let lacking = paths(default, catalog);
        let names = selection.keys().filter(|path| lacking.contains(*path));
        let names: Vec<String> = names
            .map(|path| format!("`{}`", used.folder_of(path)))
            .collect();
        let what = if names.is_empty() {
            "some of what this request picks".to_owned()
        } else {
            names.join(", ")
        };
        Some(format!(
            "{} {} is used, since {} lacks {what} here.",
            used.title, used.version, default.version
        ))
    };
    let instead = versions
        .iter()
        .filter(|(_, chosen)| matches!(chosen.origin, Origin::Instead));
    instead
        .filter_map(|(module, chosen)| note(module, chosen.release.as_deref()?))
        .collect()
}
