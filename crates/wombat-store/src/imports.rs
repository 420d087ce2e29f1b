//! Imports in the `catalog` bucket: a key with the request of each, which only services may write, and a key with its
//! progress, which builders write as well.

use wombat_model::{
    ModulePath, ModuleVersion,
    catalog::{AskedImport, Import},
};

use crate::{
    Catalog, Revision, StoreError, Versioned, Watcher, Written,
    catalog_keys::{asked_import_key, import_key},
    follow::Start,
    record::Slot,
};

impl Catalog {
    /// Requests an import, in place of a finished one. An unfinished one that a service was asked for is kept. Returns
    /// the import that is stored.
    pub async fn ask_for_import(&self, import: Import) -> Result<Versioned<Import>, StoreError> {
        let (module, version) = (&import.module, &import.version);
        let (key, asked_key) = (
            import_key(module, version),
            asked_import_key(module, version),
        );
        loop {
            let (asked, seen) = self.bucket.read(&asked_key).await?.into_parts();
            let told = self.bucket.read::<Import>(&key).await?;
            let open = asked.filter(|asked| is_unfinished(asked, &told));
            if let (Some(asked), Slot::Held(held)) = (&open, &told)
                && asked.is_of(&held.value)
            {
                return Ok(held.clone());
            }
            // First the request: progress without one isn't believed.
            let wanted = if let Some(asked) = open {
                asked
            } else {
                let asked = AskedImport::new(&import);
                match self.bucket.write(&asked_key, asked, seen).await? {
                    Written::Won(written) => written.value,
                    Written::Lost => continue,
                }
            };
            let (_, expected) = told.into_parts();
            let import = wanted.import().clone();
            match self.bucket.write(&key, import, expected).await? {
                Written::Won(written) => return Ok(written),
                // Another client requested the same at the same time.
                Written::Lost => {}
            }
        }
    }

    /// The request of an import, from the leader; `None` if there is none that can be read.
    pub async fn asked_import(
        &self,
        module: &ModulePath,
        version: &ModuleVersion,
    ) -> Result<Option<Versioned<AskedImport>>, StoreError> {
        let key = asked_import_key(module, version);
        Ok(match self.bucket.read(&key).await? {
            Slot::Held(held) => Some(held),
            Slot::Vacant | Slot::Deleted(_) | Slot::Unreadable { .. } => None,
        })
    }

    /// Writes how the import of a request ended, unless the request was written since `seen`.
    pub async fn end_asked_import(
        &self,
        asked: AskedImport,
        seen: Revision,
    ) -> Result<Written<AskedImport>, StoreError> {
        let key = asked_import_key(&asked.import().module, &asked.import().version);
        self.bucket.write(&key, asked, Some(seen)).await
    }

    /// Watches the requests of all imports.
    pub fn watch_asked_imports(&self) -> Watcher<AskedImport> {
        Watcher::start(&self.bucket, "asked.>", Start::LastPerSubject)
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

/// Whether a request is open, and no builder told the end of its import.
fn is_unfinished(asked: &AskedImport, told: &Slot<Import>) -> bool {
    let is_over = match told {
        Slot::Held(held) => asked.is_of(&held.value) && held.value.is_over(),
        Slot::Vacant | Slot::Deleted(_) | Slot::Unreadable { .. } => false,
    };
    asked.is_open() && !is_over
}
