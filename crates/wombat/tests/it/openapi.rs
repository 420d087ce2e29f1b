//! Every call of the OpenAPI document, tried by schemathesis: answers match the document, and none is a 5xx.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tokio::process::Command;
use wombat_testkit::Stack;

use crate::{program, tokens::Tokens};

/// Examples per call, besides those from a schema's edge cases.
const EXAMPLES: &str = "50";

/// `WOMBAT_SCHEMATHESIS`, else what `make schemathesis` installed.
fn schemathesis() -> anyhow::Result<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let installed = tools.join("schemathesis/bin/schemathesis");
    let program = std::env::var_os("WOMBAT_SCHEMATHESIS").map_or(installed, PathBuf::from);
    ensure!(
        program.is_file(),
        "no schemathesis: run `make schemathesis`, which installs it"
    );
    Ok(program)
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_as_the_document_says() -> anyhow::Result<()> {
    let stack = Stack::start(&program()).await?;
    let _builder = stack.builder(&[])?;
    let tokens = Tokens::new()?;
    let words = ["--tokens", &tokens.path()?];
    let (_api, site) = program().gateway(&stack.nats.url(), &words).await?;
    let folder = tempfile::tempdir()?;
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/schemathesis.toml");
    let bearer = format!("Authorization: Bearer {}", tokens.of("admin"));
    let output = Command::new(schemathesis()?)
        .args(["--config-file", config.to_str().context("a path of ours")?])
        .args(["run", &format!("{}/api/openapi.json", site.url)])
        .args(["--max-examples", EXAMPLES, "--seed", "1"])
        .args(["--continue-on-failure", "--request-timeout", "70"])
        // Streams have no end.
        .args(["--exclude-path-regex", "events$"])
        .args(["--header", &bearer])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{said}");
    println!("{said}");
    stack.logs_have_no_panic()
}
