//! What a release requires, according to its own `go.mod`, and whether it was retracted.

use std::collections::BTreeMap;

use wombat_model::{Failure, FailureClass, ModulePath, ModuleVersion, Platform};

use crate::{
    BuildError, Scope, Workshop,
    catalog_import::{graph_spec, required_versions},
};

impl Workshop {
    /// The versions of other modules that a release requires. Its graph is fetched and kept like that of a build.
    pub async fn requirements(
        &self,
        (module, version): (&ModulePath, &ModuleVersion),
        host: Platform,
        scope: &Scope,
    ) -> Result<BTreeMap<ModulePath, ModuleVersion>, BuildError> {
        let spec = graph_spec(module, version, self.settings().version, host)
            .map_err(|error| Failure::new(FailureClass::Internal, error.to_string()))?;
        let files = self.graph(&spec, scope).await?;
        let mut all = required_versions(&files.go_mod);
        all.remove(module);
        Ok(all)
    }

    /// Why the authors of a module retracted a release, in their words on one line; `None`: they didn't.
    ///
    /// # Errors
    /// If the list of the module's versions, or the `go.mod` of the newest one, can't be had.
    pub async fn retraction(
        &self,
        (module, version): (&ModulePath, &ModuleVersion),
        host: Platform,
        scope: &Scope,
    ) -> Result<Option<String>, BuildError> {
        let spec = graph_spec(module, version, self.settings().version, host)
            .map_err(|error| Failure::new(FailureClass::Internal, error.to_string()))?;
        self.retraction_of(&spec, scope).await
    }
}
