//! Many builds over many builders: how fast and how evenly they are built, and how often two builders claim the same
//! one.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use wombat_testkit::{Wombat, a_distinct_request, wait_until};

use crate::{
    bench::Bench,
    report::{Bound, Section, Unit},
    samples::Samples,
    stand_in::Scene,
};

const BUILDERS: usize = 8;
const WORKERS: usize = 4;
const BUILDS: u32 = 640;
/// Distinct requests for one platform.
const DISTINCT: u32 = 500;
const LIMIT: Duration = Duration::from_mins(5);

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "Draining the queue",
        "8 builders with 4 workers each, all on this machine, and a stand-in for Go that takes a second, or no time at all. After a first build, 640 are requested \
         as fast as the gateway takes them; the time ends when the last one has succeeded. The limit with a second each is 32 builds a second.",
    );
    let builds = if bench.quick { BUILDS / 5 } else { BUILDS };
    let slow = drain(bench, builds, Duration::from_secs(1)).await?;
    let fast = drain(bench, builds, Duration::ZERO).await?;
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let limit = (BUILDERS * WORKERS) as f64;
    section.target(
        "8 × 4 workers, a second each: part of 32 builds a second",
        Unit::Ratio,
        Bound::AtLeast(0.8),
        slow.rate / limit,
    );
    for (what, drained) in [("a second each", &slow), ("no time at all", &fast)] {
        section.target(
            format!("{what}: refused claims a build"),
            Unit::Count,
            Bound::AtMost(0.5),
            drained.refused,
        );
        section.target(
            format!("{what}: busiest builder over the mean"),
            Unit::Ratio,
            Bound::AtMost(1.5),
            drained.shares.max() / drained.mean,
        );
        section.value(
            format!("{what}: builds a second"),
            Unit::PerSecond,
            drained.rate,
        );
        section.row(
            format!("{what}: builds of a builder"),
            Unit::Count,
            drained.shares.clone(),
        );
    }
    Ok(section)
}

struct Drained {
    rate: f64,
    /// Claims that another builder had won, per build.
    refused: f64,
    shares: Samples,
    mean: f64,
}

async fn drain(bench: &Bench, builds: u32, time: Duration) -> anyhow::Result<Drained> {
    let scene = Scene::start(bench, &[]).await?;
    scene.go.takes(time)?;
    let workers = WORKERS.to_string();
    let start = |_| scene.builder(&["--workers", &workers]);
    let builders: Vec<Wombat> = (0..BUILDERS).map(start).collect::<anyhow::Result<_>>()?;
    scene.site.until_builders(BUILDERS).await?;
    // The first one resolves the module graph that all others share.
    let first = scene.site.asked(&request(builds)).await?;
    scene.site.until(&first, "success", LIMIT).await?;

    let start = Instant::now();
    stream::iter(0..builds)
        .map(|n| {
            let site = &scene.site;
            async move { site.asked(&request(n)).await }
        })
        .buffer_unordered(16)
        .try_collect::<Vec<_>>()
        .await?;
    wait_until("all builds to succeed", LIMIT, async || {
        let page = scene
            .site
            .json("/api/builds?q=status:success&limit=1")
            .await?;
        Ok((page["total"] == builds + 1).then_some(()))
    })
    .await?;
    let took = start.elapsed();

    let page = scene.site.json("/api/builds?limit=1&facets=true").await?;
    let facet = page["facets"]["builder"].as_array().context("a facet")?;
    let mut shares: Samples = facet
        .iter()
        .filter_map(|entry| entry["count"].as_f64())
        .collect();
    while shares.len() < BUILDERS {
        shares.push(0.0);
    }
    let mut refused = 0.0;
    for mut builder in builders {
        builder.terminate()?;
        ensure!(
            builder.ended(Duration::from_mins(1))?.success(),
            "a builder failed"
        );
        refused += lost(&builder.log_text())?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let mean = f64::from(builds) / BUILDERS as f64;
    Ok(Drained {
        rate: f64::from(builds) / took.as_secs_f64(),
        refused: refused / f64::from(builds),
        shares,
        mean,
    })
}

fn request(n: u32) -> Value {
    let mut request = a_distinct_request(n % DISTINCT);
    if n >= DISTINCT {
        // The stand-in's binaries run on this architecture only.
        request["variant"] = "v3".into();
    }
    request
}

/// How many claims a builder lost, by the log of its end.
fn lost(log: &str) -> anyhow::Result<f64> {
    let line = log.lines().rfind(|line| line.contains("builder stopped"));
    let line = line.context("a builder says what it did")?;
    let count = line
        .split_whitespace()
        .find_map(|word| word.strip_prefix("lost="));
    Ok(count.context("a count")?.parse()?)
}
