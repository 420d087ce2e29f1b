//! Another release in place of a default that lacks something that was requested. An import must not make impossible
//! what worked: whatever some release offers, a request without a version gets.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use wombat_model::{
    ImportPath, ModulePath, ModuleVersion, Problem, ProblemCode, catalog::Release,
    request::BuildRequest,
};

use super::{
    Policy,
    asked::Asked,
    attempt::{Attempt, attempt},
    lacking,
    versions::Origin,
};
use crate::catalog::Snapshot;

/// Packages and versions for a request: with the default releases if they have everything that was requested, otherwise
/// with the newest releases that do.
pub(super) fn choose(
    request: &BuildRequest,
    asked: &Asked,
    catalog: &Snapshot,
    policy: &Policy,
) -> Attempt {
    let mut instead = BTreeMap::new();
    let mut best = attempt(request, asked, catalog, policy, &instead);
    let used = best.versions.iter().filter_map(|(_, chosen)| {
        let release = chosen.release.as_ref()?;
        Some((Arc::clone(release), chosen.origin.clone()))
    });
    // A module that isn't used so far may have what is missing.
    let unused = catalog
        .default_of_each()
        .filter(|release| {
            let module = &release.module;
            best.versions.get(module).is_none() && asked.version(module).is_none()
        })
        .map(|release| (Arc::clone(release), Origin::Default));
    let releases: Vec<(Arc<Release>, Origin)> = used.chain(unused).collect();
    for (release, origin) in &releases {
        let is_free = match origin {
            Origin::Default => true,
            // It may lack drivers, which is told of a request that has no other problem.
            Origin::Asked if !best.problems.is_empty() => continue,
            Origin::Asked => false,
            Origin::Pinned(_) | Origin::Driver | Origin::Instead => continue,
        };
        let Some((other, found)) = better(
            request,
            asked,
            (catalog, policy),
            (release, &best, &instead),
        ) else {
            continue;
        };
        if is_free {
            instead.insert(release.module.clone(), other.version.clone());
            best = found;
        } else {
            best.problems
                .extend(missing_drivers(release, &found, &best, catalog));
        }
    }
    best
}

/// Another release of a module with which a request has fewer problems, or gets a package that the chosen release
/// lacks; the newest of the best ones.
fn better<'a>(
    request: &BuildRequest,
    asked: &Asked,
    (catalog, policy): (&'a Snapshot, &Policy),
    (release, best, instead): (&Release, &Attempt, &BTreeMap<ModulePath, ModuleVersion>),
) -> Option<(&'a Release, Attempt)> {
    let lacking = lacking::here(release, catalog);
    let has_problems = shortcomings(best) > 0;
    let mut found: Option<(&Release, Attempt)> = None;
    for other in catalog.releases_of(&release.module) {
        let has_lacking = lacking.iter().any(|path| other.package(path).is_some());
        if other.version == release.version || !(has_problems || has_lacking) {
            continue;
        }
        let mut instead = instead.clone();
        instead.insert(other.module.clone(), other.version.clone());
        let tried = attempt(request, asked, catalog, policy, &instead);
        let known = found.as_ref().map_or(best, |(_, known)| known);
        let fewer = shortcomings(&tried) < shortcomings(known);
        let as_few = shortcomings(&tried) == shortcomings(known);
        let fuller = found.is_none() && as_few && !picked_of(&lacking, &tried).is_empty();
        if fewer || fuller {
            found = Some((other, tried));
        }
    }
    found
}

/// What an attempt can't give: components, and packages that were requested by path. Licences and platforms don't count:
/// an older release may only know less of them.
fn shortcomings(attempt: &Attempt) -> usize {
    let missing = attempt.selection.iter().filter(|(path, selected)| {
        let Some(chosen) = attempt.versions.get(&selected.module) else {
            // A driver of another release.
            return true;
        };
        let release = chosen.release.as_deref();
        release.is_some_and(|release| release.lists(path) && release.package(path).is_none())
    });
    let unknown = attempt.problems.iter().filter(|problem| {
        matches!(
            problem.code,
            ProblemCode::UnknownComponent | ProblemCode::UnknownPackage
        )
    });
    unknown.count() + missing.count()
}

/// Which of these packages an attempt picked.
fn picked_of(paths: &BTreeSet<ImportPath>, attempt: &Attempt) -> Vec<ImportPath> {
    let picked = attempt.selection.keys();
    picked
        .filter(|path| paths.contains(*path))
        .cloned()
        .collect()
}

/// Problems of a release that was requested: it has packages for all components, yet not those that another release
/// would pick, such as the ones with the drivers.
fn missing_drivers(
    release: &Release,
    other: &Attempt,
    best: &Attempt,
    catalog: &Snapshot,
) -> Vec<Problem> {
    let picked = picked_of(&lacking::here(release, catalog), other);
    let problems = picked.into_iter().filter_map(|path| {
        // A package that was requested by path is refused with the others.
        let by_path = best.selection.contains_key(&path);
        let message = lacking::package(release, &path, catalog).filter(|_| !by_path)?;
        let field = other.selection.get(&path)?.field.clone();
        Some(Problem {
            code: ProblemCode::UnknownPackage,
            field,
            message,
        })
    });
    problems.collect()
}
