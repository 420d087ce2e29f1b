//! What a module itself doesn't say about its packages, so that people write it.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use serde::Deserialize;
use wombat_model::{ImportPath, ModulePath};

/// The file of `--sources`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Sources {
    pub(super) title: String,
    pub(super) component_root: String,
    pub(super) base_module: ModulePath,
    pub(super) base: Vec<ImportPath>,
    /// Folder below the root, and its description.
    pub(super) packages: BTreeMap<String, String>,
    /// Folder below the root that can't be selected, and why.
    #[serde(default)]
    pub(super) excluded: BTreeMap<String, String>,
}

impl Sources {
    pub(super) async fn read(path: &Path) -> anyhow::Result<Self> {
        let reading = || format!("reading {}", path.display());
        let text = tokio::fs::read(path).await.with_context(reading)?;
        serde_json::from_slice(&text).with_context(reading)
    }
}
