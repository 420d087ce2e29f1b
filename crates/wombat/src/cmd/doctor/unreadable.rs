//! Values in the buckets that can't be read, and the way out.

use std::{collections::BTreeMap, time::Duration};

use wombat_store::{Revision, Store};

use super::finding::{Finding, Verdict};

/// How long the next value may take.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn findings(store: &Store) -> Vec<Finding> {
    let publications = store.publications.watch_after(Revision::ZERO);
    let (builds, publications, of_catalog) = tokio::join!(
        store.builds.watch().unreadable(TIMEOUT),
        publications.unreadable(TIMEOUT),
        catalog(store),
    );
    let words = told(builds, record).chain(told(publications, publication));
    let words = words.chain(told(of_catalog, value_of_catalog));
    words.map(|words| (Verdict::Missing, words)).collect()
}

fn told(
    unreadable: BTreeMap<String, String>,
    words: fn(&str, &str) -> String,
) -> impl Iterator<Item = String> {
    let all = unreadable.into_iter();
    all.map(move |(key, problem)| words(&key, &problem))
}

/// Releases, and imports with their requests.
async fn catalog(store: &Store) -> BTreeMap<String, String> {
    let catalog = &store.catalog;
    let (releases, asked, imports) = tokio::join!(
        catalog.watch().unreadable(TIMEOUT),
        catalog.watch_asked_imports().unreadable(TIMEOUT),
        catalog.watch_imports().unreadable(TIMEOUT),
    );
    releases.into_iter().chain(asked).chain(imports).collect()
}

/// A record that can't be read, or is stored under another build's key.
fn record(key: &str, problem: &str) -> String {
    format!(
        "record `{key}` can't be read: {problem}; remove it with `wombat purge {key}`, or request the build again"
    )
}

/// A grant or a result.
fn publication(key: &str, problem: &str) -> String {
    // `grant.<build>.<number>`
    let build = key.split_once('.').map(|(_, rest)| rest);
    let build = build.and_then(|rest| rest.rsplit_once('.'));
    let build = build.map_or("<build>", |(build, _)| build);
    format!(
        "`{key}` can't be read: {problem}; its build can't be requested before `wombat purge {build}`, and the key of a service may be stolen"
    )
}

fn value_of_catalog(key: &str, problem: &str) -> String {
    format!(
        "`{key}` in the catalog can't be read: {problem}; it counts as missing, and `wombat catalog import` of its release writes it anew"
    )
}
