//! The cost of the sandbox for a build, and the duration of a build beside a greedy one.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tempfile::TempDir;
use wombat_testkit::{ModuleProxy, TestModule, a_request};

use crate::{
    bench::Bench,
    real_go::RealScene,
    report::{Bound, Section, Unit},
    samples::Samples,
};

/// Packages whose pairs are built; each is compiled once, first.
const NAMES: [&str; 6] = ["nats", "redis", "mqtt", "prometheus", "amqp09", "kafka"];
/// Packages of the greedy module: small, so that compilers are started all the time.
const GREEDY: usize = 10_000;
/// Builds alone, and as many beside the greedy one.
const NEIGHBOURS: usize = 7;

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "Sandbox",
        "Real Go. Two systems with a builder each, one of them started with `--insecure-no-sandbox`, take turns with the same new \
         selections of two packages, everything compiled; who begins changes from pair to pair. The neighbour is a build on the second \
         worker of the same builder, of a module with 10,000 packages that have to be compiled.",
    );
    cost(bench, &mut section).await?;
    neighbour(bench, &mut section).await?;
    Ok(section)
}

/// All selections of two packages.
fn pairs() -> impl Iterator<Item = [&'static str; 2]> {
    NAMES.into_iter().enumerate().flat_map(|(n, one)| {
        let others = NAMES.into_iter().skip(n + 1);
        others.map(move |other| [one, other])
    })
}

async fn cost(bench: &Bench, section: &mut Section) -> anyhow::Result<()> {
    let sides = [
        Side::start(bench, &[]).await?,
        Side::start(bench, &["--insecure-no-sandbox"]).await?,
    ];
    for name in NAMES {
        for side in &sides {
            side.scene.build(&[name]).await?;
        }
    }
    let [mut with, mut without, mut costs] = <[Samples; 3]>::default();
    let all: Vec<_> = pairs().collect();
    for (n, names) in all.iter().take(bench.times(all.len())).enumerate() {
        let mut took = [Duration::ZERO; 2];
        for turn in 0..2 {
            let place = (n + turn) % 2;
            (_, took[place]) = sides[place].scene.build(names).await?;
        }
        let [confined, free] = took.map(|time| time.as_secs_f64());
        with.push(confined);
        without.push(free);
        costs.push(confined - free);
    }
    section.target(
        "what the sandbox costs a warm build, median of 15 pairs",
        Unit::Seconds,
        Bound::AtMost(0.1),
        costs.median(),
    );
    section.row("new selection in the sandbox", Unit::Seconds, with);
    section.row("the same without a sandbox", Unit::Seconds, without);
    section.row("difference, pair by pair", Unit::Seconds, costs);
    for side in sides {
        side.scene.end(side.builder).await?;
    }
    Ok(())
}

/// A system with one builder.
struct Side {
    scene: RealScene,
    builder: wombat_testkit::Wombat,
    _state: TempDir,
}

impl Side {
    async fn start(bench: &Bench, extra: &[&str]) -> anyhow::Result<Self> {
        let scene = RealScene::start(bench).await?;
        let state = TempDir::with_prefix("wombat-bench-")?;
        let builder = scene
            .builder(state.path(), &scene.compiled, &scene.nats_url(), extra)
            .await?;
        Ok(Self {
            scene,
            builder,
            _state: state,
        })
    }
}

async fn neighbour(bench: &Bench, section: &mut Section) -> anyhow::Result<()> {
    let scene = RealScene::start_unchecked(bench).await?;
    let proxy = ModuleProxy::start().await?;
    let folder = TempDir::with_prefix("wombat-bench-")?;
    let modules = folder.path().join("modules");
    let modules = modules.to_str().context("a path of ours")?;
    let url = proxy.url();
    let extra = [
        ["--workers", "2"],
        ["--goproxy", &url],
        ["--module-cache", modules],
    ]
    .concat();
    let state = folder.path().join("state");
    std::fs::create_dir(&state)?;
    let nats = scene.nats_url();
    let builder = scene
        .builder(&state, &scene.compiled, &nats, &extra)
        .await?;
    for name in NAMES {
        scene.build(&[name]).await?;
    }
    let mut selections = pairs();
    let mut measured = async || -> anyhow::Result<Samples> {
        let mut times = Samples::default();
        for names in selections.by_ref().take(bench.times(NEIGHBOURS)) {
            times.push_time(scene.build(&names).await?.1);
        }
        Ok(times)
    };
    let alone = measured().await?;
    let greedy = TestModule::new("greedy.example/m", "v1.0.0").with_packages(GREEDY);
    proxy.serve(&greedy)?;
    let mut request = a_request(&["nats"]);
    request["packages"] = json!([request["packages"][0], "greedy.example/m/p"]);
    request["modules"] = json!({greedy.path(): greedy.version()});
    let id = scene.site().asked(&request).await?;
    scene
        .site()
        .until(&id, "building", Duration::from_mins(1))
        .await?;
    let beside = measured().await?;
    let view = scene.site().json(&format!("/api/builds/{id}")).await?;
    anyhow::ensure!(
        view["status"] == "building",
        "it was there all the time: {view}"
    );
    section.target(
        "a build beside a greedy one: × alone",
        Unit::Ratio,
        Bound::AtMost(1.5),
        beside.median() / alone.median(),
    );
    section.row("new selection, alone", Unit::Seconds, alone);
    section.row(
        "new selection, beside the greedy one",
        Unit::Seconds,
        beside,
    );
    // The builder would wait for the end of the greedy build.
    drop(builder);
    Ok(())
}
