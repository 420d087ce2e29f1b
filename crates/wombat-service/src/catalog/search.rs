//! Searches of the catalog. It is small, so every word is compared with every package.

use std::{borrow::Cow, cmp::Ordering};

use wombat_model::{
    Problem, ProblemCode, Refusal, RefusalStatus,
    catalog::{CatalogPackage, ComponentReference, Licence, Release},
    wire::{
        CatalogAnswer, CatalogQuestion, ComponentAnswer, ComponentProvider, GoReleasesAnswer,
        PackageHit, ReleaseSummary,
    },
};

use super::{Schemas, Snapshot, is_official, nearest, not_offered, or_nearest};

/// Default limit of packages or components in an answer.
const DEFAULT_LIMIT: u32 = 200;

/// Answers `catalog.search`.
pub(crate) fn search(catalog: &Snapshot, question: &CatalogQuestion) -> CatalogAnswer {
    let words = words_of(&question.query);
    let hits: Vec<(u32, PackageHit)> = wanted_releases(catalog, question)
        .flat_map(|release| {
            release
                .packages
                .iter()
                .filter(|package| {
                    question.kind.is_none_or(|kind| {
                        package
                            .components
                            .iter()
                            .any(|component| component.kind == kind)
                    })
                })
                .filter_map(|package| {
                    let score = score(package, &words)?;
                    let hit = PackageHit {
                        module: release.module.clone(),
                        version: release.version.clone(),
                        package: package.clone(),
                    };
                    Some((score, hit))
                })
                .collect::<Vec<_>>()
        })
        .collect();
    let total = hits.len() as u64;
    let packages = best_first(hits, question, |left, right| {
        let path = left.package.path.cmp(&right.package.path);
        path.then_with(|| right.version.cmp(&left.version))
    });
    CatalogAnswer {
        revision: catalog.revision(),
        releases: catalog
            .all()
            .map(|release| summary(catalog, release))
            .collect(),
        packages,
        total,
    }
}

/// The lower-case words of a query.
pub(super) fn words_of(query: &str) -> Vec<String> {
    query.split_whitespace().map(str::to_lowercase).collect()
}

/// The best hits, up to the query's limit; `order` decides between equal scores.
pub(super) fn best_first<Hit>(
    mut hits: Vec<(u32, Hit)>,
    question: &CatalogQuestion,
    order: impl Fn(&Hit, &Hit) -> Ordering,
) -> Vec<Hit> {
    hits.sort_by(|(left_score, left), (right_score, right)| {
        let score = right_score.cmp(left_score);
        score.then_with(|| order(left, right))
    });
    let limit = usize::try_from(question.limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX);
    hits.into_iter().take(limit).map(|(_, hit)| hit).collect()
}

/// The score of a text that equals a word, begins with it or contains it; 0 if it does none of these.
pub(super) fn fit(text: &str, word: &str, whole: u32, beginning: u32, part: u32) -> u32 {
    match text {
        text if text == word => whole,
        text if text.starts_with(word) => beginning,
        text if text.contains(word) => part,
        _ => 0,
    }
}

/// Releases that match a query's module and version.
pub(super) fn wanted_releases<'a>(
    catalog: &'a Snapshot,
    question: &'a CatalogQuestion,
) -> impl Iterator<Item = &'a Release> {
    catalog
        .all()
        .map(AsRef::as_ref)
        .filter(|release: &&Release| {
            let module_fits = question
                .module
                .as_ref()
                .is_none_or(|module| *module == release.module);
            module_fits
                && match &question.version {
                    Some(version) => *version == release.version,
                    None => is_newest(catalog, release),
                }
        })
}

fn is_newest(catalog: &Snapshot, release: &Release) -> bool {
    catalog
        .default_of(&release.module)
        .is_some_and(|default| default.version == release.version)
}

fn summary(catalog: &Snapshot, release: &Release) -> ReleaseSummary {
    ReleaseSummary {
        module: release.module.clone(),
        version: release.version.clone(),
        title: release.title.clone(),
        go_versions: catalog.offered_go(&[release]),
        requires: release.requires.clone(),
        unfetched: release.unfetched.clone(),
        newest: is_newest(catalog, release),
    }
}

/// The text in lower case, which most are already.
fn lower_case(text: &str) -> Cow<'_, str> {
    let has_lower_case_only = |c: char| c.is_ascii() && !c.is_ascii_uppercase();
    if text.chars().all(has_lower_case_only) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

/// How well a package fits all the words; `None` if one of them isn't found.
fn score(package: &CatalogPackage, words: &[String]) -> Option<u32> {
    let short = lower_case(package.path.short_name());
    let path = lower_case(package.path.as_str());
    let description = lower_case(&package.description);
    words.iter().try_fold(0, |sum, word| {
        let best_component = package
            .components
            .iter()
            .map(|component| {
                let kind = component.kind.as_str();
                // With its kind: `input/kafka`. Most words have no slash, and can only begin it.
                let with_kind = if word.contains('/') {
                    fit(&component.to_string().to_lowercase(), word, 10, 6, 0)
                } else if kind.starts_with(word.as_str()) {
                    6
                } else {
                    0
                };
                fit(&lower_case(&component.name), word, 10, 6, 4).max(with_kind)
            })
            .max()
            .unwrap_or(0);
        let best = best_component
            .max(fit(&short, word, 12, 7, 4))
            .max(fit(&description, word, 3, 3, 2))
            .max(fit(&path, word, 12, 1, 1));
        (best > 0).then_some(sum + best)
    })
}

/// Answers `catalog.goreleases`.
pub(crate) fn go_releases_answer(catalog: &Snapshot) -> GoReleasesAnswer {
    GoReleasesAnswer {
        releases: catalog.go().all(),
        checked: catalog.go_checked(),
    }
}

/// Answers `catalog.component`.
pub(crate) fn component(
    catalog: &Snapshot,
    schemas: &Schemas,
    asked: &str,
) -> Result<ComponentAnswer, Refusal> {
    let reference: ComponentReference = asked.parse().map_err(|error: String| {
        Refusal::new(
            RefusalStatus::BadRequest,
            Problem::field(ProblemCode::InvalidValue, "component", error),
        )
    })?;
    // Those of official modules come first, and the smaller ones among them.
    let mut providers: Vec<((bool, usize), ComponentProvider)> = Vec::new();
    for release in catalog.default_of_each() {
        let is_foreign = !is_official(&release.module);
        for offer in release.offers() {
            let package = offer.package;
            for component in &package.components {
                if reference.matches(component) {
                    let is_enterprise = release.is_enterprise(component);
                    let provider = ComponentProvider {
                        component: component.clone(),
                        package: package.path.clone(),
                        module: offer.module.clone(),
                        version: offer.version.clone(),
                        licence: if is_enterprise {
                            Licence::Rcl
                        } else {
                            package.licence
                        },
                    };
                    let rank = (is_foreign, package.components.len());
                    providers.push((rank, provider));
                }
            }
        }
    }
    if providers.is_empty() {
        if let Some(known) = not_offered::component(reference.kind, &reference.name) {
            return Err(Refusal::not_found(known.message));
        }
        let names = catalog
            .default_of_each()
            .flat_map(|release| &release.packages)
            .flat_map(|package| &package.components)
            .filter(|component| reference.kind.is_none_or(|kind| kind == component.kind))
            .map(|component| component.name.as_str());
        return Err(Refusal::not_found(format!(
            "No package of the catalog brings `{reference}`{}",
            or_nearest(&nearest(&reference.name, names))
        )));
    }
    providers.sort_by(|(left_rank, left), (right_rank, right)| {
        left_rank
            .cmp(right_rank)
            .then_with(|| left.package.cmp(&right.package))
            .then_with(|| left.component.cmp(&right.component))
    });
    Ok(ComponentAnswer {
        providers: providers
            .into_iter()
            .map(|(_, provider)| provider)
            .collect(),
        documentation: schemas.matching(&reference).cloned().collect(),
    })
}

#[cfg(test)]
mod tests {
    use wombat_model::catalog::ComponentKind;

    use super::*;
    use crate::fixture::{self, words};

    fn found(question: &CatalogQuestion) -> Vec<String> {
        let answer = search(&fixture::catalog(), question);
        answer
            .packages
            .iter()
            .map(|hit| hit.package.path.short_name().to_owned())
            .collect()
    }

    #[test]
    fn the_best_fit_comes_first() {
        assert_eq!(found(&words("kafka"))[..2], ["kafka", "aws"]);
        assert_eq!(found(&words("KAFKA franz")), ["kafka", "aws"]);
        assert_eq!(found(&words("jetstream")), ["nats"]);
        assert!(found(&words("nats nothing-like-it")).is_empty());
        assert_eq!(found(&words("input/kafka")), ["aws", "kafka"]);
        assert_eq!(found(&words("INPUT/nats_j")), ["nats"]);
    }

    #[test]
    fn filters_narrow_and_the_newest_is_the_default() {
        let caches = CatalogQuestion {
            kind: Some(ComponentKind::Cache),
            ..words("redis")
        };
        assert_eq!(found(&caches), ["redis", "extra"]);
        let benthos = CatalogQuestion {
            module: Some(super::super::BENTHOS.parse().unwrap()),
            ..words("")
        };
        let answer = search(&fixture::catalog(), &benthos);
        assert_eq!(answer.total, 2);
        assert!(
            answer
                .packages
                .iter()
                .all(|hit| hit.version.as_str() == "v4.78.0")
        );
        let newest: Vec<&str> = answer
            .releases
            .iter()
            .filter(|release| release.newest)
            .map(|release| release.version.as_str())
            .collect();
        assert_eq!(newest, ["v4.78.0", "v4.105.0"]);
    }

    #[test]
    fn a_component_names_its_packages_or_its_neighbours() {
        let catalog = fixture::catalog();
        let answer = component(&catalog, &Schemas::default(), "input/kafka").unwrap();
        let packages: Vec<&str> = answer
            .providers
            .iter()
            .map(|provider| provider.package.short_name())
            .collect();
        assert_eq!(packages, ["kafka", "aws"]);
        let missing = component(&catalog, &Schemas::default(), "kafak").unwrap_err();
        assert_eq!(missing.status, RefusalStatus::NotFound);
        assert!(missing.summary().contains("`kafka`"), "{missing}");
        assert_eq!(
            component(&catalog, &Schemas::default(), "inputs/kafka")
                .unwrap_err()
                .status,
            RefusalStatus::BadRequest
        );
    }
}
