//! Work on imports in the `catalog` bucket, until they are over: a plan for each, and a key for each of its packages.

use wombat_model::{
    ImportPath, ModulePath, ModuleVersion,
    catalog::{ImportPart, ImportPlan},
};

use crate::{
    Catalog, Revision, StoreError, Watcher, Written,
    catalog_keys::{import_part_key, import_part_keys, import_plan_key},
    follow::Start,
    record::Slot,
};

/// Values that are larger as JSON lose their authors' texts: compressed, they might not fit into a message of 512 KiB.
const LARGEST_PART: usize = 3 << 20;

impl Catalog {
    /// The plan of an import, from the leader; `None` if there is none that can be read.
    pub async fn import_plan(
        &self,
        module: &ModulePath,
        version: &ModuleVersion,
    ) -> Result<Option<ImportPlan>, StoreError> {
        Ok(
            match self.bucket.read(&import_plan_key(module, version)).await? {
                Slot::Held(held) => Some(held.value),
                Slot::Vacant | Slot::Deleted(_) | Slot::Unreadable { .. } => None,
            },
        )
    }

    /// Stores a plan in place of an older one.
    pub async fn store_import_plan(&self, plan: &ImportPlan) -> Result<(), StoreError> {
        let key = import_plan_key(&plan.module, &plan.version);
        loop {
            let (_, expected) = self.bucket.read::<ImportPlan>(&key).await?.into_parts();
            if let Written::Won(_) = self.bucket.write(&key, plan.clone(), expected).await? {
                return Ok(());
            }
        }
    }

    /// What is stored of a package of an import, from the leader, and the revision that the next write must name.
    pub async fn import_part(
        &self,
        (module, version): (&ModulePath, &ModuleVersion),
        path: &ImportPath,
    ) -> Result<(Option<ImportPart>, Option<Revision>), StoreError> {
        let key = import_part_key(module, version, path);
        Ok(self.bucket.read(&key).await?.into_parts())
    }

    /// Writes a claim of a package or its result, unless it was written since `seen`.
    pub async fn write_import_part(
        &self,
        part: ImportPart,
        seen: Option<Revision>,
    ) -> Result<Written<ImportPart>, StoreError> {
        let key = import_part_key(&part.module, &part.version, &part.path);
        let size = serde_json::to_vec(&part).map_or(0, |text| text.len());
        let part = if size > LARGEST_PART {
            part.without_words()
        } else {
            part
        };
        self.bucket.write(&key, part, seen).await
    }

    /// Gives a claim back, unless it was lost.
    pub async fn release_import_part(
        &self,
        (module, version): (&ModulePath, &ModuleVersion),
        path: &ImportPath,
        claim: Revision,
    ) -> Result<(), StoreError> {
        let key = import_part_key(module, version, path);
        self.bucket.remove_at(&key, claim).await.map(drop)
    }

    /// Watches the packages of an import.
    pub fn watch_import_parts(
        &self,
        module: &ModulePath,
        version: &ModuleVersion,
    ) -> Watcher<ImportPart> {
        let keys = import_part_keys(module, version);
        Watcher::start(&self.bucket, &keys, Start::LastPerSubject)
    }

    /// Removes the plan and the packages of an import that is over.
    pub async fn forget_import_work(
        &self,
        module: &ModulePath,
        version: &ModuleVersion,
    ) -> Result<(), StoreError> {
        for keys in [
            import_part_keys(module, version),
            import_plan_key(module, version),
        ] {
            let subjects = self.bucket.subject(&keys);
            let purge = self.bucket.stream.purge().filter(subjects);
            purge.await.map_err(|error| StoreError::of(&error))?;
        }
        Ok(())
    }
}
