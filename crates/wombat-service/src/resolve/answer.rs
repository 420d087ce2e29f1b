//! A resolved request: its spec and the answer.

use wombat_model::{
    BuildSpec, GoVersion, ImportPath, ModulePath, Package, Refusal,
    request::BuildRequest,
    wire::{ResolveAnswer, ResolvedPackage},
};

use super::{
    components::Remarks,
    lacking,
    selection::Selection,
    sizes::Sizes,
    versions::{Chosen, Origin, Versions},
};
use crate::catalog::Snapshot;

/// A request with every choice made.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) spec: BuildSpec,
    /// Without the status of an existing build.
    pub(crate) answer: ResolveAnswer,
    pub(crate) catalog_revision: u64,
    /// Whether all of its modules are releases of the catalog, or at the version that one of these requires.
    pub(crate) is_of_catalog: bool,
}

/// Puts the answer together. All parts have been checked, so an inconsistent spec is a bug.
pub(super) fn resolved(
    request: &BuildRequest,
    selection: &Selection,
    versions: &Versions,
    go: GoVersion,
    remarks: Remarks,
    catalog: &Snapshot,
) -> Result<Resolved, Refusal> {
    let packages = selection
        .iter()
        .map(|(path, selected)| {
            let package = Package {
                module: selected.module.clone(),
                base: selected.base,
            };
            (path.clone(), package)
        })
        .collect();
    let graph = versions.graph(catalog);
    // The release of a driver may be neither.
    let is_used = |module: &ModulePath| {
        *module == graph || selection.values().any(|package| package.module == *module)
    };
    let modules = versions
        .iter()
        .filter(|(module, _)| is_used(module))
        .map(|(module, chosen)| (module.clone(), chosen.version.clone()))
        .collect();
    let is_of_catalog = versions
        .iter()
        .filter(|(module, _)| is_used(module))
        .all(|(module, chosen)| is_listed(module, chosen, versions));
    let spec = BuildSpec::new(request.target, go, packages, modules, graph)
        .and_then(|spec| spec.with_template(request.template))
        .and_then(|spec| spec.with_distribution(request.distribution.clone()))
        .map_err(|error| {
            tracing::error!(%error, "a resolved request has no valid spec");
            Refusal::internal()
        })?;
    let Remarks {
        mut notes,
        mut licence,
    } = remarks;
    notes.extend(lacking::notes(selection, versions, catalog));
    notes.extend(versions.iter().filter_map(|(module, chosen)| {
        let Origin::Pinned(by) = &chosen.origin else {
            return None;
        };
        chosen.release.is_none().then(|| {
            format!(
                "`{module}` {} is required by {by}; the catalog doesn't list its packages.",
                chosen.version
            )
        })
    }));

    let packages = selection
        .iter()
        .filter_map(|(path, selected)| {
            let chosen = versions.get(&selected.module)?;
            let listed = versions.package(path, &selected.module);
            let package_licence = listed.map(|package| package.licence);
            licence = licence.max(package_licence);
            Some(ResolvedPackage {
                url: path.clone(),
                module: selected.module.clone(),
                version: chosen.version.clone(),
                base: selected.base,
                licence: package_licence,
                reason: selected.reason.clone(),
            })
        })
        .collect();
    let platform = spec.target().platform();
    let answer = ResolveAnswer {
        id: spec.key(),
        goos: platform.goos(),
        goarch: platform.goarch(),
        variant: spec.target().variant(),
        go_version: go,
        packages,
        modules: spec.modules().clone(),
        graph: spec.graph().clone(),
        name: spec.distribution().name.clone(),
        version: spec.distribution().version.clone(),
        licence,
        estimated_bytes: estimated_bytes(selection, versions, spec.graph()),
        estimated_ms: None,
        notes,
        status: None,
    };
    Ok(Resolved {
        spec,
        answer,
        catalog_revision: catalog.revision(),
        is_of_catalog,
    })
}

/// Whether the catalog has this release, or one of its releases requires it.
fn is_listed(module: &ModulePath, chosen: &Chosen, versions: &Versions) -> bool {
    let by_listed = |by: &ModulePath| versions.get(by).is_some_and(|by| by.release.is_some());
    let is_required = match &chosen.origin {
        Origin::Pinned(by) => by_listed(by),
        Origin::Asked | Origin::Driver | Origin::Default | Origin::Instead => false,
    };
    is_required || chosen.release.is_some() || versions.is_of_driver(module, chosen)
}

/// The base's size and what the packages add to it together; `None` if one of them wasn't measured.
fn estimated_bytes(selection: &Selection, versions: &Versions, graph: &ModulePath) -> Option<u64> {
    let base = versions.get(graph)?.release.as_ref()?.base_bytes?;
    let sizes = Sizes::of(versions.releases());
    let added = selection.iter().filter(|(_, selected)| !selected.base);
    let added: Vec<&ImportPath> = added.map(|(path, _)| path).collect();
    let are_measured = added.iter().all(|path| sizes.is_measured(path));
    are_measured.then(|| base + sizes.total(added))
}
