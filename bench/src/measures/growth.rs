//! A store that has grown for years: a million finished builds and a hundred builders.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use wombat_store::roles::NatsRole;
use wombat_testkit::{NatsServer, Wombat, a_distinct_request, wait_until};

use super::list::questions;
use crate::{
    bench::Bench,
    load, records,
    report::{Bound, Section, Unit},
    samples::Samples,
    stand_in::{Scene, memory},
};

const BUILDS: u64 = 1_000_000;
const QUICK: u64 = 20_000;
const LIMIT: Duration = Duration::from_mins(5);
/// How long the answers are watched after the start; the janitor's first sweep falls into this time.
const LOOK: Duration = Duration::from_secs(40);

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "Growth",
        "1,000,000 finished builds are in the bucket. The service starts with an empty state folder, and again with the index that it kept; the time ends with \
         its first answer to `build.list`. A builder starts beside a request that waits; the time ends when that build has succeeded, with a stand-in for Go. \
         Lists are the 20 queries of above, 20 builds a page and with facets, two at a time.",
    );
    let builds = if bench.quick { QUICK } else { BUILDS };
    ensure!(builds <= records::MOST, "there aren't so many builds");
    let nats = NatsServer::start()?;
    bench
        .program
        .set_up(&nats, &["--builds-limit", "16384MiB"])?;
    let client = async_nats::connect(nats.url()).await?;
    let start = Instant::now();
    records::write(client.clone(), builds).await?;
    eprintln!("  wrote {builds} builds in {:.0?}", start.elapsed());
    let server = nats.id().context("a server runs")?;
    section.value("nats-server, memory", Unit::Bytes, memory(server)?);

    let state = TempDir::with_prefix("wombat-growth-")?;
    let (service, empty) = service(bench, &nats, &client, state.path(), builds).await?;
    eprintln!("  indexed in {empty:.1?}");
    section.target(
        "1,000,000 builds: index from empty",
        Unit::Seconds,
        Bound::AtMost(60.0),
        empty.as_secs_f64(),
    );
    section.value(
        "service, memory after making the index",
        Unit::Bytes,
        memory(service.id())?,
    );
    stop(service)?;
    section.value(
        "index on disk",
        Unit::Bytes,
        folder_size(&state.path().join("index"))?,
    );

    let mut starts = Samples::default();
    let mut last = None;
    for _ in 0..bench.times(3) {
        if let Some(service) = last.take() {
            stop(service)?;
        }
        let (service, kept) = self::service(bench, &nats, &client, state.path(), builds).await?;
        starts.push_time(kept);
        last = Some(service);
    }
    let service = last.context("it was started")?;
    section.target(
        "1,000,000 builds: service answers from its kept index",
        Unit::Seconds,
        Bound::AtMost(3.0),
        starts.median(),
    );
    section.row("service start → first list", Unit::Seconds, starts);
    section.value(
        "service, memory with the kept index",
        Unit::Bytes,
        memory(service.id())?,
    );
    let asking = nats.connection_as(NatsRole::Api).await?;
    lists(bench, asking.client(), &mut section).await?;
    section.value(
        "service, memory after the lists",
        Unit::Bytes,
        memory(service.id())?,
    );
    builders(bench, nats, service, &mut section).await?;
    Ok(section)
}

/// Starts a service; returns the time until it answers.
async fn service(
    bench: &Bench,
    nats: &NatsServer,
    client: &async_nats::Client,
    state: &Path,
    builds: u64,
) -> anyhow::Result<(Wombat, Duration)> {
    let url = nats.url();
    let start = Instant::now();
    let service = bench.program.start_in(
        state,
        &["service", "--nats-url", &url, "--queue-limit", "0"],
    )?;
    wait_until("the service to answer", LIMIT, async || {
        let Ok(reply) = client.request("build.list", r#"{"limit":1}"#.into()).await else {
            return Ok(None);
        };
        if reply.headers.is_some() {
            return Ok(None);
        }
        let page: serde_json::Value = serde_json::from_slice(&reply.payload)?;
        ensure!(page["total"] == builds, "not all builds: {}", page["total"]);
        Ok(Some(()))
    })
    .await?;
    Ok((service, start.elapsed()))
}

fn stop(mut service: Wombat) -> anyhow::Result<()> {
    service.terminate()?;
    ensure!(
        service.ended(Duration::from_mins(1))?.success(),
        "the service failed"
    );
    Ok(())
}

async fn lists(
    bench: &Bench,
    client: &async_nats::Client,
    section: &mut Section,
) -> anyhow::Result<()> {
    let (with, without) = (questions(20, true), questions(20, false));
    let clients = [client.clone()];
    let time = if bench.quick {
        Duration::from_secs(2)
    } else {
        LOOK
    };
    let faceted = load::nats(&clients, 2, "build.list", &with, time).await?;
    section.target(
        "1,000,000 builds: list with facets, two at a time, p99",
        Unit::Seconds,
        Bound::AtMost(0.050),
        faceted.latencies.quantile(0.99),
    );
    section.row(
        "list with facets, each answer",
        Unit::Seconds,
        faceted.latencies,
    );
    let plain = load::nats(&clients, 2, "build.list", &without, time / 4).await?;
    section.value("list without facets", Unit::PerSecond, plain.rate);
    section.row(
        "list without facets, each answer",
        Unit::Seconds,
        plain.latencies,
    );
    Ok(())
}

async fn builders(
    bench: &Bench,
    nats: NatsServer,
    service: Wombat,
    section: &mut Section,
) -> anyhow::Result<()> {
    let scene = Scene::beside(bench, nats, service).await?;
    let mut ready = Samples::default();
    for number in 0..u32::try_from(bench.times(5))? {
        let id = scene.site.asked(&a_distinct_request(number)).await?;
        let start = Instant::now();
        let builder = scene.builder(&["--workers", "1"])?;
        scene.site.until(&id, "success", LIMIT).await?;
        ready.push_time(start.elapsed());
        if number == 0 {
            section.value("builder, memory", Unit::Bytes, memory(builder.id())?);
        }
        stop(builder)?;
    }
    section.target(
        "1,000,000 builds: builder ready after its start",
        Unit::Seconds,
        Bound::AtMost(2.0),
        ready.median(),
    );
    section.row(
        "builder start → a waiting build is done",
        Unit::Seconds,
        ready,
    );

    let count = if bench.quick {
        10
    } else {
        usize::try_from(records::BUILDERS)?
    };
    let start = Instant::now();
    let all: Vec<Wombat> = (0..count)
        .map(|_| scene.builder(&["--workers", "1"]))
        .collect::<anyhow::Result<_>>()?;
    scene.site.until_builders(count).await?;
    section.value(
        format!("{count} builders start → all are there"),
        Unit::Seconds,
        start.elapsed().as_secs_f64(),
    );
    let each: Samples = all
        .iter()
        .map(|builder| memory(builder.id()))
        .collect::<anyhow::Result<_>>()?;
    section.row(
        format!("one of {count} builders, memory"),
        Unit::Bytes,
        each,
    );
    for (what, process) in [
        ("service", scene.service.id()),
        ("api", scene.api.id()),
        ("nats-server", scene.nats.id().context("a server runs")?),
    ] {
        section.value(
            format!("{what}, memory with {count} builders"),
            Unit::Bytes,
            memory(process)?,
        );
    }
    Ok(())
}

/// Bytes of the files of a folder.
fn folder_size(folder: &Path) -> anyhow::Result<f64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 bytes")]
    Ok(bytes as f64)
}
