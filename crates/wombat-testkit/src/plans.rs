//! Plans of imports for tests that import nothing.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use wombat_model::catalog::{BaseContents, ImportPlan, PartBasis};

/// A plan for version v1.0.0 of this module, without packages, to be varied.
///
/// # Panics
/// If it isn't a path of a module.
pub fn an_import_plan(module: &str) -> ImportPlan {
    ImportPlan {
        module: module.parse().expect("a path of a module"),
        version: "v1.0.0".parse().expect("a version"),
        requested: OffsetDateTime::UNIX_EPOCH,
        title: module.to_owned(),
        basis: PartBasis {
            generation: 4,
            host: "linux/amd64".parse().expect("a platform"),
            go: "1.26.8".parse().expect("a version of Go"),
            base_version: "v4.77.0".parse().expect("a version"),
        },
        go_versions: Vec::new(),
        lowest_go: None,
        component_root: String::new(),
        packages: BTreeMap::new(),
        excluded: BTreeMap::new(),
        base: Vec::new(),
        base_module: "a.b/base".parse().expect("a path of a module"),
        contents: BaseContents::default(),
        support: BTreeMap::new(),
    }
}
