//! A release of a module: as it is named on the command line, and as it is stored in a file.

use std::path::Path;

use anyhow::Context;
use wombat_model::{ModulePath, ModuleVersion, catalog::Release};

/// `module@version`.
pub(super) fn parse_release(text: &str) -> anyhow::Result<(ModulePath, ModuleVersion)> {
    let (module, version) = text
        .split_once('@')
        .with_context(|| format!("`{text}` isn't module@version"))?;
    let module: ModulePath = module.parse()?;
    let version: ModuleVersion = version.parse()?;
    version.check_for(&module)?;
    Ok((module, version))
}

#[expect(
    clippy::disallowed_methods,
    reason = "called by a command that does nothing else"
)]
pub(super) fn read_release(path: &Path) -> anyhow::Result<Release> {
    let reading = || format!("reading {}", path.display());
    let text = std::fs::read(path).with_context(reading)?;
    serde_json::from_slice(&text).with_context(reading)
}

/// Written completely or not at all: hours of work may be in the file.
pub(super) fn write_release(path: &Path, release: &Release) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(release)? + "\n";
    wombat_files::store_file(path, text.as_bytes())
        .with_context(|| format!("writing {}", path.display()))
}
