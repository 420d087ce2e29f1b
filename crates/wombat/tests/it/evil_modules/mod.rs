//! Modules that mean harm, built by real Go: what they are after never gets out, and they end in words.

mod cases;
mod connections;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use wombat_testkit::{
    ModuleProxy, NatsServer, Site, TestModule, Wombat, a_request, artifact_path, go_caches,
};

use crate::program;
use cases::{Case, module, packages};

/// With nothing in Go's caches, on two busy cores.
const COLD: Duration = Duration::from_mins(15);
/// What a build of an evil module may take here.
const TIME_LIMIT: Duration = Duration::from_secs(40);
const MEMORY_LIMIT: &str = "1GiB";
const MODULE: &str = "evil.example/m";
const TOKEN: &str = "a-token-of-this-test";

struct Scene {
    nats: NatsServer,
    proxy: ModuleProxy,
    site: Site,
    folder: TempDir,
    _service: Wombat,
    _api: Wombat,
}

impl Scene {
    async fn start() -> anyhow::Result<Self> {
        let nats = NatsServer::start()?;
        program().set_up(&nats, &[])?;
        let url = nats.url();
        let service = program().start(&["service", "--nats-url", &url])?;
        let api = program().env("WOMBAT_TOKEN", TOKEN).start(&[
            "api",
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
            _service: service,
            _api: api,
        })
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A builder that fetches from the test's proxy, into a module cache of its own.
    async fn builder(&self, extra: &[&str]) -> anyhow::Result<Wombat> {
        let [_, (_, cache)] = go_caches()?;
        let modules = self.folder.path().join("modules");
        let text = |path: &Path| path.to_str().map(str::to_owned).context("a path of ours");
        let mut words = [
            "builder",
            "--nats-url",
            &self.nats.url(),
            "--warm",
            "off",
            "--workers",
            "2",
            "--goproxy",
            &self.proxy.url(),
            "--module-cache",
            &text(&modules)?,
            "--go-cache",
            &text(Path::new(&cache))?,
        ]
        .map(str::to_owned)
        .to_vec();
        words.extend(extra.iter().map(|word| (*word).to_owned()));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // The modules of this test are in no checksum database.
        let builder = program()
            .env("GOSUMDB", "off")
            .start_in(&self.state(), &words)?;
        self.site.until_builders(1).await?;
        Ok(builder)
    }

    /// Serves a module, asks for it, and waits for the end; how long that took.
    async fn build(&self, module: &TestModule) -> anyhow::Result<(Value, Duration)> {
        self.proxy.serve(module)?;
        let begun = Instant::now();
        let id = self.site.asked(&request(module)).await?;
        let path = format!("/api/builds/{id}?wait=60");
        let limit = Instant::now() + COLD;
        loop {
            let view = self.site.json(&path).await?;
            if view["finished"].is_string() {
                return Ok((view, begun.elapsed()));
            }
            ensure!(Instant::now() < limit, "{view}");
        }
    }

    async fn log(&self, view: &Value) -> anyhow::Result<String> {
        let id = view["id"].as_str().context("an id")?;
        Ok(self
            .site
            .get(&format!("/api/builds/{id}/log"))
            .await?
            .text()
            .await?)
    }

    /// A build of known packages, made anew.
    async fn rebuild(&self) -> anyhow::Result<()> {
        let mut body = a_request(&["nats"]);
        body["force"] = true.into();
        let response = self
            .site
            .client
            .post(format!("{}/api/builds", self.site.url))
            .bearer_auth(TOKEN)
            .body(body.to_string())
            .send()
            .await?;
        let view: Value = serde_json::from_str(&response.text().await?)?;
        let id = view["id"].as_str().with_context(|| view.to_string())?;
        self.site.until(id, "success", COLD).await?;
        Ok(())
    }

    /// Whether any file that the builder keeps has this text.
    fn keeps(&self, text: &str) -> anyhow::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut folders = vec![self.state()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else if contains(&fs::read(entry.path())?, text) {
                    found.push(entry.path());
                }
            }
        }
        Ok(found)
    }

    fn nothing_is_left(&self) -> anyhow::Result<()> {
        let jobs = fs::read_dir(self.state().join("builder/jobs"))?.count();
        ensure!(jobs == 0, "{jobs} folders are left");
        let running = running_below(self.folder.path())?;
        ensure!(running.is_empty(), "{running:?} are left");
        Ok(())
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Command lines of the compilers that work below a folder.
fn running_below(folder: &Path) -> anyhow::Result<Vec<String>> {
    let jobs = folder.join("state/builder/jobs").display().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if contains(&line, &jobs) {
            found.push(String::from_utf8_lossy(&line).into_owned());
        }
    }
    Ok(found)
}

fn version(n: usize) -> String {
    format!("v1.0.{n}")
}

fn request(module: &TestModule) -> Value {
    let mut body = a_request(&["nats"]);
    let packages = body["packages"].as_array_mut().unwrap();
    packages.push(format!("{MODULE}/p").into());
    body["modules"] = json!({MODULE: module.version()});
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn what_modules_are_after_never_gets_out() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    // What everybody needs is compiled without limits on time, once for this machine.
    let builder = scene.builder(&[]).await?;
    let id = scene.site.asked(&a_request(&["nats"])).await?;
    let known = scene.site.until(&id, "success", COLD).await?;
    assert!(
        ["landlock", "namespaces"].contains(&known["sandbox"].as_str().unwrap_or_default()),
        "{known}"
    );
    drop(builder);

    let canary = canary()?;
    let place = TempDir::with_prefix("wombat-canary-")?;
    let secret = place.path().join("secret");
    fs::write(&secret, format!("{canary}\n"))?;
    let fifo = place.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU)?;
    let limit = format!("{}s", TIME_LIMIT.as_secs());
    let builder = scene
        .builder(&[
            "--build-time-limit",
            &limit,
            "--build-memory-limit",
            MEMORY_LIMIT,
        ])
        .await?;

    let cases = cases::all(&place.path().join("secret"), &fifo, builder.id());
    for case in &cases {
        judge(&scene, case, &canary).await?;
    }
    let kept = scene.keeps(&canary)?;
    assert!(kept.is_empty(), "{kept:?}");
    drop(builder);
    Ok(())
}

/// Builds one, and looks at all that comes out.
async fn judge(scene: &Scene, case: &Case, canary: &str) -> anyhow::Result<()> {
    let (view, took) = scene.build(&case.module).await?;
    let name = case.name;
    let log = scene.log(&view).await?;
    eprintln!("{name}: {took:?} {} {}", view["status"], view["error"]);
    match case.classes {
        [] => assert_eq!(view["status"], "success", "{name}: {view}"),
        classes => {
            let class = view["failure"]["class"].as_str().unwrap_or_default();
            assert!(classes.contains(&class), "{name}: {view}");
        }
    }
    let error = view["error"].as_str().unwrap_or_default();
    assert!(error.contains(case.words), "{name}: {view}");
    assert!(
        took < TIME_LIMIT + Duration::from_secs(2),
        "{name}: {took:?}"
    );
    assert!(!contains(log.as_bytes(), canary), "{name}: {log}");
    assert!(!log.contains("GOCACHEPROG="), "{name}: {log}");
    assert!(!view.to_string().contains(canary), "{name}: {view}");
    if view["status"] == "success" {
        let id = view["id"].as_str().context("an id")?;
        let binary = scene.site.get(&artifact_path(id)).await?.bytes().await?;
        assert!(!contains(&binary, canary), "{name}");
    }
    scene.nothing_is_left().with_context(|| name.to_owned())?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_of_a_greedy_build_go_on() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let builder = scene.builder(&[]).await?;
    scene.rebuild().await?;
    let evil = packages(module(0));
    scene.proxy.serve(&evil)?;
    let id = scene.site.asked(&request(&evil)).await?;
    scene.site.until(&id, "building", COLD).await?;
    for _ in 0..3 {
        scene.rebuild().await?;
    }
    let view = scene.site.json(&format!("/api/builds/{id}")).await?;
    assert_eq!(view["status"], "building", "it was there all the time");
    drop(builder);
    Ok(())
}

/// A word that is nowhere else.
fn canary() -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(format!("canary{}x{}", std::process::id(), now.as_nanos()))
}
