//! What crosses the wire, besides requests: the JSON of a build, and the questions and answers of the micro services.

mod ahead;
mod build_json;
mod components;
mod error_body;
mod health;
mod imports;
mod lint;
mod questions;
mod recipe;
mod stats;
mod view;

pub use ahead::AheadOrder;
pub use build_json::{BuildJson, BuildOutline, FailureJson, InvalidRecord, PackageJson};
pub use components::{ComponentHit, ComponentsAnswer};
pub use error_body::{ErrorBody, ErrorJson};
pub use health::{HealthAnswer, StoreHealth};
pub use imports::{ImportQuestion, ImportsAnswer};
pub use lint::{LintAnswer, LintComplaint, LintQuestion, LintReply};
pub use questions::{
    BlockQuestion, BlocklistAnswer, BuildersAnswer, CatalogAnswer, CatalogQuestion,
    ComponentAnswer, ComponentProvider, ComponentQuestion, FacetCount, Facets, FoundComponent,
    IdQuestion, ListAnswer, ListQuestion, LogAnswer, LogQuestion, LoggedEntry, NoQuestion,
    PackageHit, PhaseOfBuild, PipelineMistake, PurgeAnswer, ReleaseSummary, ResolveAnswer,
    ResolvedPackage, SelectAnswer, SelectQuestion,
};
pub use recipe::Recipe;
pub use stats::{StatsAnswer, StatsPoint, StatsQuestion};
pub use view::{BuildView, Queue};
