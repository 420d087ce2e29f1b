//! The base of every binary: its module and its packages.

use wombat_model::{ImportPath, ModulePath};

use crate::catalog::BENTHOS;

pub(super) fn benthos() -> ModulePath {
    BENTHOS.parse().expect("a module path")
}

pub(super) fn base_package(name: &str) -> ImportPath {
    format!("{BENTHOS}/public/components/{name}")
        .parse()
        .expect("an import path")
}
