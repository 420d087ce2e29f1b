//! New selections, with everything compiled, on builders of all sorts, beside `go build` by hand.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::{
    bench::Bench,
    delay::Delay,
    real_go::{RealScene, Source},
    report::{Bound, Section, Unit},
    samples::Samples,
};

/// Packages whose selections are built; each is compiled once, first.
const NAMES: [&str; 6] = ["nats", "redis", "mqtt", "prometheus", "amqp09", "kafka"];
/// Selections that were never requested before; each builder gets pairs: two halves for the one that compiled
/// everything, and one part for each that starts later.
const NEW: [&[[&str; 2]]; 2] = [
    &[
        ["nats", "mqtt"],
        ["redis", "prometheus"],
        ["amqp09", "kafka"],
        ["mqtt", "amqp09"],
    ],
    &[
        ["prometheus", "kafka"],
        ["nats", "amqp09"],
        ["redis", "kafka"],
    ],
];
const FRESH: [&[[&str; 2]]; 2] = [
    &[
        ["nats", "prometheus"],
        ["redis", "mqtt"],
        ["prometheus", "amqp09"],
        ["mqtt", "kafka"],
    ],
    &[
        ["redis", "amqp09"],
        ["nats", "kafka"],
        ["mqtt", "prometheus"],
    ],
];
const ALONE: [&str; 2] = ["nats", "redis"];
/// Unmeasured builds of the builder that compiled everything, after its restart.
const AGAIN: [&str; 3] = ["nats", "redis", "mqtt"];
const FAR: [[&str; 3]; 2] = [
    ["redis", "mqtt", "prometheus"],
    ["nats", "redis", "prometheus"],
];
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
         modules; its time begins with the request. Fresh builders and the one that compiled everything take turns, with selections of \
         the same size.",
    );
    let scene = RealScene::start(bench).await?;
    let mut folders = Folders::default();
    let (mut warm, mut fresh) = (Warm::default(), Samples::default());
    for (half, (new, others)) in NEW.into_iter().zip(FRESH).enumerate() {
        let state = folders.another()?;
        let builder = scene
            .builder(&state, &scene.compiled, &scene.nats_url(), &[])
            .await?;
        if half == 0 {
            for name in NAMES {
                scene.build(&[name]).await?;
            }
            // `pure` and `io` are in every selection.
            scene.until_shared(NAMES.len() + 2).await?;
        } else {
            scene.build(&AGAIN).await?;
        }
        for names in new.iter().take(bench.times(new.len())) {
            warm.measure(&scene, names).await?;
        }
        scene.end(builder).await?;
        for names in others.iter().take(bench.times(others.len())) {
            let nats = scene.nats_url();
            fresh.push_time(first_build(&scene, &mut folders, &nats, &[], names).await?);
        }
    }
    let source = warm.source.take().context("something was built")?;
    let (relink, with_fleet) = (warm.ours.median(), fresh.median());
    warm.write(&mut section);
    section.target(
        "fresh builder, fleet warm: × new selection on a warm one",
        Unit::Ratio,
        Bound::AtMost(2.5),
        with_fleet / relink,
    );
    section.row("fresh builder, fleet warm", Unit::Seconds, fresh);
    far(bench, &scene, &mut folders, &mut section).await?;
    let nats = scene.nats_url();
    let without = first_build(&scene, &mut folders, &nats, &["--no-fleet-cache"], &ALONE).await?;
    let without = without.as_secs_f64();
    section.target(
        "fresh builder without the fleet: × with it",
        Unit::Ratio,
        Bound::AtLeast(20.0),
        without / with_fleet,
    );
    section.value(
        "fresh builder without the fleet's cache",
        Unit::Seconds,
        without,
    );
    helper(bench, &scene, &source, &mut section)?;
    Ok(section)
}

/// State folders of builders. They stay until the end: after thousands of files are removed, some file systems create
/// new ones slowly for minutes.
#[derive(Default)]
struct Folders(Vec<TempDir>);

impl Folders {
    fn another(&mut self) -> anyhow::Result<PathBuf> {
        let folder = TempDir::with_prefix("wombat-bench-")?;
        let path = folder.path().to_owned();
        self.0.push(folder);
        Ok(path)
    }
}

/// New selections on a builder that compiled everything.
#[derive(Default)]
struct Warm {
    ours: Samples,
    raw: Samples,
    copies: Samples,
    ratios: Samples,
    /// Of the last one.
    source: Option<Source>,
}

impl Warm {
    async fn measure(&mut self, scene: &RealScene, names: &[&str]) -> anyhow::Result<()> {
        let (view, took) = scene.build(names).await?;
        let source = scene.source(view["id"].as_str().context("an id")?).await?;
        let by_hand = source.build(&scene.compiled, None)?;
        let copying = source.copy_twice()?;
        self.ours.push_time(took);
        self.raw.push_time(by_hand);
        self.copies.push_time(copying);
        self.ratios
            .push((took.as_secs_f64() - copying.as_secs_f64()) / by_hand.as_secs_f64());
        self.source = Some(source);
        Ok(())
    }

    fn write(self, section: &mut Section) {
        section.target(
            "new selection, everything compiled, less two copies: × raw `go build`",
            Unit::Ratio,
            Bound::AtMost(1.25),
            (self.ours.median() - self.copies.median()) / self.raw.median(),
        );
        for (what, unit, samples) in [
            (
                "new selection, everything compiled",
                Unit::Seconds,
                self.ours,
            ),
            ("raw `go build` of the same", Unit::Seconds, self.raw),
            ("two copies of the binary", Unit::Seconds, self.copies),
            ("ratio, pair by pair", Unit::Ratio, self.ratios),
        ] {
            section.row(what, unit, samples);
        }
    }
}

/// The first build of a builder that has nothing yet.
async fn first_build(
    scene: &RealScene,
    folders: &mut Folders,
    nats: &str,
    extra: &[&str],
    names: &[&str],
) -> anyhow::Result<Duration> {
    let state = folders.another()?;
    let builder = scene
        .builder(&state, &state.join("compiled"), nats, extra)
        .await?;
    let (_, took) = scene.build(names).await?;
    scene.end(builder).await?;
    Ok(took)
}

/// With everything compiled on this machine: the cost of the helper.
fn helper(
    bench: &Bench,
    scene: &RealScene,
    source: &Source,
    section: &mut Section,
) -> anyhow::Result<()> {
    let cache = scene.compiled.to_str().context("a path of ours")?;
    // As a builder that has just started: files that it has verified are trusted.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let program = format!(
        "'{}' cache-helper --folder '{cache}' --believed-from {now}",
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

/// Fresh builders far from NATS.
async fn far(
    bench: &Bench,
    scene: &RealScene,
    folders: &mut Folders,
    section: &mut Section,
) -> anyhow::Result<()> {
    let target = scene.nats_url();
    let target = target.trim_start_matches("nats://").parse()?;
    let delay = Delay::start(target, DISTANCE).await?;
    let mut times = Samples::default();
    for names in FAR.iter().take(bench.times(FAR.len())) {
        times.push_time(first_build(scene, folders, &delay.nats_url(), &[], names).await?);
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
