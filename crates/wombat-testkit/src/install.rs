//! Programs that are started as soon as they are written.

use std::{path::Path, process::Command};

use anyhow::ensure;

/// Copies a program by a process of its own. A child that another test forks at this moment would hold our open file, and the kernel
/// starts no program that is open for writing.
pub fn install(from: &Path, to: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("install");
    let status = command.args(["-m", "755"]).args([from, to]).status()?;
    ensure!(status.success(), "installing {}: {status}", to.display());
    Ok(())
}
