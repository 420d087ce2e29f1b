//! Binaries for pipelines, selected and built by a running system.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use wombat_testkit::{
    Program, Site, Wombat, artifact_path, connect, go_caches, install, nats_server_program,
};

use crate::pipeline::Pipeline;

/// How long a build may take whose packages were never compiled on this machine.
const COLD: Duration = Duration::from_mins(30);
/// In every binary.
const BASE: [&str; 2] = [
    "github.com/redpanda-data/benthos/v4/public/components/io",
    "github.com/redpanda-data/benthos/v4/public/components/pure",
];

/// The packages of a request, as import paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Packages(BTreeSet<String>);

impl Packages {
    /// Those beyond the base, without what all of Connect's begin with.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let root = connect("");
        let names = self
            .iter()
            .map(|path| path.strip_prefix(&root).unwrap_or(path));
        names.map(str::to_owned).collect()
    }

    pub(crate) fn shown(&self) -> String {
        let names: Vec<String> = self.names().into_iter().collect();
        names.join(" ")
    }

    /// Those that can be left out.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &String> {
        let paths = self.0.iter();
        paths.filter(|path| !BASE.contains(&path.as_str()))
    }

    pub(crate) fn without(&self, package: &str) -> Self {
        let mut rest = self.0.clone();
        rest.remove(package);
        Self(rest)
    }
}

/// A built program.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    bytes: usize,
}

impl Binary {
    /// Its size, in MB.
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
    pub(crate) fn size(&self) -> String {
        format!("{:.1}", self.bytes as f64 / 1e6)
    }
}

/// A running system, and what it has built.
pub(crate) struct Binaries {
    site: Site,
    _running: Wombat,
    folder: TempDir,
    built: BTreeMap<Packages, Binary>,
}

impl Binaries {
    pub(crate) async fn start(program: &Program) -> anyhow::Result<Self> {
        let server = nats_server_program()?;
        let [(_, modules), (_, cache)] = go_caches()?;
        let [server, modules, cache] = [server.into_os_string(), modules, cache]
            .map(|path| path.to_string_lossy().into_owned());
        let running = program.start(&[
            "up",
            "--http",
            "127.0.0.1:0",
            "--workers",
            "1",
            "--accept-licence",
            "RCL",
            "--nats-server",
            &server,
            "--module-cache",
            &modules,
            "--go-cache",
            &cache,
        ])?;
        let site = Site::new(running.first_line()?);
        site.until_ready().await?;
        site.until_builders(1).await?;
        Ok(Self {
            site,
            _running: running,
            folder: TempDir::with_prefix("wombat-data-flow-")?,
            built: BTreeMap::new(),
        })
    }

    /// What a pipeline needs.
    pub(crate) async fn select(&self, pipeline: &Pipeline) -> anyhow::Result<Packages> {
        let url = format!("{}/api/catalog/select", self.site.url);
        let call = self.site.client.post(url).body(pipeline.text.clone());
        let answer: Value = call.send().await?.json().await?;
        ensure!(
            answer["mistakes"] == json!([]),
            "mistakes: {}",
            answer["mistakes"]
        );
        let picked = answer["request"]["packages"].as_array();
        let picked = picked.with_context(|| format!("no request: {answer}"))?;
        let paths = picked.iter().filter_map(Value::as_str);
        Ok(Packages(paths.map(str::to_owned).collect()))
    }

    /// The binary of these packages, built once.
    pub(crate) async fn of(&mut self, packages: &Packages) -> anyhow::Result<Binary> {
        if let Some(binary) = self.built.get(packages) {
            return Ok(binary.clone());
        }
        let mut paths: Vec<String> = packages.0.iter().cloned().collect();
        if paths.is_empty() {
            paths.extend(BASE.map(str::to_owned));
        }
        let body =
            json!({"goos": "linux", "goarch": "amd64", "goVersion": "1.26.8", "packages": paths});
        let id = self.site.asked(&body).await?;
        self.site.until(&id, "success", COLD).await?;
        let bytes = self.site.bytes(&artifact_path(&id)).await?;
        let written = self.folder.path().join("written");
        fs::write(&written, &bytes)?;
        let path = self.folder.path().join(self.built.len().to_string());
        install(&written, &path)?;
        let binary = Binary {
            path,
            bytes: bytes.len(),
        };
        self.built.insert(packages.clone(), binary.clone());
        Ok(binary)
    }
}
