//! What can't be built, and notes on what can.

use std::collections::BTreeSet;

use wombat_model::{
    GoVersion, ImportPath, Platform, Problem, ProblemCode, Target,
    catalog::{CatalogPackage, Licence, Offer, Release},
};

use super::{
    Policy, lacking, missing, names,
    selection::{Selected, Selection},
    versions::{Chosen, Origin, Versions},
};
use crate::catalog::{Snapshot, nearest, or_nearest};

/// Refuses packages that don't exist, give nothing on the target, or aren't allowed; returns notes on the others.
pub(super) fn packages(
    selection: &Selection,
    versions: &Versions,
    (target, policy): (Target, &Policy),
    catalog: &Snapshot,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let mut notes = Vec::new();
    let offers: Vec<Offer<'_>> = versions.offers().collect();
    for (path, selected) in selection {
        if let Some(package) = versions.package(path, &selected.module) {
            let refused = refuse(package, selected, target.platform(), policy);
            if refused.is_empty() {
                notes.extend(remarks(package, &offers, target.platform()));
                // A driver belongs to the release that offers it.
                let driver = versions.driver(path);
                let module = driver.map_or(&selected.module, |(module, _)| module);
                notes.extend(names::note(package, module, catalog));
            }
            problems.extend(refused);
            continue;
        }
        let Some(chosen) = versions.get(&selected.module) else {
            problems.push(without_version(path, selected));
            continue;
        };
        let Some(release) = &chosen.release else {
            if !selected.base {
                notes.push(unlisted(path, chosen));
            }
            continue;
        };
        if let Some(message) = lacking::package(release, path, catalog) {
            problems.push(Problem {
                code: ProblemCode::UnknownPackage,
                field: selected.field.clone(),
                message,
            });
        } else if release.lists(path) {
            problems.push(unknown_package(path, selected, release));
        } else {
            notes.push(format!(
                "The catalog doesn't list `{path}` in {} {}; the build will show whether it compiles.",
                release.title, release.version
            ));
        }
    }
    notes
}

/// Refuses modules that the operator blocks or doesn't allow.
pub(super) fn modules(
    selection: &Selection,
    versions: &Versions,
    catalog: &Snapshot,
    policy: &Policy,
    problems: &mut Vec<Problem>,
) {
    for (module, chosen) in versions.iter() {
        let blocked = catalog.blocklist().find(module, &chosen.version);
        let code = match blocked {
            Some(_) => ProblemCode::ModuleBlocked,
            None => ProblemCode::ModuleRefused,
        };
        let message = if let Some(entry) = blocked {
            format!(
                "{module} {} can't be built here: the operator blocks {entry}.",
                chosen.version
            )
        } else if chosen.listing.is_none()
            && !versions.is_of_driver(module, chosen)
            && !policy.modules.allows(module, &chosen.version)
        {
            format!(
                "{module} isn't in the catalog, and this service builds other modules only where the operator allows them (`--modules`)."
            )
        } else {
            continue;
        };
        let field = selection
            .values()
            .filter(|selected| selected.module == *module)
            .find_map(|selected| selected.field.clone());
        problems.push(Problem {
            code,
            field: field.or_else(|| Some(format!("modules.{module}"))),
            message,
        });
    }
}

/// The note on a package that the catalog doesn't list; it is built all the same, and checked by the builder.
fn unlisted(path: &ImportPath, chosen: &Chosen) -> String {
    match &chosen.listing {
        Some(listing) => format!(
            "The catalog has {} {}, not {}: the build will show whether it contains `{path}`, its licence and its platforms.",
            listing.title, listing.version, chosen.version
        ),
        None => {
            format!("`{path}` isn't in the catalog: its licence and platforms are unknown.")
        }
    }
}

/// A driver that the chosen release doesn't have.
fn without_version(path: &ImportPath, selected: &Selected) -> Problem {
    Problem {
        code: ProblemCode::UnknownModule,
        field: selected.field.clone(),
        message: format!(
            "`{path}` is a driver of another release, so its version isn't known here; add `{}` with an exact version to `modules`.",
            selected.module
        ),
    }
}

fn refuse(
    package: &CatalogPackage,
    selected: &Selected,
    platform: Platform,
    policy: &Policy,
) -> Vec<Problem> {
    let field = selected.field.clone();
    let problem = |code, message| Problem {
        code,
        field: field.clone(),
        message,
    };
    let empty = package
        .emptiness(platform)
        .map(|reason| problem(ProblemCode::EmptyOnPlatform, format!("{reason}.")));
    let licence = policy.refusal_of(package.licence).map(|reason| {
        problem(
            ProblemCode::LicenceRefused,
            format!("`{}` {reason}.", package.path),
        )
    });
    empty.into_iter().chain(licence).collect()
}

fn remarks(package: &CatalogPackage, offers: &[Offer<'_>], platform: Platform) -> Vec<String> {
    let mut remarks = missing::of_package(package, offers, platform);
    if !package.platforms.contains_key(&platform) {
        remarks.push(format!(
            "`{}` wasn't tried on {platform} yet; the build will show whether it compiles.",
            package.path
        ));
    }
    let files = package.rcl_files;
    match package.licence {
        Licence::Apache => {}
        Licence::Community => remarks.push(format!(
            "`{}` is in upstream's community bundle, yet {files} of the files that it compiles {} under the Redpanda Community Licence.",
            package.path,
            if files == 1 { "is" } else { "are" },
        )),
        Licence::Rcl => remarks.push(format!(
            "`{}` is under the Redpanda Community Licence.",
            package.path
        )),
    }
    remarks
}

fn unknown_package(path: &ImportPath, selected: &Selected, release: &Release) -> Problem {
    let root = format!("{}/{}/", release.module, release.component_root);
    let below = |path: &ImportPath| path.as_str().strip_prefix(&root).map(str::to_owned);
    let names: Vec<String> = release
        .packages
        .iter()
        .filter_map(|package| below(&package.path))
        .collect();
    let given = below(path).unwrap_or_default();
    let close: Vec<String> = nearest(&given, names.iter().map(String::as_str))
        .into_iter()
        .map(|name| format!("{root}{name}"))
        .collect();
    let close: Vec<&str> = close.iter().map(String::as_str).collect();
    Problem {
        code: ProblemCode::UnknownPackage,
        field: selected.field.clone(),
        message: format!(
            "{} {} has no package `{path}`{}",
            release.title,
            release.version,
            or_nearest(&close)
        ),
    }
}

/// The requested Go version, else the default of the releases. A release that is only in because another one requires it
/// was built together with that one, and isn't considered.
pub(super) fn go_version(
    asked: Option<GoVersion>,
    versions: &Versions,
    catalog: &Snapshot,
    problems: &mut Vec<Problem>,
) -> Option<GoVersion> {
    let releases: Vec<&Release> = versions
        .iter()
        .filter(|(_, chosen)| !matches!(chosen.origin, Origin::Pinned(_)))
        .filter_map(|(_, chosen)| chosen.listing.as_deref())
        .collect();
    let offered = catalog.offered_go(&releases);
    let Some((default, lowest)) = offered.first().copied().zip(offered.iter().min()) else {
        problems.push(Problem::field(
            ProblemCode::UnsupportedGoVersion,
            "goVersion",
            "These modules support no common Go version; choose other versions of them.",
        ));
        return None;
    };
    match asked {
        None => Some(default),
        Some(go) if offered.contains(&go) => Some(go),
        Some(go) => {
            let names: Vec<String> = releases
                .iter()
                .map(|release| format!("{} {}", release.title, release.version))
                .collect();
            problems.push(Problem::field(
                ProblemCode::UnsupportedGoVersion,
                "goVersion",
                format!(
                    "Go {go} isn't offered for {}: the lowest is {lowest}; choose {}, for example.",
                    names.join(" and "),
                    newest_of_lines(&offered).join(" or ")
                ),
            ));
            None
        }
    }
}

/// The first of each line, in the given order.
fn newest_of_lines(offered: &[GoVersion]) -> Vec<String> {
    let mut lines = BTreeSet::new();
    let newest = offered.iter().filter(|go| lines.insert(go.line()));
    newest.map(ToString::to_string).collect()
}
