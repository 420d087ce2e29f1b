//! Messages between processes, besides build requests: builds as JSON, and questions and answers of the micro services.

mod ahead;
mod catalog_questions;
mod components;
mod error_body;
mod go_releases;
mod health;
mod imports;
mod lint;
mod pipeline_files;
mod questions;
mod read_file;
mod recipe;
mod requirements;
mod select;
mod stats;
mod variables;
mod view;

pub use crate::build::{
    BuildJson, BuildOutline, FailureJson, InvalidRecord, PackageJson, TemplateJson,
};

pub use ahead::AheadOrder;
pub use catalog_questions::{
    BlockQuestion, BlocklistAnswer, BlocklistEffect, CatalogAnswer, CatalogQuestion,
    ComponentAnswer, ComponentProvider, ComponentQuestion, PackageHit, ReleaseSummary,
};
pub use components::{ComponentHit, ComponentsAnswer};
pub use error_body::{ErrorBody, ErrorJson};
pub use go_releases::GoReleasesAnswer;
pub use health::{HealthAnswer, StoreHealth};
pub use imports::{ImportQuestion, ImportsAnswer};
pub use lint::{LINT_LIMIT, LINT_PATIENCE, LintAnswer, LintComplaint, LintQuestion, LintReply};
pub use pipeline_files::PipelineFiles;
pub use questions::{
    BuildersAnswer, FacetCount, Facets, IdQuestion, ListAnswer, ListQuestion, LogAnswer,
    LogQuestion, LoggedEntry, NoQuestion, PhaseOfBuild, PurgeAnswer, ResolveAnswer,
    ResolvedPackage,
};
pub use read_file::{FileRole, ReadFile};
pub use recipe::Recipe;
pub use requirements::{
    REQUIREMENTS_LIMIT, REQUIREMENTS_PATIENCE, RequirementsQuestion, RequirementsReply,
};
pub use select::{
    FoundComponent, PipelineMistake, PipelinePlace, PipelineVariable, SelectAnswer, SelectQuestion,
};
pub use stats::{StatsAnswer, StatsPoint, StatsQuestion};
pub use variables::Variables;
pub use view::{BuildView, Queue};
