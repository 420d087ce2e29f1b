//! Makes a catalog release from the real module: builds every package and asks its binary for its components.
//!
//! A package's components are the difference between the binary with it and the one with the base alone. For other
//! targets than this machine, a package is only listed, which finds the packages that are empty there. [`Untried`]
//! compiles the others in a run of its own, as that takes hours.
//!
//! *plan*: what is known before packages are built · *package*: what one package gives · *assemble*: the release ·
//! *facts*: what the source of all its packages says, and the size of drivers · *shared*: what packages have in common. The
//! results of packages don't depend on each other, so that any builder can find them, and in any order.

mod assemble;
mod contents;
mod facts;
mod listing;
mod offered;
mod package;
mod plan;
mod platforms;
mod request;
mod shared;
mod specs;
mod support;

use std::collections::BTreeMap;

use tracing::info;
use wombat_model::{
    ImportPath,
    catalog::{ImportPlan, PackageOutcome},
};

use crate::Workshop;
pub use assemble::assemble;
pub use offered::OfferedPackages;
pub use platforms::Untried;
pub use request::{ImportError, ImportRequest, Imported};
pub use specs::{Effort, lowest_go, module_graph};
pub(crate) use specs::{graph_spec, required_versions};

/// Generation of the plans and releases that this importer makes.
pub const GENERATION: u32 = 5;

/// A running import.
#[derive(Debug)]
pub struct Importer<'a> {
    workshop: &'a Workshop,
    plan: &'a ImportPlan,
    effort: Effort,
}

impl<'a> Importer<'a> {
    /// Works by this plan.
    pub const fn new(workshop: &'a Workshop, plan: &'a ImportPlan, effort: Effort) -> Self {
        Self {
            workshop,
            plan,
            effort,
        }
    }

    /// What each package of the plan gives, one after the other. A package that can't be built is an error.
    pub async fn every_package(&self) -> Result<BTreeMap<ImportPath, PackageOutcome>, ImportError> {
        let mut outcomes = BTreeMap::new();
        let all = self.plan.in_order()?;
        for (done, (path, _)) in all.iter().enumerate() {
            info!(package = %path, done, of = all.len(), "importing");
            outcomes.insert(path.clone(), self.package(path).await?);
        }
        Ok(outcomes)
    }
}
