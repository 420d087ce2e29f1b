//! The selected packages, and why.

use std::collections::BTreeMap;

use wombat_model::{ImportPath, ModulePath};

/// A selected package.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    pub(super) module: ModulePath,
    pub(super) base: bool,
    /// Why it was selected, for people.
    pub(super) reason: String,
    /// The field of the request that it was selected for, for problems.
    pub(super) field: Option<String>,
}

pub(super) type Selection = BTreeMap<ImportPath, Selected>;
