//! What one package gives.

use wombat_model::{
    ImportPath, Platform,
    catalog::{PackageFindings, PackageOutcome},
};

use super::{
    ImportError, Importer,
    contents::{BinaryContents, own, spec},
};
use crate::BuildError;

impl Importer<'_> {
    /// Surveys a package on every target, builds it for this machine and asks its binary. A package whose dependencies
    /// can't be had has an outcome, too; one that can't be built for another reason is an error.
    pub async fn package(&self, path: &ImportPath) -> Result<PackageOutcome, ImportError> {
        match self.found(path).await {
            Ok(found) => Ok(PackageOutcome::Built(Box::new(found))),
            Err(ImportError::Build {
                source: BuildError::Failed(failure),
                ..
            }) if failure.unfetched.is_some() => Ok(PackageOutcome::Unfetched {
                reason: failure.message,
                dependency: failure.unfetched.unwrap_or_default(),
            }),
            Err(error) => Err(error),
        }
    }

    /// The same, but a package that can't be built has an outcome, too.
    pub async fn package_or_reason(
        &self,
        path: &ImportPath,
    ) -> Result<PackageOutcome, ImportError> {
        match self.package(path).await {
            Err(ImportError::Build {
                source: BuildError::Failed(failure),
                ..
            }) if failure.class.is_final() => Ok(PackageOutcome::Excluded {
                reason: failure.message,
            }),
            outcome => outcome,
        }
    }

    async fn found(&self, path: &ImportPath) -> Result<PackageFindings, ImportError> {
        let mut found = PackageFindings::default();
        let plan = self.plan;
        for platform in Platform::ALL {
            let spec = spec(plan, &[own(plan, path)], *platform)?;
            let scope = self.effort.scope();
            let survey = self.workshop.survey(&spec, &scope).await;
            let survey = survey.map_err(|source| ImportError::Build {
                package: path.clone(),
                source,
            })?;
            // One that can't be listed has no facts; building it says why.
            let Some(facts) = survey.packages.get(path) else {
                continue;
            };
            if facts.empty {
                found.empty_on.push(*platform);
            }
            if *platform == plan.basis.host {
                found.rcl_files = facts.marked_files;
                found.bundled = facts.bundled;
            }
        }
        if found.empty_on.contains(&plan.basis.host) {
            return Ok(found);
        }
        let packages = [own(plan, path)];
        let held = BinaryContents::of(self.workshop, plan, &packages, &self.effort).await?;
        if let Some(mut held) = held {
            found.bytes = held.bytes;
            found.compile_ms = u64::try_from(held.compile.as_millis()).ok();
            if plan.contents.stream.is_empty() {
                found.stream = std::mem::take(&mut held.stream);
            }
            found.components = held.beyond(&plan.contents.components);
        }
        Ok(found)
    }
}
