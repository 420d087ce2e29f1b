//! Imports in the `catalog` bucket: one key a module release that somebody asked for.

use wombat_model::{ModulePath, ModuleVersion, catalog::Import};

use crate::{
    Catalog, Revision, StoreError, Versioned, Watcher, Written, catalog::key_of, follow::Start,
    record::Slot,
};

impl Catalog {
    /// Asks for an import, in place of one that is over. One that is under way stays as it is. Answers with what holds.
    pub async fn ask_for_import(&self, import: Import) -> Result<Versioned<Import>, StoreError> {
        let key = import_key(&import.module, &import.version);
        loop {
            let expected = match self.bucket.read::<Import>(&key).await? {
                Slot::Held(held) if !held.value.is_over() => return Ok(held),
                Slot::Held(held) => Some(held.revision),
                Slot::Deleted(revision) | Slot::Unreadable { revision, .. } => Some(revision),
                Slot::Vacant => None,
            };
            match self.bucket.write(&key, import.clone(), expected).await? {
                Written::Won(written) => return Ok(written),
                // Somebody asked for the same at the same time.
                Written::Lost => {}
            }
        }
    }

    /// Writes how far an import is, unless somebody else wrote since `seen`.
    pub async fn write_import(
        &self,
        import: Import,
        seen: Revision,
    ) -> Result<Written<Import>, StoreError> {
        let key = import_key(&import.module, &import.version);
        self.bucket.write(&key, import, Some(seen)).await
    }

    /// Follows all imports.
    pub fn watch_imports(&self) -> Watcher<Import> {
        Watcher::start(&self.bucket, "import.>", Start::LastPerSubject)
    }
}

pub(crate) fn import_key(module: &ModulePath, version: &ModuleVersion) -> String {
    key_of("import", module, version)
}
