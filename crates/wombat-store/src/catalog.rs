//! The `catalog` bucket: a key per module release, and one for the blocklist; `imports`, `import_work`, `default_releases` and
//! `go_releases` have its other keys. It decides what "newest" means, the same for every instance.

use wombat_model::{Blocklist, ModulePath, ModuleVersion, catalog::Release, names::CATALOG_BUCKET};

use crate::{
    Connection, Revision, StoreError, Versioned, Watcher, Written,
    catalog_keys::release_key,
    follow::{Start, last},
    record::{Bucket, Slot},
};

/// The keys of releases.
const RELEASES: &str = "release.>";

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

    /// Stores a release unless the bucket has it from the same or a newer generation of the importer, or it was
    /// removed. Returns whether it was stored.
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

    /// Replaces a release and returns the previous one. Changes nothing if the key was written or removed after
    /// `revision`.
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

    /// Changes a release, and returns whether there is one. Changes nothing if the key was written after `revision`.
    pub async fn amend(
        &self,
        (module, version): (&ModulePath, &ModuleVersion),
        revision: Revision,
        amend: impl Fn(&mut Release),
    ) -> Result<bool, StoreError> {
        let key = release_key(module, version);
        loop {
            let held = match self.bucket.read::<Release>(&key).await? {
                Slot::Held(entry) if entry.revision > revision => return Ok(true),
                Slot::Held(entry) => entry,
                Slot::Vacant | Slot::Deleted(_) | Slot::Unreadable { .. } => return Ok(false),
            };
            let mut release = held.value;
            amend(&mut release);
            let written = self.bucket.write(&key, release, Some(held.revision));
            match written.await? {
                Written::Won(_) => return Ok(true),
                // Another instance does the same.
                Written::Lost => {}
            }
        }
    }

    /// The newest revision of any release, from the leader; zero if there is none.
    pub async fn last_revision(&self) -> Result<Revision, StoreError> {
        last(&self.bucket.stream, &self.bucket.subject(RELEASES)).await
    }

    /// Watches all releases.
    pub fn watch(&self) -> Watcher<Release> {
        Watcher::start(&self.bucket, RELEASES, Start::LastPerSubject)
    }
}

/// The key of the blocklist.
const BLOCKLIST: &str = "blocklist";

impl Catalog {
    /// The blocklist, from the leader, and the revision that the next list must name.
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

    /// The revision that the next blocklist must name, from the leader, whether the present list can be read or not.
    pub async fn blocklist_revision(&self) -> Result<Revision, StoreError> {
        let (_, revision) = self.bucket.read::<Blocklist>(BLOCKLIST).await?.into_parts();
        Ok(revision.unwrap_or(Revision::ZERO))
    }

    /// Replaces the blocklist of this revision.
    pub async fn block(
        &self,
        list: Blocklist,
        seen: Revision,
    ) -> Result<Written<Blocklist>, StoreError> {
        let expected = Some(seen).filter(|seen| *seen != Revision::ZERO);
        self.bucket.write(BLOCKLIST, list, expected).await
    }

    /// Watches the blocklist.
    pub fn watch_blocklist(&self) -> Watcher<Blocklist> {
        Watcher::start(&self.bucket, BLOCKLIST, Start::LastPerSubject)
    }
}
