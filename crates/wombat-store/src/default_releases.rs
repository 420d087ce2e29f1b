//! The default releases that were reached so far: one key of the `catalog` bucket.

use std::collections::BTreeMap;

use wombat_model::{ModulePath, ModuleVersion, catalog::DefaultReleases};

use crate::{Catalog, StoreError, Watcher, Written, follow::Start};

/// The key.
const DEFAULT_RELEASES: &str = "default-releases";

impl Catalog {
    /// Notes newer default releases; older ones change nothing.
    pub async fn raise_default_releases(
        &self,
        reached: &BTreeMap<ModulePath, ModuleVersion>,
    ) -> Result<(), StoreError> {
        loop {
            let slot = self
                .bucket
                .read::<DefaultReleases>(DEFAULT_RELEASES)
                .await?;
            let (known, expected) = slot.into_parts();
            let mut defaults = known.unwrap_or_default();
            if !defaults.raise_to(reached) {
                return Ok(());
            }
            let written = self.bucket.write(DEFAULT_RELEASES, defaults, expected);
            if let Written::Won(_) = written.await? {
                return Ok(());
            }
        }
    }

    /// Watches them.
    pub fn watch_default_releases(&self) -> Watcher<DefaultReleases> {
        Watcher::start(&self.bucket, DEFAULT_RELEASES, Start::LastPerSubject)
    }
}
