//! Brings links and objects into agreement with the records.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use time::OffsetDateTime;
use tracing::info;
use wombat_model::{Build, BuildKey, BuildState};
use wombat_store::{Store, StoreError, StoredObject, Versioned};

use super::{Rules, records::Records};

/// Objects of builds are named after them; others are none of our business.
const PREFIX: &str = "build.";

/// Objects of builds, and links, by their names.
pub(super) type Objects = BTreeMap<String, StoredObject>;

/// Those that are there now.
pub(super) async fn list(store: &Store) -> Result<Objects, StoreError> {
    let objects = store.artifacts.list().await?.into_iter();
    Ok(objects
        .filter(|object| object.name.starts_with(PREFIX))
        .map(|object| (object.name.clone(), object))
        .collect())
}

/// Removes objects and links that belong to no record, makes missing links, and marks records whose binary is lost.
/// The records have to be newer than the list of objects.
pub(super) async fn agree(
    store: &Store,
    rules: &Rules,
    objects: &Objects,
    records: &Records,
) -> Result<(), StoreError> {
    let named: BTreeSet<&str> = records
        .with_binary
        .values()
        .map(|known| known.name.as_str())
        .collect();
    for object in objects.values() {
        if object.link.is_some() {
            tend_link(store, records, object, rules.orphan_age).await?;
        } else if !named.contains(stem(&object.name)) && is_older(object, rules.orphan_age) {
            remove_unnamed(store, object).await?;
        }
    }
    for (key, known) in &records.with_binary {
        let there = objects.contains_key(known.name.as_str());
        if there && !objects.contains_key(key.as_str()) {
            store.artifacts.link(key, &known.name).await?;
        }
        if !there {
            mark_lost(store, key).await?;
        }
    }
    Ok(())
}

/// The binary that an object belongs to: itself, or what stands before the dot, as in `<key>/<claim>.recipe`.
fn stem(name: &str) -> &str {
    let Some(claim) = name.rfind('/') else {
        return name;
    };
    match name[claim..].find('.') {
        Some(dot) => &name[..claim + dot],
        None => name,
    }
}

/// A link leads to its record's binary, or goes.
async fn tend_link(
    store: &Store,
    records: &Records,
    link: &StoredObject,
    orphan_age: Duration,
) -> Result<(), StoreError> {
    let key: Option<BuildKey> = link.name.parse().ok();
    let known = key.as_ref().and_then(|key| records.with_binary.get(key));
    match (key, known) {
        (Some(key), Some(known)) => {
            let right = link.link.as_deref() == Some(known.name.as_str());
            if !right && store.artifacts.find(known.name.as_str()).await?.is_some() {
                store.artifacts.link(&key, &known.name).await?;
                info!(%key, "mended a link");
            }
        }
        (_, None) | (None, _) => {
            if is_older(link, orphan_age) {
                remove_unnamed(store, link).await?;
            }
        }
    }
    Ok(())
}

/// Removes an object after a last look at its record: the list of records is older than this moment.
async fn remove_unnamed(store: &Store, object: &StoredObject) -> Result<(), StoreError> {
    let owner = object.name.split('/').next().unwrap_or(&object.name);
    if let Ok(key) = owner.parse::<BuildKey>()
        && let Some(record) = store.builds.get(&key).await?
        && is_wanted(&record, object)
    {
        return Ok(());
    }
    store.artifacts.remove(&object.name).await?;
    info!(object = object.name, "removed what no record names");
    Ok(())
}

/// Whether a record names the object, or its holder is about to.
fn is_wanted(record: &Versioned<Build>, object: &StoredObject) -> bool {
    let stem = stem(&object.name);
    let build = &record.value;
    let named = build
        .artifact()
        .is_some_and(|artifact| artifact.name.as_str() == stem || object.link.is_some());
    let held = match build.state() {
        BuildState::Building { by, .. } => stem.ends_with(&format!("/{}", by.claim)),
        BuildState::New { .. }
        | BuildState::Success { .. }
        | BuildState::Failed { .. }
        | BuildState::Cancelled { .. } => false,
    };
    named || held
}

/// A success without its binary is expired, so that asking again builds it again.
async fn mark_lost(store: &Store, key: &BuildKey) -> Result<(), StoreError> {
    let Some(record) = store.builds.get(key).await? else {
        return Ok(());
    };
    let Some(artifact) = record.value.artifact() else {
        return Ok(());
    };
    let finished = matches!(record.value.state(), BuildState::Success { .. });
    let lost = store
        .artifacts
        .find(artifact.name.as_str())
        .await?
        .is_none();
    if finished && lost {
        store.builds.expire(record).await?;
        info!(%key, "a binary is lost; its build counts as expired");
    }
    Ok(())
}

fn is_older(object: &StoredObject, age: Duration) -> bool {
    object
        .written
        .is_some_and(|written| OffsetDateTime::now_utc() - written > age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_a_binary_belongs_to_it() {
        for (name, expected) in [
            (
                "build.linux.amd64.1_26_8.ab/c1",
                "build.linux.amd64.1_26_8.ab/c1",
            ),
            (
                "build.linux.amd64.1_26_8.ab/c1.recipe",
                "build.linux.amd64.1_26_8.ab/c1",
            ),
            ("build.linux.amd64.1_26_8.ab", "build.linux.amd64.1_26_8.ab"),
        ] {
            assert_eq!(stem(name), expected);
        }
    }
}
