//! The real `nats` command line against the micro services.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use serde_json::Value;

use wombat_testkit::{Stack, a_request};

/// `WOMBAT_NATS_CLI`, else what `make tools` built.
pub(crate) fn nats_program() -> anyhow::Result<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/nats");
    let program = std::env::var_os("WOMBAT_NATS_CLI").map_or(built, PathBuf::from);
    ensure!(
        program.is_file(),
        "no nats command line: run `make tools`, which builds it"
    );
    Ok(program)
}

/// The command line, at a server.
pub(crate) struct Nats {
    program: PathBuf,
    url: String,
    home: tempfile::TempDir,
}

impl Nats {
    pub(crate) fn at(url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            program: nats_program()?,
            url: url.to_owned(),
            home: tempfile::tempdir()?,
        })
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(&self.program)
            .args(["--server", &self.url])
            .args(arguments)
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path())
            .output()?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "nats {arguments:?}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        // Headers go to standard error.
        if !arguments.contains(&"--raw") && !arguments.contains(&"--json") {
            text.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        Ok(text)
    }
}

const BUILD_ENDPOINTS: [&str; 8] = [
    "request", "list", "get", "cancel", "resolve", "log", "builders", "stats",
];
const CATALOG_ENDPOINTS: [&str; 3] = ["search", "component", "select"];

#[tokio::test]
async fn both_services_describe_themselves_and_their_replies_keep_to_their_schemas()
-> anyhow::Result<()> {
    let stack = Stack::start(&crate::program()).await?;
    let nats = Nats::at(&stack.nats.url())?;

    let listed = nats.run(&["micro", "ls"])?;
    assert!(
        listed.contains("build") && listed.contains("catalog"),
        "{listed}"
    );
    let pinged = nats.run(&["micro", "ping"])?;
    assert!(
        pinged.contains("build") && pinged.contains("catalog"),
        "{pinged}"
    );

    // Builds to list, read and follow.
    let body = a_request(&["nats"]).to_string();
    let asked: Value =
        serde_json::from_str(&nats.run(&["req", "--raw", "build.request", &body])?)?;
    let id = asked["id"].as_str().context("an id")?;
    assert_eq!(
        stack.site.asked(&a_request(&["nats"])).await?,
        id,
        "the same build by both ways in"
    );

    for (service, endpoints) in [
        ("build", &BUILD_ENDPOINTS[..]),
        ("catalog", &CATALOG_ENDPOINTS[..]),
    ] {
        let info: Value = serde_json::from_str(&nats.run(&["micro", "info", service, "--json"])?)?;
        let info = if info["info"].is_object() {
            &info["info"]
        } else {
            &info
        };
        assert!(!info["description"].as_str().unwrap_or_default().is_empty());
        let described = info["endpoints"].as_array().context("endpoints")?;
        for name in endpoints {
            let endpoint = described
                .iter()
                .find(|endpoint| endpoint["name"] == *name)
                .with_context(|| format!("{service}.{name}"))?;
            assert_eq!(endpoint["subject"], format!("{service}.{name}"));
            let metadata = &endpoint["metadata"];
            assert!(
                !metadata["description"]
                    .as_str()
                    .unwrap_or_default()
                    .is_empty(),
                "{name}"
            );
            let schema = |key: &str| -> anyhow::Result<Value> {
                Ok(serde_json::from_str(
                    metadata[key]
                        .as_str()
                        .with_context(|| format!("{name}: {key}"))?,
                )?)
            };
            let (question, answer) = (schema("request-schema")?, schema("response-schema")?);
            let example: Value =
                serde_json::from_str(metadata["example"].as_str().context("an example")?)?;
            check(&question, &example).with_context(|| format!("the example of {name}"))?;

            let question = match *name {
                "request" | "resolve" => body.clone(),
                "get" | "log" => serde_json::json!({"id": id}).to_string(),
                "component" => r#"{"component":"nats"}"#.to_owned(),
                "select" => r#"{"pipeline":"input: {stdin: {}}"}"#.to_owned(),
                // Cancelled last of all, below.
                "cancel" => continue,
                _ => "{}".to_owned(),
            };
            let reply: Value = serde_json::from_str(&nats.run(&[
                "req",
                "--raw",
                &format!("{service}.{name}"),
                &question,
            ])?)?;
            check(&answer, &reply).with_context(|| format!("the reply of {name}: {reply}"))?;
        }
    }

    let refused = nats.run(&["req", "build.request", r#"{"goos":"plan10"}"#])?;
    assert!(
        refused.contains("Nats-Service-Error-Code: 400"),
        "{refused}"
    );
    let cancelled: Value = serde_json::from_str(&nats.run(&[
        "req",
        "--raw",
        "build.cancel",
        &serde_json::json!({"id": id}).to_string(),
    ])?)?;
    assert_eq!(cancelled["status"], "cancelled");
    let stats = nats.run(&["micro", "stats", "build"])?;
    assert!(stats.contains("request"), "{stats}");
    Ok(())
}

fn check(schema: &Value, value: &Value) -> anyhow::Result<()> {
    let validator = jsonschema::validator_for(schema)?;
    let problems: Vec<String> = validator
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect();
    ensure!(problems.is_empty(), "{}", problems.join("; "));
    Ok(())
}
