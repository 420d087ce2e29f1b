//! Imports in the `catalog` bucket: a key per module release that is to be imported.

use wombat_model::catalog::Import;

use crate::{
    Catalog, Revision, StoreError, Versioned, Watcher, Written, catalog_keys::import_key,
    follow::Start, record::Slot,
};

impl Catalog {
    /// Requests an import, in place of a finished one. An unfinished one is kept. Returns the import that is stored.
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
                // Another client requested the same at the same time.
                Written::Lost => {}
            }
        }
    }

    /// Writes the state of an import, unless it was written since `seen`.
    pub async fn write_import(
        &self,
        import: Import,
        seen: Revision,
    ) -> Result<Written<Import>, StoreError> {
        let key = import_key(&import.module, &import.version);
        self.bucket.write(&key, import, Some(seen)).await
    }

    /// Watches all imports.
    pub fn watch_imports(&self) -> Watcher<Import> {
        Watcher::start(&self.bucket, "import.>", Start::LastPerSubject)
    }
}
