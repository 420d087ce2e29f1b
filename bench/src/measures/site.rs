//! The website in a browser: its first page, its search, and the way from an empty basket to a binary on the disk.

use std::{path::Path, time::Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    bench::Bench,
    real_go::RealScene,
    report::{Bound, Section, Unit},
    samples::Samples,
};

/// Packages whose pairs are built; each is compiled once, first.
const NAMES: [&str; 5] = ["nats", "redis", "mqtt", "prometheus", "amqp09"];
/// Browsers with an empty cache.
const VISITS: usize = 10;
/// Searches over REST.
const SEARCHES: usize = 200;

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "Site",
        "Chromium without a screen, in contexts with an empty cache. A page is interactive when a card can be picked, counted from the \
         start of the navigation. A search ends when the frame that shows what was found is drawn; after each, the field is cleared. The \
         way to a binary begins with the first click of a new selection of two packages that are compiled already, and ends with the file \
         on the disk. Real Go.",
    );
    let scene = RealScene::start(bench).await?;
    let state = TempDir::with_prefix("wombat-bench-")?;
    let builder = scene
        .builder(state.path(), &scene.compiled, &scene.nats_url(), &[])
        .await?;
    for name in NAMES {
        scene.build(&[name]).await?;
    }
    let visits = bench.times(VISITS).to_string();
    let pairs: Vec<String> = pairs().take(bench.times(VISITS)).collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/e2e/measure.mjs");
    let output = Command::new("node")
        .arg(script)
        .args([&scene.site().url, &visits])
        .args(&pairs)
        .kill_on_drop(true)
        .output()
        .await
        .context("node")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let figures: Value = serde_json::from_slice(&output.stdout)?;
    let samples = |name: &str, factor: f64| -> anyhow::Result<Samples> {
        let values = figures[name].as_array().context("a list of figures")?;
        let values = values.iter().filter_map(Value::as_f64);
        Ok(values.map(|value| value * factor).collect())
    };
    let bytes = samples("firstLoadBytes", 1.0)?;
    let interactive = samples("interactive", 1e-3)?;
    let search = samples("search", 1e-3)?;
    let component_search = samples("componentSearch", 1e-3)?;
    let cleared = samples("cleared", 1e-3)?;
    let binary = samples("binary", 1e-3)?;
    let over_rest = searches_over_rest(&scene, bench.times(SEARCHES)).await?;
    let bounds = [
        ("first load, most", Unit::Bytes, 200e3, bytes.max()),
        (
            "interactive, median",
            Unit::Seconds,
            1.5,
            interactive.median(),
        ),
        (
            "search on the page, most",
            Unit::Seconds,
            0.05,
            search.max(),
        ),
        (
            "search among components, most",
            Unit::Seconds,
            0.05,
            component_search.max(),
        ),
        (
            "search over REST, p99",
            Unit::Seconds,
            0.05,
            over_rest.quantile(0.99),
        ),
        (
            "nothing picked → a binary on the disk, median",
            Unit::Seconds,
            5.0,
            binary.median(),
        ),
    ];
    for (what, unit, bound, measured) in bounds {
        section.target(what, unit, Bound::AtMost(bound), measured);
    }
    section.row("first load", Unit::Bytes, bytes);
    section.row("interactive", Unit::Seconds, interactive);
    section.row("search on the page", Unit::Seconds, search);
    section.row("search among components", Unit::Seconds, component_search);
    section.row("cleared: everything shown again", Unit::Seconds, cleared);
    section.row("search over REST", Unit::Seconds, over_rest);
    section.row(
        "nothing picked → a binary on the disk",
        Unit::Seconds,
        binary,
    );
    scene.end(builder).await?;
    Ok(section)
}

/// All selections of two packages, as the script takes them.
fn pairs() -> impl Iterator<Item = String> {
    NAMES.into_iter().enumerate().flat_map(|(n, one)| {
        let others = NAMES.into_iter().skip(n + 1);
        others.map(move |other| format!("{one},{other}"))
    })
}

async fn searches_over_rest(scene: &RealScene, times: usize) -> anyhow::Result<Samples> {
    let mut samples = Samples::default();
    for place in 0..times {
        let word = ["kafka", "s3", "rate", "jetstream"][place % 4];
        let start = Instant::now();
        scene.site().json(&format!("/api/catalog?q={word}")).await?;
        samples.push_time(start.elapsed());
    }
    Ok(samples)
}
