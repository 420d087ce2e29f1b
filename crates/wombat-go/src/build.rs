//! From a spec to a binary: retries, and the compile cache.

use std::time::Duration;

use wombat_gocache::Outcome;
use wombat_model::{BuildSpec, Failure, FailureClass, ImportPath};

use super::{
    attempt::Attempt,
    blocked,
    compile_cache::CompileCache,
    error::BuildError,
    product::Product,
    scope::Scope,
    size_limit::is_of_size,
    workshop::{Workshop, list_scope},
};

/// Pauses before retries of a build that failed with class `infra`.
const RETRY_AFTER: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
];

impl Workshop {
    /// Builds a spec. Retries failures of class `infra`, three times. What the blocklist blocks fails with class `input`.
    pub async fn build(&self, spec: &BuildSpec, scope: &Scope) -> Result<Product, BuildError> {
        let template = spec.template();
        if !template.is_known() {
            let message = format!("This builder doesn't know template {template}; upgrade it.");
            return Err(Failure::new(FailureClass::Internal, message).into());
        }
        for pause in RETRY_AFTER {
            match self.build_once(spec, scope).await {
                Err(BuildError::Failed(failure)) if failure.class == FailureClass::Infra => {
                    scope.reporter.line(format!(
                        "{} Trying again in {} s.",
                        failure.message,
                        pause.as_secs()
                    ));
                    scope.limit(tokio::time::sleep(pause)).await?;
                }
                result => return result,
            }
        }
        self.build_once(spec, scope).await
    }

    /// Fails with class `input` if the operator blocks a module of a finished product by now: the list may have changed
    /// since it was built.
    pub async fn refuse_blocked(&self, product: &Product, scope: &Scope) -> Result<(), BuildError> {
        let blocklist = self.blocklist.read(scope).await?;
        Ok(blocked::check_binary(&blocklist, &product.recipe.modules)?)
    }

    /// Builds with helpers of the compile cache, or again without them if they failed.
    async fn build_once(&self, spec: &BuildSpec, scope: &Scope) -> Result<Product, BuildError> {
        let blocklist = self.blocklist.read(scope).await?;
        blocked::check_spec(&blocklist, spec)?;
        let trusted = self.trust.covers(spec);
        let session = self.cache.session(trusted);
        let lists = list_scope(spec);
        let packages: Vec<ImportPath> = spec.packages().keys().cloned().collect();
        session.fetch_ahead(&lists, packages.clone());
        let helped = Attempt {
            workshop: self,
            spec,
            scope,
            cache: CompileCache::Helped(&session),
            lists: &lists,
            trusted,
            blocklist: &blocklist,
        };
        let built = Box::pin(helped.run()).await;
        let complete = session.outcome().await == Outcome::Complete;
        // A failed build requested only a part of the results that its packages need.
        let listed = if built.is_ok() { &packages[..] } else { &[] };
        drop(session.upload(&lists, listed));
        match built {
            Err(BuildError::Failed(failure))
                if !complete && !failure.is_blocked() && !is_of_size(&failure) =>
            {
                scope
                    .reporter
                    .line("The compile cache failed; building without it.");
                let alone = Attempt {
                    cache: CompileCache::Folder(session.folder()),
                    ..helped
                };
                Box::pin(alone.run()).await
            }
            built => built,
        }
    }
}
