//! The release, from what its packages gave.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use wombat_model::{
    ImportPath, Platform,
    catalog::{
        CatalogPackage, Component, Documentation, ImportPlan, Licence, PackageDocumentation,
        PackageFindings, PackageOutcome, PlatformSupport, Release, Unfetched,
    },
};

use super::{ImportError, Imported, support::SupportTable};

/// Puts the release together. Packages of the plan without an outcome are missing in it. `now` is noted with those
/// that couldn't be had. What the source of all packages says is added by [`Importer::survey`](super::Importer::survey).
pub fn assemble(
    plan: &ImportPlan,
    mut outcomes: BTreeMap<ImportPath, PackageOutcome>,
    now: OffsetDateTime,
) -> Result<Imported, ImportError> {
    let support = SupportTable::from_levels(&plan.support);
    let mut known: BTreeSet<Component> = plan.contents.components.iter().cloned().collect();
    let (mut packages, mut documentation) = (Vec::new(), Vec::new());
    let mut stream = plan.contents.stream.clone();
    let (mut excluded, mut unfetched) = (BTreeMap::new(), BTreeMap::new());
    for (folder, why) in &plan.excluded {
        excluded.insert(plan.path_of(folder)?, why.clone());
    }
    for (path, description) in plan.in_order()? {
        let mut found = match outcomes.remove(&path) {
            Some(PackageOutcome::Built(found)) => *found,
            Some(PackageOutcome::Excluded { reason }) => {
                excluded.insert(path, reason);
                continue;
            }
            Some(PackageOutcome::Unfetched { reason, dependency }) => {
                let why = Unfetched {
                    reason,
                    dependency,
                    tried: now,
                };
                unfetched.insert(path, why);
                continue;
            }
            None => continue,
        };
        found
            .components
            .retain(|component| !known.contains(&component.component()));
        for component in &mut found.components {
            support.complete(component);
        }
        if stream.is_empty() {
            stream = std::mem::take(&mut found.stream);
        }
        let package = package(plan, path, description, &found, &support);
        if plan.imports_base() {
            known.extend(package.components.iter().cloned());
        }
        if found.compile_ms.is_some() {
            documentation.push(PackageDocumentation {
                path: package.path.clone(),
                components: found.components,
            });
        }
        packages.push(package);
    }
    packages.sort_by(|left, right| left.path.cmp(&right.path));
    documentation.sort_by(|left, right| left.path.cmp(&right.path));
    let release = Release {
        module: plan.module.clone(),
        version: plan.version.clone(),
        title: plan.title.clone(),
        go_versions: plan.go_versions.clone(),
        lowest_go: plan.lowest_go,
        requires: if plan.imports_base() {
            BTreeMap::new()
        } else {
            BTreeMap::from([(plan.base_module.clone(), plan.basis.base_version.clone())])
        },
        component_root: plan.component_root.clone(),
        packages,
        base_bytes: (!plan.imports_base()).then_some(plan.contents.bytes),
        // Set by a survey of all packages.
        shared: Vec::new(),
        drivers: Vec::new(),
        excluded,
        unfetched,
        document: None,
        added_documents: Vec::new(),
        generation: plan.basis.generation,
    };
    Ok(Imported {
        release,
        documentation,
        stream,
    })
}

fn package(
    plan: &ImportPlan,
    path: ImportPath,
    description: &str,
    found: &PackageFindings,
    support: &SupportTable,
) -> CatalogPackage {
    // Empty on every target: it needs cgo, which is off.
    let cgo = found.empty_on.len() == Platform::ALL.len();
    let mut platforms: BTreeMap<Platform, PlatformSupport> = BTreeMap::new();
    if !cgo {
        let empty = found.empty_on.iter();
        platforms.extend(empty.map(|platform| (*platform, PlatformSupport::Empty)));
        let host = platforms.entry(plan.basis.host);
        host.or_insert(PlatformSupport::Compiles);
    }
    let components: Vec<Component> = found
        .components
        .iter()
        .map(Documentation::component)
        .collect();
    let base_bytes = plan.contents.bytes;
    let measured = found.compile_ms.is_some() && base_bytes > 0;
    CatalogPackage {
        path,
        description: if description.is_empty() {
            described(&components)
        } else {
            description.to_owned()
        },
        licence: match (found.rcl_files, found.bundled) {
            (0, _) => Licence::Apache,
            (_, true) => Licence::Community,
            (_, false) => Licence::Rcl,
        },
        rcl_files: found.rcl_files,
        cgo,
        platforms,
        support: support.levels(&components),
        components,
        // Set by a survey of all packages.
        enterprise: Vec::new(),
        missing: BTreeMap::new(),
        added_bytes: measured.then(|| found.bytes.saturating_sub(base_bytes)),
        compile_ms: found.compile_ms,
    }
}

/// A generated description of a package without one.
fn described(components: &[Component]) -> String {
    const SHOWN: usize = 4;
    let mut names: Vec<&str> = components.iter().map(|it| it.name.as_str()).collect();
    names.dedup();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.truncate(SHOWN);
    match names.join(", ") {
        shown if shown.is_empty() => "No components of its own.".to_owned(),
        shown => format!("Brings {shown}{more}."),
    }
}
