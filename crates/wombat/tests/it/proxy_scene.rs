//! All roles, with a builder that fetches from the test's own module proxy.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use wombat_model::wire::BuildView;
use wombat_store::{Connection, Store};
use wombat_testkit::{
    ModuleProxy, NatsServer, Program, Site, TestModule, Wombat, a_request, go_caches, wait_until,
};

use crate::{program, tokens::Tokens};

/// With nothing in Go's caches, on two busy cores.
pub(crate) const COLD: Duration = Duration::from_mins(15);

pub(crate) struct Scene {
    nats: NatsServer,
    pub(crate) proxy: ModuleProxy,
    pub(crate) site: Site,
    pub(crate) folder: TempDir,
    tokens: Tokens,
    _service: Wombat,
    _api: Wombat,
}

impl Scene {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let nats = NatsServer::start()?;
        program().set_up(&nats, &[])?;
        let url = nats.url();
        let service = program().start(&["service", "--nats-url", &url, "--modules", "any"])?;
        let tokens = Tokens::new()?;
        let api = program().start(&[
            "api",
            "--tokens",
            &tokens.path()?,
            "--nats-url",
            &url,
            "--http",
            "127.0.0.1:0",
        ])?;
        let site = Site::new(api.first_line()?);
        site.until_ready().await?;
        let folder = TempDir::with_prefix("wombat-evil-")?;
        fs::create_dir(folder.path().join("state"))?;
        Ok(Self {
            nats,
            proxy: ModuleProxy::start().await?,
            site,
            folder,
            tokens,
            _service: service,
            _api: api,
        })
    }

    /// One more instance of the service.
    pub(crate) async fn another_service(&self) -> anyhow::Result<Wombat> {
        let service = program().start(&["service", "--nats-url", &self.nats.url()])?;
        wait_until("two services to answer", COLD, async || {
            Ok(service
                .log_text()
                .contains("the service answers")
                .then_some(()))
        })
        .await?;
        Ok(service)
    }

    /// The secret of a role.
    pub(crate) fn token(&self, role: &str) -> &str {
        self.tokens.of(role)
    }

    /// The buckets.
    pub(crate) async fn store(&self) -> anyhow::Result<(Connection, Store)> {
        self.nats.store().await
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A builder that fetches from the test's proxy, into its own module cache. Its modules aren't in a checksum
    /// database.
    pub(crate) async fn builder(&self, extra: &[&str]) -> anyhow::Result<Wombat> {
        self.start_builder(program().env("GOSUMDB", "off"), extra)
            .await
    }

    /// The same, asking the checksum database.
    pub(crate) async fn checked_builder(&self, extra: &[&str]) -> anyhow::Result<Wombat> {
        self.start_builder(program(), extra).await
    }

    async fn start_builder(&self, program: Program, extra: &[&str]) -> anyhow::Result<Wombat> {
        let [_, (_, cache)] = go_caches()?;
        let text = |path: &Path| path.to_str().map(str::to_owned).context("a path of ours");
        let (url, proxy) = (self.nats.url(), self.proxy.url());
        let (modules, cache) = (text(&self.modules())?, text(Path::new(&cache))?);
        let mut words = vec!["builder", "--nats-url", &url, "--warm", "off"];
        words.extend(["--goproxy", &proxy, "--module-cache", &modules]);
        words.extend(["--go-cache", &cache]);
        if !extra.contains(&"--workers") {
            words.extend(["--workers", "2"]);
        }
        words.extend(extra);
        let builder = program.start_in(&self.state(), &words)?;
        self.site.until_builders(1).await?;
        Ok(builder)
    }

    /// Serves a module, requests a build of it, and waits for the end; how long it took from the claim, from which
    /// limits count.
    pub(crate) async fn build(&self, module: &TestModule) -> anyhow::Result<(Value, Duration)> {
        self.proxy.serve(module)?;
        let id = self.site.asked(&request(module)).await?;
        let path = format!("/api/builds/{id}?wait=60");
        let limit = Instant::now() + COLD;
        loop {
            let view = self.site.json(&path).await?;
            if view["finished"].is_string() {
                let build: BuildView = serde_json::from_value(view.clone())?;
                let (claimed, finished) = (build.build.claimed, build.build.finished);
                let took = finished.context("its end")? - claimed.context("its claim")?;
                return Ok((view, took.unsigned_abs()));
            }
            ensure!(Instant::now() < limit, "{view}");
        }
    }

    pub(crate) async fn log(&self, view: &Value) -> anyhow::Result<String> {
        let id = view["id"].as_str().context("an id")?;
        Ok(self
            .site
            .get(&format!("/api/builds/{id}/log"))
            .await?
            .text()
            .await?)
    }

    /// A forced build of a known package.
    pub(crate) async fn rebuild(&self) -> anyhow::Result<()> {
        self.forced(&known()).await.map(drop)
    }

    /// A build that succeeds, rebuilt if it exists.
    pub(crate) async fn forced(&self, request: &Value) -> anyhow::Result<Value> {
        let mut body = request.clone();
        body["force"] = true.into();
        let response = self
            .site
            .client
            .post(format!("{}/api/builds", self.site.url))
            .bearer_auth(self.tokens.of("operator"))
            .body(body.to_string())
            .send()
            .await?;
        let view: Value = serde_json::from_str(&response.text().await?)?;
        let id = view["id"].as_str().with_context(|| view.to_string())?;
        self.site.until(id, "success", COLD).await
    }

    /// Empties Go's module cache. The relay's copies stay.
    pub(crate) fn forget_modules(&self) -> anyhow::Result<()> {
        let status = std::process::Command::new("go")
            .args(["clean", "-modcache"])
            .env("GOMODCACHE", self.modules())
            .status()?;
        ensure!(status.success(), "{status}");
        Ok(())
    }

    fn modules(&self) -> PathBuf {
        self.folder.path().join("modules")
    }
}

/// A request for a package of the catalog whose module requires few others: each scene fetches and unpacks them anew.
pub(crate) fn known() -> Value {
    let mut body = a_request(&[]);
    body["packages"] = json!(["github.com/redpanda-data/benthos/v4/public/components/pure"]);
    body
}

/// A request for a package `p` of this module, and for another one that makes it a valid build.
pub(crate) fn request(module: &TestModule) -> Value {
    let mut body = known();
    if let Some(packages) = body["packages"].as_array_mut() {
        packages.push(format!("{}/p", module.path()).into());
    }
    body["modules"] = json!({module.path(): module.version()});
    body
}
