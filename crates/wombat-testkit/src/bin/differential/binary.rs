//! Builds the real binary.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use wombat_testkit::pipelines::{CONNECT, PACKAGES};

/// The module that it is made of.
const MODULE: &str = "github.com/redpanda-data/connect/v4";

/// Builds it in a folder. Its module graph is the release's own.
pub(crate) fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let release = downloaded()?;
    let go_mod = std::fs::read_to_string(release.join("go.mod"))?;
    let go_mod = go_mod.replacen(&format!("module {MODULE}"), "module oracle", 1);
    let go_mod = format!("{go_mod}\nrequire {MODULE} {CONNECT}\n");
    std::fs::write(folder.join("go.mod"), go_mod)?;
    std::fs::write(
        folder.join("go.sum"),
        std::fs::read(release.join("go.sum"))?,
    )?;
    std::fs::write(folder.join("main.go"), main_file())?;
    let binary = folder.join("oracle");
    let mut go = go(folder);
    go.args(["build", "-mod=mod", "-trimpath", "-o"])
        .arg(&binary)
        .arg(".");
    let status = go.status().context("running go build")?;
    ensure!(status.success(), "go build failed: {status}");
    Ok(binary)
}

fn go(folder: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(folder)
        .env("GOFLAGS", "")
        .env("GOWORK", "off")
        .env("CGO_ENABLED", "0");
    command
}

/// The folder of the release in the module cache.
fn downloaded() -> anyhow::Result<PathBuf> {
    let output = go(&std::env::temp_dir())
        .args(["mod", "download", "-json", &format!("{MODULE}@{CONNECT}")])
        .output()?;
    ensure!(
        output.status.success(),
        "go mod download: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let folder = answer["Dir"].as_str().context("go names no folder")?;
    Ok(PathBuf::from(folder))
}

/// The same as in binaries that are built, without their names.
fn main_file() -> String {
    let mut text = "package main\n\nimport (\n\t\"context\"\n\n".to_owned();
    for base in ["io", "pure"] {
        let _ = writeln!(
            text,
            "\t_ \"github.com/redpanda-data/benthos/v4/public/components/{base}\""
        );
    }
    text.push_str("\t\"github.com/redpanda-data/benthos/v4/public/service\"\n");
    for package in PACKAGES {
        let path = package.replace('-', "/");
        let _ = writeln!(text, "\t_ \"{MODULE}/public/components/{path}\"");
    }
    text.push_str(")\n\nfunc main() {\n\tservice.RunCLI(context.Background())\n}\n");
    text
}
