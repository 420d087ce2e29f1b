//! Real Go, for measures whose subject is Go: a system whose builders really build, and `go build` by hand beside it.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use futures::TryStreamExt as _;
use serde_json::Value;
use tempfile::TempDir;
use wombat_testkit::{Program, Site, Wombat, a_request, go_caches};

use crate::{bench::Bench, stand_in::Scene};

/// With nothing compiled, on two cores.
const COLD: Duration = Duration::from_mins(20);

/// A system with real builders.
#[derive(Debug)]
pub(crate) struct RealScene {
    scene: Scene,
    program: Program,
    modules: OsString,
    /// The cache folder of the builder that compiles everything first.
    pub(crate) compiled: PathBuf,
}

impl RealScene {
    /// The same for any modules, with builders that ask no checksum database.
    pub(crate) async fn start_unchecked(bench: &Bench) -> anyhow::Result<Self> {
        let scene = Self::with(bench, &["--modules", "any"]).await?;
        Ok(Self {
            program: scene.program.env("GOSUMDB", "off"),
            ..scene
        })
    }

    /// A service and a gateway; no builder yet.
    pub(crate) async fn start(bench: &Bench) -> anyhow::Result<Self> {
        Self::with(bench, &[]).await
    }

    async fn with(bench: &Bench, service: &[&str]) -> anyhow::Result<Self> {
        let [(_, modules), (_, compiled)] = go_caches()?;
        Ok(Self {
            scene: Scene::start(bench, service).await?,
            program: bench.program.clone(),
            modules,
            compiled: compiled.into(),
        })
    }

    pub(crate) fn site(&self) -> &Site {
        &self.scene.site
    }

    pub(crate) fn nats_url(&self) -> String {
        self.scene.nats.url()
    }

    /// A builder with one worker that compiles into `cache`, and connects to NATS at `nats`, unless `extra` sets
    /// something else.
    pub(crate) async fn builder(
        &self,
        state: &Path,
        cache: &Path,
        nats: &str,
        extra: &[&str],
    ) -> anyhow::Result<Wombat> {
        let modules = self.modules.to_str().context("a path of ours")?;
        let cache = cache.to_str().context("a path of ours")?;
        let mut words = vec!["builder", "--nats-url", nats, "--warm", "off"];
        for (name, value) in [
            ("--workers", "1"),
            ("--module-cache", modules),
            ("--go-cache", cache),
        ] {
            if !extra.contains(&name) {
                words.extend([name, value]);
            }
        }
        words.extend(extra);
        let builder = self.program.start_in(state, &words)?;
        self.site().until_builders(1).await?;
        Ok(builder)
    }

    /// Ends a builder and waits until it isn't listed any more.
    pub(crate) async fn end(&self, mut builder: Wombat) -> anyhow::Result<()> {
        builder.terminate()?;
        builder.ended(Duration::from_mins(1))?;
        self.site().until_builders(0).await
    }

    /// Has a selection built; how long it took until its binary could be downloaded.
    pub(crate) async fn build(&self, names: &[&str]) -> anyhow::Result<(Value, Duration)> {
        let start = Instant::now();
        let request = self
            .site()
            .client
            .post(format!("{}/api/builds", self.site().url));
        let response = request
            .header("prefer", "wait=60")
            .body(a_request(names).to_string())
            .send()
            .await?;
        let mut view: Value = serde_json::from_str(&response.text().await?)?;
        let mut took = start.elapsed();
        let id = view["id"]
            .as_str()
            .with_context(|| view.to_string())?
            .to_owned();
        if view["status"] != "success" {
            view = self.site().until(&id, "success", COLD).await?;
            took = start.elapsed();
        }
        let artifact = wombat_testkit::artifact_path(&id);
        let head = self
            .site()
            .client
            .head(format!("{}{artifact}", self.site().url));
        ensure!(
            head.send().await?.status() == 200,
            "{id} can't be downloaded"
        );
        Ok((view, took))
    }

    /// Waits until this many packages have their list, which a builder shares last.
    pub(crate) async fn until_shared(&self, packages: usize) -> anyhow::Result<()> {
        let client = async_nats::connect(self.nats_url()).await?;
        let jetstream = async_nats::jetstream::new(client);
        wombat_testkit::wait_until("what was compiled to be shared", COLD, async || {
            let stream = jetstream.get_stream("KV_gocache").await?;
            let lists = stream.info_with_subjects("$KV.gocache.list.>").await?;
            let lists: Vec<(String, usize)> = lists.try_collect().await?;
            let mut packages_listed: Vec<&str> = lists
                .iter()
                .filter_map(|(subject, _)| Some(subject.rsplit_once('.')?.0))
                .collect();
            packages_listed.dedup();
            Ok((packages_listed.len() >= packages).then_some(()))
        })
        .await
    }

    /// The source of a build, ready for `go build`.
    pub(crate) async fn source(&self, id: &str) -> anyhow::Result<Source> {
        let recipe = self
            .site()
            .json(&format!("/api/builds/{id}/recipe"))
            .await?;
        Source::new(&recipe, &self.modules)
    }
}

/// The source of one build in its own folder.
#[derive(Debug)]
pub(crate) struct Source {
    folder: TempDir,
    environment: BTreeMap<String, OsString>,
    command: String,
}

impl Source {
    fn new(recipe: &Value, modules: &OsString) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-source-")?;
        let files = recipe["files"].as_object().context("a recipe has files")?;
        for (name, text) in files {
            fs::write(folder.path().join(name), text.as_str().context("text")?)?;
        }
        let variables = recipe["environment"]
            .as_object()
            .context("a recipe has variables")?;
        let mut environment: BTreeMap<String, OsString> = variables
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.into())))
            .collect();
        environment.insert("GOMODCACHE".to_owned(), modules.clone());
        Ok(Self {
            folder,
            environment,
            command: recipe["command"]
                .as_str()
                .context("a recipe has a command")?
                .to_owned(),
        })
    }

    /// `go build` with this cache folder, and this program for it if any; how long it took.
    pub(crate) fn build(&self, cache: &Path, program: Option<&str>) -> anyhow::Result<Duration> {
        let start = Instant::now();
        // At a low priority, as builders do.
        let status = Command::new("nice")
            .args(["-n", "10", "sh", "-c", &format!("exec {}", self.command)])
            .envs(&self.environment)
            .env("GOCACHE", cache)
            .env("GOCACHEPROG", program.unwrap_or_default())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .status()?;
        ensure!(status.success(), "go build failed");
        Ok(start.elapsed())
    }

    /// How long it takes to copy the binary twice.
    pub(crate) fn copy_twice(&self) -> anyhow::Result<Duration> {
        let binary = self.folder.path().join("wombat");
        let start = Instant::now();
        for name in ["one", "two"] {
            fs::copy(&binary, self.folder.path().join(name))?;
        }
        Ok(start.elapsed())
    }
}
