//! Two small programs that real Go links, with its build info in them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::ensure;

const MAIN: &str = include_str!("program/main.go");
const GO_MOD: &str = include_str!("program/go.mod");
const GO_SUM: &str = include_str!("program/go.sum");

/// One without components, and one with the processor `acme_shout`.
pub(crate) fn link(folder: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let source = folder.join("program");
    std::fs::create_dir_all(&source)?;
    for (name, content) in [("main.go", MAIN), ("go.mod", GO_MOD), ("go.sum", GO_SUM)] {
        std::fs::write(source.join(name), content)?;
    }
    let build = |name: &str, more: &str| -> anyhow::Result<PathBuf> {
        let output = folder.join(name);
        let done = Command::new("go")
            .args(["build", "-buildvcs=false", "-mod=readonly"])
            // Makes room for the build information of a stand-in for `go`; with `-trimpath` it would leave no trace.
            .arg(format!("-ldflags=-s -w -X main.room={:08192} {more}", 0))
            .arg("-o")
            .arg(&output)
            .arg(".")
            .env("CGO_ENABLED", "0")
            .env("GOFLAGS", "")
            .env("GOOS", "linux")
            .env("GOARCH", "amd64")
            .current_dir(&source)
            .output()?;
        ensure!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        Ok(output)
    };
    Ok((
        build("plain", "")?,
        build("shout", "-X main.processors=acme_shout")?,
    ))
}
