//! The catalog at one revision.

use std::{collections::BTreeMap, sync::Arc};

use super::documents::{Documented, Documents};
use wombat_model::{Blocklist, ImportPath, ModulePath, ModuleVersion, catalog::Release};

/// Releases by module and version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    releases: BTreeMap<ModulePath, BTreeMap<ModuleVersion, Arc<Release>>>,
    blocklist: Arc<Blocklist>,
    documents: Documents,
    revision: u64,
}

impl Snapshot {
    pub(crate) fn new(releases: impl IntoIterator<Item = Arc<Release>>, revision: u64) -> Self {
        let mut all = Self {
            revision,
            ..Self::default()
        };
        for release in releases {
            all.releases
                .entry(release.module.clone())
                .or_default()
                .insert(release.version.clone(), release);
        }
        all
    }

    /// The same with another list of what is blocked.
    pub(crate) fn blocking(self, blocklist: Arc<Blocklist>) -> Self {
        Self { blocklist, ..self }
    }

    /// The same with what was imported about its releases.
    pub(crate) fn documented(self, documents: Documents) -> Self {
        Self { documents, ..self }
    }

    /// What was imported about a release.
    pub(super) fn document(&self, release: &Release) -> Option<&Arc<Documented>> {
        self.documents.get(release.document.as_ref()?)
    }

    /// What nobody may build.
    pub(crate) fn blocklist(&self) -> &Blocklist {
        &self.blocklist
    }

    /// The highest revision of the bucket that is in it.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &ModulePath> {
        self.releases.keys()
    }

    pub(crate) fn has(&self, module: &ModulePath) -> bool {
        self.releases.contains_key(module)
    }

    pub(crate) fn release(
        &self,
        module: &ModulePath,
        version: &ModuleVersion,
    ) -> Option<&Arc<Release>> {
        self.releases.get(module)?.get(version)
    }

    /// What a request without a version gets.
    pub(crate) fn newest(&self, module: &ModulePath) -> Option<&Arc<Release>> {
        Some(self.releases.get(module)?.last_key_value()?.1)
    }

    /// The newest release of each module.
    pub(crate) fn newest_of_each(&self) -> impl Iterator<Item = &Arc<Release>> {
        self.releases
            .values()
            .filter_map(|versions| Some(versions.last_key_value()?.1))
    }

    /// All releases by module, newest first within it.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Release>> {
        self.releases
            .values()
            .flat_map(|versions| versions.values().rev())
    }

    /// The module that a path lies in: the one with the longest path.
    pub(crate) fn module_of(&self, path: &ImportPath) -> Option<&ModulePath> {
        self.modules()
            .filter(|module| module.contains(path))
            .max_by_key(|module| module.as_str().len())
    }
}
