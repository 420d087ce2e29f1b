//! Where real builds of tests and measurements share Go's caches.

use std::{ffi::OsString, process::Command};

use anyhow::Context;

/// Folders of Go that real builds share, so that they don't compile everything again: what `go env` says.
pub fn go_caches() -> anyhow::Result<[(&'static str, OsString); 2]> {
    let ask = |name| -> anyhow::Result<OsString> {
        let output = Command::new("go")
            .args(["env", name])
            .output()
            .context("real builds need Go")?;
        Ok(String::from_utf8(output.stdout)?.trim().into())
    };
    Ok([
        ("WOMBAT_MODULE_CACHE", ask("GOMODCACHE")?),
        ("WOMBAT_GO_CACHE", ask("GOCACHE")?),
    ])
}
