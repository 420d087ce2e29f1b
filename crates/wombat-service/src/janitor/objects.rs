//! Makes links and objects consistent with the records.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use tracing::{debug, info, warn};
use wombat_model::{ArtifactName, Build, BuildKey, BuildPublications, BuildState};
use wombat_store::{ChunkCounts, Store, StoreError, StoredObject, Versioned, Written};

use super::{damaged::unless_damaged, records::Records};

/// Prefix of objects of builds; the janitor ignores others.
const PREFIX: &str = "build.";

/// Times of the server that decide about objects without a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ages {
    /// Older ones belong to no upload.
    pub(super) orphan: OffsetDateTime,
    /// Younger ones are kept if they are the result of their build. `None`: room is short.
    pub(super) result: Option<OffsetDateTime>,
}

/// Objects of builds, and links.
pub(super) struct Objects {
    by_name: BTreeMap<String, StoredObject>,
    /// Counted after the entries were listed: a listed object then has all its chunks, or has lost them.
    chunks: ChunkCounts,
}

impl Objects {
    /// Lists the present objects.
    pub(super) async fn list(store: &Store) -> Result<Self, StoreError> {
        let objects = store.artifacts.list().await?.into_iter();
        Ok(Self {
            by_name: objects
                .filter(|object| object.name.starts_with(PREFIX))
                .map(|object| (object.name.clone(), object))
                .collect(),
            chunks: store.artifacts.chunk_counts().await?,
        })
    }

    /// Whether a binary is stored with all of its bytes.
    fn has_whole(&self, name: &ArtifactName) -> bool {
        let object = self.by_name.get(name.as_str());
        object.is_some_and(|object| self.chunks.are_all_of(object))
    }
}

/// Removes old objects and links without a record, creates missing links, and
/// marks records whose binary is lost. The records must be newer than the list of objects.
pub(super) async fn agree(
    store: &Store,
    ages: Ages,
    objects: &Objects,
    records: &Records,
) -> Result<(), StoreError> {
    let named: BTreeSet<&str> = records
        .with_binary
        .values()
        .map(|known| known.name.as_str())
        .collect();
    for object in objects.by_name.values() {
        if object.link.is_some() {
            tend_link(store, records, object, ages).await?;
        } else if !named.contains(stem(&object.name)) && object.written < ages.orphan {
            remove_unnamed(store, object, ages).await?;
        }
    }
    for (key, known) in &records.with_binary {
        if !objects.has_whole(&known.name) {
            mark_lost(store, key).await?;
        } else if !objects.by_name.contains_key(key.as_str()) {
            link(store, key, &known.name).await?;
        }
    }
    Ok(())
}

/// Creates or moves a link, unless its binary is gone since it was listed, or isn't the result of its build: the record
/// may have been changed since it was compared.
pub(super) async fn link(
    store: &Store,
    key: &BuildKey,
    name: &ArtifactName,
) -> Result<(), StoreError> {
    let published = unless_damaged(key, store.publications.of(key).await)?;
    let binary = published.as_ref().and_then(BuildPublications::binary);
    if binary.is_none_or(|binary| binary.artifact != *name) {
        return Ok(());
    }
    match store.artifacts.move_link(key, name).await {
        Err(StoreError::Lost(_)) => Ok(()),
        Err(StoreError::Corrupt { name, problem }) => {
            warn!(name, problem, "can't create a link");
            Ok(())
        }
        outcome => outcome,
    }
}

/// The binary that an object belongs to: itself, or the part before the dot, as in `<key>/<claim>.recipe`.
fn stem(name: &str) -> &str {
    let Some(claim) = name.rfind('/') else {
        return name;
    };
    match name[claim..].find('.') {
        Some(dot) => &name[..claim + dot],
        None => name,
    }
}

/// Points a link to its record's binary, or removes it.
async fn tend_link(
    store: &Store,
    records: &Records,
    there: &StoredObject,
    ages: Ages,
) -> Result<(), StoreError> {
    let key: Option<BuildKey> = there.name.parse().ok();
    let known = key.as_ref().and_then(|key| records.with_binary.get(key));
    match (key, known) {
        (Some(key), Some(known)) => {
            let right = there.link.as_deref() == Some(known.name.as_str());
            if !right && store.artifacts.find(known.name.as_str()).await?.is_some() {
                link(store, &key, &known.name).await?;
                debug!(%key, "looked at a link that isn't that of its record");
            }
        }
        (_, None) | (None, _) => {
            if there.written < ages.orphan {
                remove_unnamed(store, there, ages).await?;
            }
        }
    }
    Ok(())
}

/// Removes an object after reading its record again: the list of records is older.
async fn remove_unnamed(
    store: &Store,
    object: &StoredObject,
    ages: Ages,
) -> Result<(), StoreError> {
    let owner = object.name.split('/').next().unwrap_or(&object.name);
    if let Ok(key) = owner.parse::<BuildKey>() {
        match store.builds.get(&key).await {
            Ok(Some(record)) if is_wanted(&record, object) => return Ok(()),
            Ok(record) => {
                // Without a record, only for as long as retention would keep it.
                let is_kept =
                    record.is_some() || ages.result.is_some_and(|age| object.written >= age);
                if is_kept && is_published(store, &key, object).await? {
                    return Ok(());
                }
            }
            // Its record can't be read; an operator decides.
            Err(StoreError::Corrupt { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    store.artifacts.remove(&object.name).await?;
    info!(object = object.name, "removed an object without a record");
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
        BuildState::Building { by, .. } => stem
            .parse::<ArtifactName>()
            .is_ok_and(|name| name.claim() == by.claim),
        BuildState::New { .. }
        | BuildState::Success { .. }
        | BuildState::Failed { .. }
        | BuildState::Cancelled { .. } => false,
    };
    named || held
}

/// Whether an object is the result of its build, whatever the record says, which is about to be put back.
async fn is_published(
    store: &Store,
    key: &BuildKey,
    object: &StoredObject,
) -> Result<bool, StoreError> {
    // If it can't be read, an operator decides.
    let Some(published) = unless_damaged(key, store.publications.of(key).await)? else {
        return Ok(true);
    };
    let binary = published.binary();
    Ok(binary.is_some_and(|binary| binary.artifact.as_str() == stem(&object.name)))
}

/// Marks a success without its complete binary as expired, so that the next request builds it again. Reads both from
/// their leaders: the lists are older.
async fn mark_lost(store: &Store, key: &BuildKey) -> Result<(), StoreError> {
    let record = match store.builds.get(key).await {
        Ok(Some(record)) => record,
        Ok(None) | Err(StoreError::Corrupt { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let Some(artifact) = record.value.artifact() else {
        return Ok(());
    };
    let finished = matches!(record.value.state(), BuildState::Success { .. });
    if finished && !store.artifacts.is_whole(artifact.name.as_str()).await? {
        let expired = store.expire(record).await;
        if let Some(Written::Won(_)) = unless_damaged(key, expired)? {
            info!(%key, "a binary is lost; its build counts as expired");
        }
    }
    Ok(())
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
