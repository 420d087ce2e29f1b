//! New selections, with everything compiled, on builders of all sorts, beside `go build` by hand.

use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;

use crate::{
    Bench,
    delay::Delay,
    real_go::{RealScene, Source},
    report::{Bound, Section, Unit},
    samples::Samples,
};

/// Packages whose selections are built; each is compiled once, first.
const NAMES: [&str; 4] = ["nats", "redis", "mqtt", "prometheus"];
/// Selections that nobody asked for before: for the builder that compiled everything, and for those that come later.
const NEW: [&[&str]; 6] = [
    &["nats", "redis"],
    &["nats", "mqtt"],
    &["redis", "mqtt"],
    &["nats", "prometheus"],
    &["redis", "prometheus"],
    &["mqtt", "prometheus"],
];
const FRESH: [&[&str]; 3] = [
    &["nats", "redis", "mqtt"],
    &["nats", "redis", "prometheus"],
    &["nats", "mqtt", "prometheus"],
];
const FAR: [&[&str]; 2] = [
    &["redis", "mqtt", "prometheus"],
    &["nats", "redis", "mqtt", "prometheus"],
];
const ALONE: &[&str] = &["nats", "redis", "amqp09"];
/// Added to each round trip to NATS.
const DISTANCE: Duration = Duration::from_millis(30);
/// Pairs of builds with and without the helper.
const PAIRS: usize = 15;

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "Builds",
        "Real Go and Redpanda Connect v4.105.0, one builder with one worker at a time. The time of a build is from the request over REST \
         until its binary can be downloaded. The limit is `go build` of the same main package with the same caches and the same low \
         priority, run right after, and two copies of the binary. A fresh builder has an empty compile cache and state folder, and the \
         modules; its time begins with the request.",
    );
    let scene = RealScene::start(bench).await?;
    let state = TempDir::with_prefix("wombat-bench-")?;
    let builder = scene
        .builder(state.path(), &scene.compiled, &scene.nats_url(), &[])
        .await?;
    for name in NAMES {
        scene.build(&[name]).await?;
    }
    let (relink, source) = new_selections(bench, &scene, &mut section).await?;
    // `pure` and `io` are in every selection.
    scene.until_shared(NAMES.len() + 2).await?;
    scene.end(builder).await?;
    helper(bench, &scene, &source, &mut section)?;
    let fresh = fresh(bench, &scene, &mut section, relink).await?;
    far(bench, &scene, &mut section).await?;
    alone(&scene, &mut section, fresh).await?;
    Ok(section)
}

/// The median of a new selection, and the source of the last one.
async fn new_selections(
    bench: &Bench,
    scene: &RealScene,
    section: &mut Section,
) -> anyhow::Result<(f64, Source)> {
    let (mut ours, mut raw, mut copies, mut ratios) = <[Samples; 4]>::default().into();
    let mut last = None;
    for names in NEW.iter().take(bench.times(NEW.len())) {
        let (view, took) = scene.build(names).await?;
        let source = scene.source(view["id"].as_str().context("an id")?).await?;
        let by_hand = source.build(&scene.compiled, None)?;
        let copying = source.copy_twice()?;
        ours.push_time(took);
        raw.push_time(by_hand);
        copies.push_time(copying);
        ratios.push((took.as_secs_f64() - copying.as_secs_f64()) / by_hand.as_secs_f64());
        last = Some(source);
    }
    let median = ours.median();
    section.target(
        "new selection, everything compiled, less two copies: × raw `go build`",
        Unit::Ratio,
        Bound::AtMost(1.25),
        (median - copies.median()) / raw.median(),
    );
    section.row("new selection, everything compiled", Unit::Seconds, ours);
    section.row("raw `go build` of the same", Unit::Seconds, raw);
    section.row("two copies of the binary", Unit::Seconds, copies);
    section.row("ratio, pair by pair", Unit::Ratio, ratios);
    Ok((median, last.context("something was built")?))
}

/// With everything on this machine: what asking the helper costs.
fn helper(
    bench: &Bench,
    scene: &RealScene,
    source: &Source,
    section: &mut Section,
) -> anyhow::Result<()> {
    let cache = scene.compiled.to_str().context("a path of ours")?;
    let program = format!(
        "'{}' cache-helper --folder '{cache}'",
        bench.wombat.display()
    );
    let (mut with, mut without, mut ratios) = <[Samples; 3]>::default().into();
    source.build(&scene.compiled, Some(&program))?;
    for _ in 0..bench.times(PAIRS) {
        let helped = source.build(&scene.compiled, Some(&program))?;
        let native = source.build(&scene.compiled, None)?;
        with.push_time(helped);
        without.push_time(native);
        ratios.push(helped.as_secs_f64() / native.as_secs_f64());
    }
    section.target(
        "local and warm, through the helper: × native cache, median of pairs",
        Unit::Ratio,
        Bound::AtMost(1.15),
        ratios.median(),
    );
    section.row(
        "`go build` through the helper, everything local",
        Unit::Seconds,
        with,
    );
    section.row("`go build` with its own cache", Unit::Seconds, without);
    section.row("helper over native, pair by pair", Unit::Ratio, ratios);
    Ok(())
}

/// Builders that have nothing yet, while others have compiled everything.
async fn fresh(
    bench: &Bench,
    scene: &RealScene,
    section: &mut Section,
    relink: f64,
) -> anyhow::Result<f64> {
    let mut times = Samples::default();
    for names in FRESH.iter().take(bench.times(FRESH.len())) {
        let state = TempDir::with_prefix("wombat-bench-")?;
        let cache = state.path().join("compiled");
        let builder = scene
            .builder(state.path(), &cache, &scene.nats_url(), &[])
            .await?;
        let (_, took) = scene.build(names).await?;
        times.push_time(took);
        scene.end(builder).await?;
    }
    let median = times.median();
    section.target(
        "fresh builder, fleet warm: × new selection on a warm one",
        Unit::Ratio,
        Bound::AtMost(2.5),
        median / relink,
    );
    section.row("fresh builder, fleet warm", Unit::Seconds, times);
    Ok(median)
}

/// The same, far from NATS.
async fn far(bench: &Bench, scene: &RealScene, section: &mut Section) -> anyhow::Result<()> {
    let target = scene.nats_url();
    let target = target.trim_start_matches("nats://").parse()?;
    let delay = Delay::start(target, DISTANCE).await?;
    let mut times = Samples::default();
    for names in FAR.iter().take(bench.times(FAR.len())) {
        let state = TempDir::with_prefix("wombat-bench-")?;
        let cache = state.path().join("compiled");
        let builder = scene
            .builder(state.path(), &cache, &delay.nats_url(), &[])
            .await?;
        let (_, took) = scene.build(names).await?;
        times.push_time(took);
        scene.end(builder).await?;
    }
    section.target(
        "fresh builder, fleet warm, NATS 30 ms away",
        Unit::Seconds,
        Bound::AtMost(10.0),
        times.median(),
    );
    section.row("fresh builder, NATS 30 ms away", Unit::Seconds, times);
    Ok(())
}

/// A builder that has nothing and shares nothing.
async fn alone(scene: &RealScene, section: &mut Section, fresh: f64) -> anyhow::Result<()> {
    let state = TempDir::with_prefix("wombat-bench-")?;
    let cache = state.path().join("compiled");
    let builder = scene
        .builder(
            state.path(),
            &cache,
            &scene.nats_url(),
            &["--no-fleet-cache"],
        )
        .await?;
    let (_, took) = scene.build(ALONE).await?;
    scene.end(builder).await?;
    section.target(
        "fresh builder without the fleet: × with it",
        Unit::Ratio,
        Bound::AtLeast(20.0),
        took.as_secs_f64() / fresh,
    );
    section.value(
        "fresh builder without the fleet's cache",
        Unit::Seconds,
        took.as_secs_f64(),
    );
    Ok(())
}
