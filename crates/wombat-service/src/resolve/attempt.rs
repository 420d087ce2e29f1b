//! One try to choose packages and versions.

use std::collections::{BTreeMap, BTreeSet};

use wombat_model::{
    ModulePath, ModuleVersion, Problem,
    request::{Base, BuildRequest},
};

use super::{
    Policy,
    asked::Asked,
    base::{base_package, benthos},
    components::{self, Remarks},
    selection::{Selected, Selection},
    versions::Versions,
};
use crate::catalog::Snapshot;

/// Packages and versions, and what is wrong with them.
pub(super) struct Attempt {
    pub(super) selection: Selection,
    pub(super) versions: Versions,
    pub(super) problems: Vec<Problem>,
    pub(super) remarks: Remarks,
}

/// Chooses packages and the versions of their modules. Which packages bring a component depends on the versions, and
/// the versions on the modules that are used: so modules that turn out unused are left out in another round.
pub(super) fn attempt(
    request: &BuildRequest,
    asked: &Asked,
    catalog: &Snapshot,
    policy: &Policy,
    instead: &BTreeMap<ModulePath, ModuleVersion>,
) -> Attempt {
    let mut candidates: BTreeSet<ModulePath> = catalog.modules().cloned().collect();
    candidates.extend(asked.modules());
    loop {
        let versions = Versions::choose(&candidates, asked, catalog, instead);
        let mut selection = explicit(request, asked);
        let mut problems = Vec::new();
        let rules = (policy, catalog);
        let remarks = components::add(&mut selection, request, &versions, rules, &mut problems);
        let mut used: BTreeSet<ModulePath> = selection
            .values()
            .map(|package| package.module.clone())
            .collect();
        used.extend(asked.modules());
        let drivers = selection.keys().filter_map(|path| versions.driver(path));
        used.extend(drivers.map(|(module, _)| module.clone()));
        let settled = Versions::choose(&used, asked, catalog, instead);
        if settled.agrees_with(&versions) || !problems.is_empty() {
            return Attempt {
                selection,
                versions: settled,
                problems,
                remarks,
            };
        }
        candidates = used;
    }
}

/// The packages requested by path, and the base.
fn explicit(request: &BuildRequest, asked: &Asked) -> Selection {
    let benthos = benthos();
    let base: &[(&str, &str)] = match request.base {
        Base::Standard => &[
            ("pure", "No pipeline runs without it."),
            ("io", "Part of every binary unless `base` is `pure`."),
        ],
        Base::Pure => &[("pure", "No pipeline runs without it.")],
    };
    let mut selection: Selection = base
        .iter()
        .map(|(name, reason)| {
            let selected = Selected {
                module: benthos.clone(),
                base: true,
                reason: (*reason).to_owned(),
                field: None,
            };
            (base_package(name), selected)
        })
        .collect();
    selection.extend(asked.packages().map(|(path, package)| {
        let selected = Selected {
            module: package.module.clone(),
            base: false,
            reason: "Requested by path.".to_owned(),
            field: Some(package.field.clone()),
        };
        (path.clone(), selected)
    }));
    selection
}
