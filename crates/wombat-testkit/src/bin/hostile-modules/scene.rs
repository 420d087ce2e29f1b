//! A whole system in one process, which builds what strangers ask for.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use wombat_testkit::{ModuleProxy, Program, Site, Wombat, a_request, go_caches};

use crate::archive::MODULE;

/// With nothing in Go's caches, on two busy cores.
const COLD: Duration = Duration::from_mins(15);
/// Time limit of a build. One that exceeds it is tried once more.
const BUILD: Duration = Duration::from_secs(45);
/// Two tries, what comes before them, and the wait for a processor.
const ENDED: Duration = Duration::from_mins(5);

/// `wombat up`, and the module proxy that it fetches from.
pub(crate) struct Scene {
    /// Dropped first: it writes into the folder.
    running: Option<(Wombat, Site)>,
    program: Program,
    pub(crate) proxy: ModuleProxy,
    pub(crate) folder: TempDir,
    /// Whether a binary was asked to lint: the builder keeps the last ones.
    has_linted: AtomicBool,
}

impl Scene {
    /// Starts it, and builds an honest package once without limits of time.
    pub(crate) async fn start(program: &Program) -> anyhow::Result<Self> {
        let limit = format!("{}s", BUILD.as_secs());
        let folder = TempDir::with_prefix("wombat-hostile-")?;
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary)?;
        let limited = program
            .clone()
            .env("TMPDIR", temporary.to_str().context("a path of ours")?)
            .env("GOSUMDB", "off")
            .env("WOMBAT_WARM", "off")
            .env("WOMBAT_BUILD_MEMORY_LIMIT", "1GiB");
        let mut scene = Self {
            running: None,
            program: limited.clone(),
            proxy: ModuleProxy::start().await?,
            folder,
            has_linted: AtomicBool::new(false),
        };
        scene.start_again().await?;
        scene.honest(COLD).await?;
        scene.running = None;
        scene.program = limited.env("WOMBAT_BUILD_TIME_LIMIT", &limit);
        scene.start_again().await?;
        Ok(scene)
    }

    async fn start_again(&mut self) -> anyhow::Result<()> {
        let [_, (_, cache)] = go_caches()?;
        let cache = cache.to_str().context("a path of ours")?.to_owned();
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/nats-server");
        let server = std::env::var_os("WOMBAT_NATS_SERVER").map_or(built, Into::into);
        let server = server.to_str().context("a path of ours")?.to_owned();
        let proxy = self.proxy.url();
        let words = [
            "up",
            "--http",
            "127.0.0.1:0",
            "--workers",
            "2",
            "--nats-server",
            &server,
            "--goproxy",
            &proxy,
            "--go-cache",
            &cache,
        ];
        let running = self.program.start_in(self.folder.path(), &words)?;
        let site = Site::new(running.first_line()?);
        site.until_ready().await?;
        site.until_builders(1).await?;
        self.running = Some((running, site));
        Ok(())
    }

    fn site(&self) -> anyhow::Result<&Site> {
        let (_, site) = self.running.as_ref().context("it runs")?;
        Ok(site)
    }

    /// The process that is everything but nats-server, `go` and their helpers.
    pub(crate) fn process(&self) -> anyhow::Result<u32> {
        let (running, _) = self.running.as_ref().context("it runs")?;
        Ok(running.id())
    }

    /// Builds a package of the catalog anew; how long it took.
    pub(crate) async fn honest(&self, limit: Duration) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let mut body = known();
        body["force"] = true.into();
        let id = self.site()?.asked(&body).await?;
        self.site()?.until(&id, "success", limit).await?;
        Ok(begun.elapsed())
    }

    /// Requests the package `p` of a module of this version; the build's id, or the reason of a refusal.
    pub(crate) async fn ask(&self, version: &str) -> anyhow::Result<Result<String, String>> {
        let mut body = known();
        let packages = body["packages"].as_array_mut().context("packages")?;
        packages.push(format!("{MODULE}/p").into());
        body["modules"] = json!({MODULE: version});
        let (status, answer) = self.site()?.ask(&body).await?;
        if !status.is_success() {
            return Ok(Err(answer.to_string()));
        }
        let id = answer["id"].as_str().context("an id")?;
        Ok(Ok(id.to_owned()))
    }

    /// Waits until the build has left the queue.
    pub(crate) async fn until_begun(&self, id: &str) -> anyhow::Result<()> {
        wombat_testkit::wait_until("the build to begin", ENDED, async || {
            let view = self.view(id).await?;
            Ok((view["status"] != "new").then_some(()))
        })
        .await
    }

    /// The record of a build that has ended.
    pub(crate) async fn ended(&self, id: &str) -> anyhow::Result<Value> {
        let begun = Instant::now();
        loop {
            let view = self
                .site()?
                .json(&format!("/api/builds/{id}?wait=20"))
                .await?;
            if view["finished"].is_string() {
                return Ok(view);
            }
            ensure!(begun.elapsed() < ENDED, "the build doesn't end: {view}");
        }
    }

    async fn view(&self, id: &str) -> anyhow::Result<Value> {
        self.site()?.json(&format!("/api/builds/{id}")).await
    }

    /// What the binary of a build is made of; its answer's beginning doesn't matter, only that there is one.
    pub(crate) async fn contents(&self, id: &str) -> anyhow::Result<()> {
        let response = self
            .site()?
            .get(&format!("/api/builds/{id}/contents"))
            .await?;
        response.bytes().await?;
        Ok(())
    }

    /// What a client is told who has the binary lint a pipeline.
    pub(crate) async fn lint(&self, id: &str) -> anyhow::Result<String> {
        self.has_linted.store(true, Ordering::Relaxed);
        let site = self.site()?;
        let response = site
            .client
            .post(format!("{}/api/builds/{id}/lint", site.url))
            .body("input:\n  stdin: {}\noutput:\n  stdout: {}\n")
            .send()
            .await?;
        let status = response.status();
        let text = response.text().await?;
        if text.is_empty() {
            bail!("an empty answer to a lint: {status}");
        }
        Ok(format!("{} {text}", status.as_u16()))
    }

    /// The log of a build.
    pub(crate) async fn log(&self, id: &str) -> anyhow::Result<String> {
        let response = self.site()?.get(&format!("/api/builds/{id}/log")).await?;
        Ok(String::from_utf8_lossy(&response.bytes().await?).into_owned())
    }

    /// Most folders of builds that may be left: each lane of lint keeps its last binary.
    pub(crate) fn kept(&self) -> usize {
        const LINT_LANES: usize = 2;
        if self.has_linted.load(Ordering::Relaxed) {
            LINT_LANES
        } else {
            0
        }
    }

    /// Folders of builds that are left.
    pub(crate) fn jobs(&self) -> anyhow::Result<usize> {
        Ok(std::fs::read_dir(self.folder.path().join("builder/jobs"))?.count())
    }
}

/// A request for a package of the catalog whose module requires few others.
fn known() -> Value {
    let mut body = a_request(&[]);
    body["packages"] = json!(["github.com/redpanda-data/benthos/v4/public/components/pure"]);
    body
}
