//! The plan of an import: what is known before its packages are built.

use time::OffsetDateTime;
use wombat_model::{
    Platform,
    catalog::{BaseContents, ImportPlan, PartBasis},
};

use super::{
    GENERATION, ImportError, ImportRequest, Importer,
    contents::BinaryContents,
    specs::{Effort, graph_spec, required_version},
    support::SupportTable,
};
use crate::Workshop;

impl Importer<'_> {
    /// Finds the version of the base that the module requires, and what a binary with the base alone contains.
    /// `requested` is the time of the import's request.
    pub async fn plan(
        workshop: &Workshop,
        request: ImportRequest,
        requested: OffsetDateTime,
        host: Platform,
        effort: &Effort,
    ) -> Result<ImportPlan, ImportError> {
        let base_version = if request.base_module == request.module {
            request.version.clone()
        } else {
            required_version(workshop, &request, host, effort).await?
        };
        let module = (&request.module, &request.version);
        if !workshop.has_source(module.0, module.1).await {
            let spec = graph_spec(module.0, module.1, request.go, host)?;
            let scope = effort.scope();
            let listed = workshop.packages_of_module(&spec, module.0, &scope);
            listed.await.map_err(|source| ImportError::Graph {
                module: request.module.clone(),
                source,
            })?;
        }
        let support = SupportTable::of(workshop, module).await;
        let mut plan = ImportPlan {
            module: request.module,
            version: request.version,
            requested,
            title: request.title,
            basis: PartBasis {
                generation: GENERATION,
                host,
                go: request.go,
                base_version,
            },
            go_versions: request.go_versions,
            lowest_go: request.lowest_go,
            component_root: request.component_root,
            packages: request.packages,
            excluded: request.excluded,
            base: request.base,
            base_module: request.base_module,
            contents: BaseContents::default(),
            support: support.into_levels(),
        };
        // The base's own release contains all components of its packages; other releases contain only those in
        // addition.
        if !plan.imports_base()
            && let Some(base) = BinaryContents::of(workshop, &plan, &[], effort).await?
        {
            plan.contents = BaseContents {
                components: base.components.into_keys().collect(),
                stream: base.stream,
                bytes: base.bytes,
            };
        }
        Ok(plan)
    }
}
