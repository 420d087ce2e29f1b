//! The `catalog` bucket: one key a module release, and one for what is blocked. It decides what "newest" is, for every
//! instance alike.

use wombat_model::{Blocklist, ModulePath, ModuleVersion, catalog::Release, names::CATALOG_BUCKET};

use crate::{
    Connection, Revision, StoreError, Versioned, Watcher, Written,
    follow::Start,
    record::{Bucket, Slot},
};

/// Module releases.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(crate) bucket: Bucket,
}

impl Catalog {
    pub(crate) async fn open(connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            bucket: Bucket::open(connection, CATALOG_BUCKET).await?,
        })
    }

    /// Stores a release unless there is one of the same module and version that is as good. Whether it was stored. One
    /// that was removed stays so.
    pub async fn seed(&self, release: Release) -> Result<bool, StoreError> {
        let key = release_key(&release.module, &release.version);
        let expected = match self.bucket.read::<Release>(&key).await? {
            Slot::Held(entry) if entry.value.generation < release.generation => {
                Some(entry.revision)
            }
            Slot::Held(_) | Slot::Deleted(_) => return Ok(false),
            Slot::Unreadable { revision, .. } => Some(revision),
            Slot::Vacant => None,
        };
        Ok(matches!(
            self.bucket.write(&key, release, expected).await?,
            Written::Won(_)
        ))
    }

    /// Stores a release in place of what there was, and answers with that. What was written or removed after `revision`
    /// stays.
    pub async fn store(
        &self,
        release: Release,
        revision: Revision,
    ) -> Result<Option<Release>, StoreError> {
        let key = release_key(&release.module, &release.version);
        loop {
            let (expected, before) = match self.bucket.read::<Release>(&key).await? {
                Slot::Held(entry) if entry.revision > revision => return Ok(None),
                Slot::Held(entry) => (Some(entry.revision), Some(entry.value)),
                Slot::Deleted(written)
                | Slot::Unreadable {
                    revision: written, ..
                } => {
                    if written > revision {
                        return Ok(None);
                    }
                    (Some(written), None)
                }
                Slot::Vacant => (None, None),
            };
            match self.bucket.write(&key, release.clone(), expected).await? {
                Written::Won(_) => return Ok(before),
                // Another instance does the same.
                Written::Lost => {}
            }
        }
    }

    /// Follows all releases.
    pub fn watch(&self) -> Watcher<Release> {
        Watcher::start(&self.bucket, "release.>", Start::LastPerSubject)
    }
}

/// The key of what is blocked.
const BLOCKLIST: &str = "blocklist";

impl Catalog {
    /// What is blocked, from the leader, and the revision that the next list has to name.
    pub async fn blocklist(&self) -> Result<Versioned<Blocklist>, StoreError> {
        let none = |revision| Versioned {
            value: Blocklist::default(),
            revision,
        };
        Ok(match self.bucket.read(BLOCKLIST).await? {
            Slot::Held(entry) => entry,
            Slot::Deleted(revision) => none(revision),
            Slot::Vacant => none(Revision::ZERO),
            Slot::Unreadable { problem, .. } => return Err(problem),
        })
    }

    /// Puts a list in place of the one of this revision.
    pub async fn block(
        &self,
        list: Blocklist,
        seen: Revision,
    ) -> Result<Written<Blocklist>, StoreError> {
        let expected = Some(seen).filter(|seen| *seen != Revision::ZERO);
        self.bucket.write(BLOCKLIST, list, expected).await
    }

    /// Follows what is blocked.
    pub fn watch_blocklist(&self) -> Watcher<Blocklist> {
        Watcher::start(&self.bucket, BLOCKLIST, Start::LastPerSubject)
    }
}

pub(crate) fn release_key(module: &ModulePath, version: &ModuleVersion) -> String {
    key_of("release", module, version)
}

/// Keys of a bucket hold fewer characters than paths and versions do: the others become `=` and two hex digits.
pub(crate) fn key_of(kind: &str, module: &ModulePath, version: &ModuleVersion) -> String {
    let mut key = format!("{kind}.");
    for byte in module
        .as_str()
        .bytes()
        .chain([b'/'])
        .chain(version.as_str().bytes())
    {
        if byte.is_ascii_alphanumeric() || b"-_/".contains(&byte) {
            key.push(char::from(byte));
        } else {
            key.push('=');
            key.push_str(&hex::encode([byte]));
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_valid_and_tell_releases_apart() {
        let key = key_of(
            "release",
            &"a.b/c~d".parse().unwrap(),
            &"v2.0.0+incompatible".parse().unwrap(),
        );
        assert_eq!(key, "release.a=2eb/c=7ed/v2=2e0=2e0=2bincompatible");
    }
}
