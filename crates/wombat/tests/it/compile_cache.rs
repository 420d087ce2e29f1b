//! The compile cache, with real Go and real builders: what one builder compiled, no other compiles; and builds succeed
//! even if the cache fails.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use futures::TryStreamExt;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;
use wombat_testkit::{Damage, NatsServer, Site, Wombat, a_request, go_caches, wait_until};

use crate::program;

/// With nothing in Go's caches, on two busy cores.
const COLD: Duration = Duration::from_mins(15);
const BUCKET: &str = "KV_gocache";

/// A service and a gateway, and builders one at a time.
struct Scene {
    nats: NatsServer,
    jetstream: async_nats::jetstream::Context,
    site: Site,
    _service: Wombat,
    _api: Wombat,
}

impl Scene {
    async fn start(setup: &[&str]) -> anyhow::Result<Self> {
        let nats = NatsServer::start()?;
        program().set_up(&nats, setup)?;
        let url = nats.url();
        let service = program().start(&["service", "--nats-url", &url, "--modules", "any"])?;
        let api = program().start(&["api", "--nats-url", &url, "--http", "127.0.0.1:0"])?;
        let site = Site::new(api.first_line()?);
        site.until_ready().await?;
        let client = nats.connection().await?.client().clone();
        let jetstream = async_nats::jetstream::new(client);
        Ok(Self {
            nats,
            jetstream,
            site,
            _service: service,
            _api: api,
        })
    }

    /// A builder that compiles into this folder.
    fn builder(&self, state: &Path, cache: &Path) -> anyhow::Result<Wombat> {
        let [(_, modules), _] = go_caches()?;
        let text = |path: &Path| path.to_str().map(str::to_owned).context("a path of ours");
        program().start_in(
            state,
            &[
                "builder",
                "--nats-url",
                &self.nats.url(),
                "--workers",
                "1",
                "--warm",
                "off",
                "--module-cache",
                &text(Path::new(&modules))?,
                "--go-cache",
                &text(cache)?,
            ],
        )
    }

    async fn built(&self, request: &Value) -> anyhow::Result<Value> {
        let id = self.site.asked(request).await?;
        self.site.until(&id, "success", COLD).await
    }

    /// A builder with Go's own cache builds these, one by one, and uploads what it compiled to the shared cache.
    async fn fill(&self, selections: &[&[&str]]) -> anyhow::Result<()> {
        let [_, (_, cache)] = go_caches()?;
        let state = TempDir::with_prefix("wombat-first-")?;
        let mut builder = self.builder(state.path(), Path::new(&cache))?;
        for selection in selections {
            self.built(&a_request(selection)).await?;
        }
        // The list of a selection is uploaded last; `pure` and `io` are in each.
        let lists = 2 + selections.iter().map(|names| names.len()).sum::<usize>();
        wait_until("what was compiled to be shared", COLD, async || {
            let shared = self.subjects("$KV.gocache.list.>").await?.len();
            Ok((shared >= lists).then_some(()))
        })
        .await?;
        builder.signal(Signal::SIGTERM)?;
        builder.ended(Duration::from_mins(1))?;
        Ok(())
    }

    async fn subjects(&self, filter: &str) -> anyhow::Result<Vec<String>> {
        let stream = self.jetstream.get_stream(BUCKET).await?;
        let subjects = stream.info_with_subjects(filter).await?;
        let subjects: Vec<(String, usize)> = subjects.try_collect().await?;
        Ok(subjects.into_iter().map(|(subject, _)| subject).collect())
    }
}

/// How many results the last build of this builder had to compile.
fn made(builder: &Wombat) -> anyhow::Result<u32> {
    let log = builder.log_text();
    let line = log.lines().rfind(|line| line.contains("the build's use"));
    let words = line
        .context("a build tells what it made")?
        .split_whitespace();
    let made = words.rev().find_map(|word| word.strip_prefix("made="));
    Ok(made.context("a count")?.parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_builder_compiles_nothing_that_another_did() -> anyhow::Result<()> {
    let scene = Scene::start(&[]).await?;
    scene.fill(&[&["nats"], &["mqtt"]]).await?;

    let state = TempDir::with_prefix("wombat-second-")?;
    let builder = scene.builder(state.path(), &state.path().join("compiled"))?;
    let start = Instant::now();
    let view = scene.built(&a_request(&["nats", "mqtt"])).await?;
    wait_until(
        "the builder to sum up",
        Duration::from_secs(10),
        async || Ok(made(&builder).ok()),
    )
    .await?;
    let made = made(&builder)?;
    println!(
        "a new builder: {:?}, {made} results made: {}",
        start.elapsed(),
        view["timings"]
    );
    // Only the main package is new and compiled.
    assert!(made < 8, "{made}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_in_the_fleet_is_compiled_again() -> anyhow::Result<()> {
    let scene = Scene::start(&[]).await?;
    scene.fill(&[&["nats"]]).await?;
    let stream = scene.jetstream.get_stream(BUCKET).await?;
    let subjects = scene.subjects("$KV.gocache.entry.>").await?;
    let whole = stream
        .get_last_raw_message_by_subject(&subjects[0])
        .await?
        .payload;
    let damaged = [b"nonsense".to_vec(), whole[..whole.len() / 2].to_vec(), {
        let mut changed = whole.to_vec();
        *changed.last_mut().context("an entry has bytes")? ^= 1;
        changed
    }];
    for (subject, content) in subjects[1..].iter().zip(damaged.iter().cycle()).take(30) {
        stream.purge().filter(subject).await?;
        scene
            .jetstream
            .publish(subject.clone(), content.clone().into())
            .await?
            .await?;
    }

    let state = TempDir::with_prefix("wombat-second-")?;
    let builder = scene.builder(state.path(), &state.path().join("compiled"))?;
    // Another selection of the same packages: the list of the first one leads to the damaged results.
    let request = with_base(a_request(&["nats"]), "pure");
    scene.built(&request).await?;
    let made = made(&builder)?;
    assert!(
        made >= 10,
        "only {made} of the damaged results were compiled again"
    );
    Ok(())
}

/// Each kind of damage that a crash of the machine leaves: empty, cut, or of the right size with zeros. Go itself
/// checks the beginning of each result.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_on_a_builders_own_disk_is_made_again() -> anyhow::Result<()> {
    let scene = Scene::start(&[]).await?;
    scene.fill(&[&["nats"], &["mqtt"]]).await?;
    let state = TempDir::with_prefix("wombat-second-")?;
    let cache = state.path().join("compiled");
    let mut builder = scene.builder(state.path(), &cache)?;
    let request = a_request(&["nats", "mqtt"]);
    scene.built(&request).await?;
    builder.kill()?;
    let mut damages = Damage::ALL.into_iter().chain([Damage::Tail]).cycle();
    let mut results = 0;
    for folder in std::fs::read_dir(&cache)?
        .flatten()
        .map(|entry| entry.path())
    {
        for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if file.file_name().to_string_lossy().ends_with("-d") {
                damages.next().context("no end")?.of(&file.path());
                results += 1;
            }
        }
    }
    assert!(results > 300, "{results}");
    let _builder = scene.builder(state.path(), &cache)?;
    // Another build, since this one exists already.
    scene.built(&with_base(request, "pure")).await?;
    Ok(())
}

/// Without `io`, so that it is another build of mostly the same packages.
fn with_base(mut request: Value, base: &str) -> Value {
    request["base"] = base.into();
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_goes_away_in_the_middle_costs_nothing_but_time() -> anyhow::Result<()> {
    let scene = Scene::start(&[]).await?;
    scene.fill(&[&["nats"]]).await?;
    let state = TempDir::with_prefix("wombat-second-")?;
    let cache = state.path().join("compiled");
    let builder = scene.builder(state.path(), &cache)?;
    let id = scene
        .site
        .asked(&with_base(a_request(&["nats"]), "pure"))
        .await?;
    wait_until("a part of it to be there", COLD, async || {
        let folders = std::fs::read_dir(&cache).into_iter().flatten().flatten();
        Ok((folders.count() > 40).then_some(()))
    })
    .await?;
    scene.jetstream.delete_stream(BUCKET).await?;
    scene.site.until(&id, "success", COLD).await?;
    assert!(
        builder.log_text().contains("going on without it"),
        "{}",
        builder.log_text()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_fleet_takes_no_more_and_builds_go_on() -> anyhow::Result<()> {
    let scene = Scene::start(&["--fleet-cache-limit", "1MiB"]).await?;
    let [_, (_, cache)] = go_caches()?;
    let state = TempDir::with_prefix("wombat-first-")?;
    let builder = scene.builder(state.path(), Path::new(&cache))?;
    scene.built(&a_request(&["nats"])).await?;
    wait_until("the bucket to be full", COLD, async || {
        Ok(builder.log_text().contains("cache is full").then_some(()))
    })
    .await?;
    scene.built(&a_request(&["mqtt"])).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_whose_helper_is_killed_succeeds_without_it() -> anyhow::Result<()> {
    let scene = Scene::start(&[]).await?;
    let [_, (_, cache)] = go_caches()?;
    let state = TempDir::with_prefix("wombat-first-")?;
    let builder = scene.builder(state.path(), Path::new(&cache))?;
    let builder_id = builder.id();
    // Either helper: that of the list of packages, or that of the compiler.
    let killer = std::thread::spawn(move || -> anyhow::Result<()> {
        let start = Instant::now();
        while start.elapsed() < COLD {
            if let Some(helper) = helper_below(builder_id) {
                kill(Pid::from_raw(helper.cast_signed()), Signal::SIGKILL)?;
                return Ok(());
            }
            std::thread::yield_now();
        }
        anyhow::bail!("no helper was seen")
    });
    scene.built(&a_request(&["nats"])).await?;
    killer
        .join()
        .map_err(|_| anyhow::anyhow!("the killer panicked"))??;
    Ok(())
}

/// A helper of the compile cache among the descendants of this process.
fn helper_below(ancestor: u32) -> Option<u32> {
    let parent_of = |id: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        stat.rsplit_once(')')?
            .1
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()
    };
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.into_iter().find(|id| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        let is_helper = words.nth(1) == Some(b"cache-helper");
        is_helper && std::iter::successors(Some(*id), |id| parent_of(*id)).any(|id| id == ancestor)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_modules_outside_the_catalog_compile_to_stays_private() -> anyhow::Result<()> {
    let scene = Scene::start(&[]).await?;
    let [_, (_, cache)] = go_caches()?;
    let state = TempDir::with_prefix("wombat-first-")?;
    let _builder = scene.builder(state.path(), Path::new(&cache))?;
    let benthos = "github.com/redpanda-data/benthos/v4";
    let request = serde_json::json!({
        "goos": "linux", "goarch": "amd64", "goVersion": "1.26.8",
        "packages": [format!("{benthos}/public/components/pure"), "github.com/nats-io/nkeys"],
        "modules": {"github.com/nats-io/nkeys": "v0.4.15"}, "base": "pure",
    });
    scene.built(&request).await?;
    assert!(
        state.path().join("go-build-private").is_dir(),
        "it went somewhere else"
    );
    assert_eq!(scene.subjects("$KV.gocache.>").await?, Vec::<String>::new());
    // A build of catalog modules after it shares the entries that it used.
    scene.built(&a_request(&["nats"])).await?;
    wait_until("it to be shared", COLD, async || {
        let lists = scene.subjects("$KV.gocache.list.>").await?;
        Ok((!lists.is_empty()).then_some(()))
    })
    .await
}
