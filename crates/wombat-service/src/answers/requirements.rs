//! What must be known of releases outside the catalog before a request is resolved.

use std::sync::Arc;

use wombat_model::{Refusal, request::BuildRequest, wire::SelectQuestion};

use super::Answers;
use crate::{
    catalog::{Snapshot, UnlistedRelease},
    resolve,
    select::requested_versions,
};

impl Answers {
    /// The catalog, and what the releases outside it require that a request names.
    pub(super) async fn knowing(&self, request: &BuildRequest) -> Result<Arc<Snapshot>, Refusal> {
        let catalog = self.catalog.snapshot();
        let unlisted = resolve::unlisted(request, &catalog, &self.args.policy());
        self.knowing_these(&unlisted, catalog).await
    }

    /// The same for a question about a pipeline.
    pub(super) async fn knowing_of(
        &self,
        question: &SelectQuestion,
        catalog: Arc<Snapshot>,
    ) -> Result<Arc<Snapshot>, Refusal> {
        let requested = requested_versions(question, &catalog);
        let policy = self.args.policy().versions;
        let unlisted = requested.into_iter().filter_map(|(module, version)| {
            let field = format!("modules.{module}");
            version.check_for(&module).ok()?;
            let is_lacking = policy.asks_builders(&module, &version, &catalog);
            is_lacking.then_some(UnlistedRelease {
                module,
                version,
                field,
            })
        });
        let unlisted: Vec<UnlistedRelease> = unlisted.collect();
        self.knowing_these(&unlisted, catalog).await
    }

    async fn knowing_these(
        &self,
        unlisted: &[UnlistedRelease],
        catalog: Arc<Snapshot>,
    ) -> Result<Arc<Snapshot>, Refusal> {
        if unlisted.is_empty() {
            return Ok(catalog);
        }
        let found = Box::pin(self.requirements.of(unlisted, &catalog)).await?;
        Ok(Arc::new(Snapshot::clone(&catalog).knowing(found)))
    }
}
