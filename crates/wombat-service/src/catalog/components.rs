//! `catalog.components`: finds components by words, all of which must match.

use std::collections::BTreeMap;

use wombat_model::{
    ImportPath,
    catalog::{CatalogPackage, Component, ComponentStatus},
    wire::{CatalogQuestion, ComponentHit, ComponentsAnswer},
};

use super::{
    Schemas, Snapshot, is_official,
    search::{best_first, fit, wanted_releases, words_of},
};

/// Answers `catalog.components`.
pub(crate) fn components(
    catalog: &Snapshot,
    schemas: &Schemas,
    question: &CatalogQuestion,
) -> ComponentsAnswer {
    let words = words_of(&question.query);
    let mut brought: BTreeMap<&Component, Vec<Bringing<'_>>> = BTreeMap::new();
    for release in wanted_releases(catalog, question) {
        let is_foreign = !is_official(&release.module);
        for package in release.offers().map(|offer| offer.package) {
            for component in &package.components {
                if question.kind.is_none_or(|kind| kind == component.kind) {
                    let all = brought.entry(component).or_default();
                    all.push((is_foreign, package));
                }
            }
        }
    }
    let hits: Vec<(u32, ComponentHit)> = brought
        .into_iter()
        .filter_map(|(component, packages)| {
            let known = schemas.component(component.kind, &component.name);
            let summary = known.map_or("", |documentation| &documentation.summary);
            let score = score(component, &packages, summary, &words)?;
            let hit = ComponentHit {
                component: component.clone(),
                status: known.map_or_else(ComponentStatus::default, |known| known.status),
                summary: summary.to_owned(),
                packages: best_packages_first(packages),
            };
            Some((score, hit))
        })
        .collect();
    let total = hits.len() as u64;
    let components = best_first(hits, question, |left, right| {
        let (left, right) = (&left.component, &right.component);
        (&left.name, left.kind).cmp(&(&right.name, right.kind))
    });
    ComponentsAnswer {
        revision: catalog.revision(),
        components,
        total,
    }
}

/// A package that brings a component, and whether it is of a module that isn't official.
type Bringing<'a> = (bool, &'a CatalogPackage);

/// The packages of official modules first, and the smaller ones among them.
fn best_packages_first(mut packages: Vec<Bringing<'_>>) -> Vec<ImportPath> {
    packages.sort_by_key(|(is_foreign, package)| {
        (*is_foreign, package.components.len(), &package.path)
    });
    let packages = packages.into_iter();
    packages.map(|(_, package)| package.path.clone()).collect()
}

/// How well a component fits all the words; `None` if one of them isn't found.
fn score(
    component: &Component,
    packages: &[Bringing<'_>],
    summary: &str,
    words: &[String],
) -> Option<u32> {
    let name = component.name.to_lowercase();
    let spelled = format!("{}/{name}", component.kind);
    let summary = summary.to_lowercase();
    words.iter().try_fold(0, |sum, word| {
        let in_package = packages
            .iter()
            .any(|(_, package)| package.path.short_name().contains(word.as_str()));
        let best = fit(&name, word, 12, 8, 6)
            .max(fit(&spelled, word, 12, 0, 0))
            .max(fit(component.kind.as_str(), word, 3, 0, 0))
            .max(fit(&summary, word, 1, 1, 1))
            .max(u32::from(in_package) * 2);
        (best > 0).then_some(sum + best)
    })
}

#[cfg(test)]
mod tests {
    use wombat_model::catalog::ComponentKind;

    use super::*;
    use crate::fixture::{self, words};

    fn found(question: &CatalogQuestion) -> Vec<String> {
        let answer = components(&fixture::catalog(), &Schemas::default(), question);
        assert_eq!(answer.total, answer.components.len() as u64);
        answer
            .components
            .iter()
            .map(|hit| hit.component.to_string())
            .collect()
    }

    #[test]
    fn names_come_before_what_is_only_beside_them() {
        let kafka = found(&words("kafka"));
        assert_eq!(kafka[..2], ["input/kafka", "output/kafka"], "{kafka:?}");
        assert!(kafka.contains(&"input/kafka_franz".to_owned()), "{kafka:?}");
        assert_eq!(found(&words("input/KAFKA")), ["input/kafka"]);
        assert!(found(&words("kafka nothing-like-it")).is_empty());
        let outputs = CatalogQuestion {
            kind: Some(ComponentKind::Output),
            ..words("kafka")
        };
        assert!(
            found(&outputs)
                .iter()
                .all(|name| name.starts_with("output/"))
        );
        let same = found(&words("output kafka"));
        assert!(
            same.iter().all(|name| name.starts_with("output/")),
            "{same:?}"
        );
    }

    #[test]
    fn each_is_told_once_with_all_its_packages() {
        let answer = components(
            &fixture::catalog(),
            &Schemas::default(),
            &words("input/kafka"),
        );
        let packages: Vec<&str> = answer.components[0]
            .packages
            .iter()
            .map(ImportPath::short_name)
            .collect();
        assert_eq!(packages, ["kafka", "aws"]);
        let first = CatalogQuestion {
            limit: Some(1),
            ..words("kafka")
        };
        let answer = components(&fixture::catalog(), &Schemas::default(), &first);
        assert_eq!(answer.components.len(), 1);
        assert!(answer.total > 1);
    }
}
