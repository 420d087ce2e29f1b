//! Programs that list components as binaries do, for imports with a stand-in for `go`.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

const SOURCE: &str = r#"package main

import (
	_ "embed"
	"os"
)

//go:embed listing.json
var listing string

func main() { os.Stdout.WriteString(listing) }
"#;

/// Programs, each with its own list; dropping it removes them.
#[derive(Debug)]
pub struct Listers {
    folder: TempDir,
}

impl Listers {
    /// None yet.
    pub fn new() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-lister-")?;
        Ok(Self { folder })
    }

    /// A program that lists these processors, for this machine. Needs Go.
    pub fn program(&self, name: &str, processors: &[&str]) -> anyhow::Result<PathBuf> {
        let source = self.folder.path().join(name);
        fs::create_dir_all(&source)?;
        fs::write(source.join("go.mod"), "module lister\n\ngo 1.24\n")?;
        fs::write(source.join("main.go"), SOURCE)?;
        fs::write(source.join("listing.json"), listing(processors).to_string())?;
        let program = source.join("program");
        let output = Command::new("go")
            .arg("build")
            // Makes room for the build information of a stand-in for `go`.
            .arg(format!("-ldflags=-s -w -X main.room={:08192}", 0))
            .arg("-o")
            .args([program.as_os_str(), ".".as_ref()])
            .env("CGO_ENABLED", "0")
            .current_dir(&source)
            .output()
            .context("lists of components need Go")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{said}");
        Ok(program)
    }
}

fn listing(processors: &[&str]) -> Value {
    let component = |name: &&str| json!({"name": name, "config": {"type": "object"}});
    let processors: Vec<Value> = processors.iter().map(component).collect();
    let mut all = json!({"config": [{"name": "input", "type": "input"}], "processors": processors});
    for kind in [
        "buffers",
        "caches",
        "inputs",
        "outputs",
        "rate-limits",
        "metrics",
        "tracers",
        "scanners",
        "bloblang-functions",
        "bloblang-methods",
    ] {
        all[kind] = json!([]);
    }
    all
}
