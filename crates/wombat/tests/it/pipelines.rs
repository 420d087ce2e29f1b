//! Pipelines against binaries: the packages that a pipeline is said to need make it run, and none of them can be left
//! out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use wombat_testkit::{Site, Wombat, artifact_path, connect};

use crate::{
    program,
    real_build::{COLD, up, write_program},
};

/// A pipeline, and the packages that its first line lists.
struct Pipeline {
    name: String,
    path: PathBuf,
    text: String,
    needs: BTreeSet<String>,
}

fn pipelines() -> anyhow::Result<Vec<Pipeline>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pipelines");
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let first = text.lines().next().unwrap_or_default();
        let needs = first.strip_prefix("# needs:").context("what it needs")?;
        let name = path.file_stem().unwrap_or_default();
        all.push(Pipeline {
            name: name.to_string_lossy().into_owned(),
            needs: needs.split_whitespace().map(str::to_owned).collect(),
            text,
            path,
        });
    }
    all.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(all)
}

/// Binaries by their packages, built once each.
struct Binaries {
    site: Site,
    _running: Wombat,
    _state: TempDir,
    folder: TempDir,
    built: BTreeMap<BTreeSet<String>, PathBuf>,
}

impl Binaries {
    async fn new() -> anyhow::Result<Self> {
        let state = TempDir::with_prefix("wombat-pipelines-")?;
        let running = up(state.path())?;
        let site = Site::new(running.first_line()?);
        site.until_ready().await?;
        Ok(Self {
            site,
            _running: running,
            _state: state,
            folder: TempDir::new()?,
            built: BTreeMap::new(),
        })
    }

    async fn with(&mut self, packages: &BTreeSet<String>) -> anyhow::Result<PathBuf> {
        if let Some(path) = self.built.get(packages) {
            return Ok(path.clone());
        }
        let mut paths: Vec<String> = packages.iter().map(|name| connect(name)).collect();
        if paths.is_empty() {
            paths.push("github.com/redpanda-data/benthos/v4/public/components/io".to_owned());
        }
        // The installed Go, whose packages other tests compile, too.
        let body =
            json!({"goos": "linux", "goarch": "amd64", "goVersion": "1.26.8", "packages": paths});
        let id = self.site.asked(&body).await?;
        self.site.until(&id, "success", COLD).await?;
        let bytes = self.site.get(&artifact_path(&id)).await?.bytes().await?;
        let path = self.folder.path().join(format!("{}", self.built.len()));
        write_program(&path, &bytes)?;
        self.built.insert(packages.clone(), path.clone());
        Ok(path)
    }
}

/// What the binary's linter says against a pipeline, if anything.
fn complaints(binary: &Path, pipeline: &Path) -> anyhow::Result<Option<String>> {
    let output = Command::new(binary)
        .args(["lint", "--skip-env-var-check"])
        .arg(pipeline)
        .output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Ok((!output.status.success()).then_some(said))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pipeline_gets_what_it_needs_and_no_more() -> anyhow::Result<()> {
    let mut binaries = Binaries::new().await?;
    let site = binaries.site.clone();
    let pipelines = pipelines()?;
    ensure!(pipelines.len() >= 25);
    let root = connect("");
    for pipeline in &pipelines {
        let Pipeline { name, needs, .. } = pipeline;
        let url = format!("{}/api/catalog/select", site.url);
        let call = site.client.post(url).body(pipeline.text.clone());
        let answer: Value = call.send().await?.json().await?;
        ensure!(answer["mistakes"] == json!([]), "{name}: {answer}");
        let picked = answer["request"]["packages"].as_array();
        let picked: BTreeSet<String> = picked
            .with_context(|| format!("{name}: {answer}"))?
            .iter()
            .filter_map(|path| path.as_str()?.strip_prefix(&root).map(str::to_owned))
            .collect();
        ensure!(picked == *needs, "{name}: {picked:?}");

        let binary = binaries.with(needs).await?;
        let complaint = complaints(&binary, &pipeline.path)?;
        ensure!(complaint.is_none(), "{name}: {complaint:?}");
        for package in needs {
            let mut rest = needs.clone();
            rest.remove(package);
            let binary = binaries.with(&rest).await?;
            let complaint = complaints(&binary, &pipeline.path)?;
            ensure!(complaint.is_some(), "{name} doesn't need {package}");
        }
    }
    Ok(())
}

#[test]
fn the_help_shows_how_a_pipeline_is_built() -> anyhow::Result<()> {
    let output = program().command().args(["build", "--help"]).output()?;
    let help = String::from_utf8(output.stdout)?;
    ensure!(
        help.contains("wombat build --config pipeline.yaml"),
        "{help}"
    );
    Ok(())
}

/// The components of a binary, as `kind/name`.
fn held(binary: &Path) -> anyhow::Result<BTreeSet<String>> {
    let output = Command::new(binary)
        .args(["list", "--format", "json-full"])
        .output()?;
    let listing: Value = serde_json::from_slice(&output.stdout)?;
    let kinds = [
        ("buffers", "buffer"),
        ("caches", "cache"),
        ("inputs", "input"),
        ("outputs", "output"),
        ("processors", "processor"),
        ("rate-limits", "rate_limit"),
        ("metrics", "metric"),
        ("tracers", "tracer"),
        ("scanners", "scanner"),
        ("bloblang-functions", "bloblang_function"),
        ("bloblang-methods", "bloblang_method"),
    ];
    let mut all = BTreeSet::new();
    for (list, kind) in kinds {
        for component in listing[list].as_array().context(list)? {
            let name = component["name"].as_str().context("a name")?;
            all.insert(format!("{kind}/{name}"));
        }
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_says_what_real_binaries_hold() -> anyhow::Result<()> {
    let mut binaries = Binaries::new().await?;
    let site = binaries.site.clone();
    let base = held(&binaries.with(&BTreeSet::new()).await?)?;
    let listed = site
        .json("/api/catalog?module=github.com/redpanda-data/connect/v4&limit=1000")
        .await?;
    let packages = listed["packages"].as_array().context("packages")?;
    ensure!(packages.len() >= 79, "{}", packages.len());
    for name in ["nats", "redis", "avro", "crypto", "javascript"] {
        let binary = binaries.with(&BTreeSet::from([name.to_owned()])).await?;
        let real: BTreeSet<String> = held(&binary)?.difference(&base).cloned().collect();
        let path = connect(name);
        let package = packages.iter().find(|it| it["path"] == path.as_str());
        let package = package.with_context(|| path.clone())?;
        let said = package["components"].as_array().context("components")?;
        let said: BTreeSet<String> = said
            .iter()
            .map(|it| {
                let word = |field: &str| it[field].as_str().unwrap_or_default().to_owned();
                format!("{}/{}", word("kind"), word("name"))
            })
            .collect();
        ensure!(real == said, "{name}: {real:?} {said:?}");
        let said_size = package["addedBytes"].as_u64().context("a size")?;
        let grown = fs::metadata(&binary)?.len()
            - fs::metadata(binaries.with(&BTreeSet::new()).await?)?.len();
        // Another Go version makes binaries of another size.
        ensure!(
            said_size.abs_diff(grown) < grown / 5 + 100_000,
            "{name}: {said_size} {grown}"
        );
    }
    Ok(())
}
