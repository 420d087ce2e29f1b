//! The most frequent calls of a gateway, over persistent connections.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use wombat_testkit::a_distinct_request;

use crate::{
    bench::Bench,
    http::{Connection, list_path, request},
    limit::Limit,
    load,
    report::{Bound, Section, Unit},
    samples::Samples,
    stand_in::Scene,
};

/// Concurrent connections.
const CONNECTIONS: usize = 64;
/// Finished builds that are requested again in turn.
const BUILDS: u32 = 100;

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "REST",
        "64 connections that are kept, each sending its next request when the last one was answered; the load is generated on the same \
         machine. A repeat asks for one of 100 finished builds. The limit is an HTTP server that answers every request with the same bytes \
         as a repeat, in a process of its own, under the same load.",
    );
    let scene = Scene::start(bench, &[]).await?;
    let _builder = scene.builder(&["--workers", "2"])?;
    scene.site.until_builders(1).await?;
    let built = finished(&scene, BUILDS).await?;
    let host = scene.site.url.trim_start_matches("http://").to_owned();
    let address: SocketAddr = host.parse()?;
    let posts: Vec<Vec<u8>> = built
        .iter()
        .map(|(body, _)| request("POST", "/api/builds", &host, body))
        .collect();
    let gets = |paths: &mut dyn Iterator<Item = String>| -> Arc<Vec<Vec<u8>>> {
        Arc::new(paths.map(|path| request("GET", &path, &host, "")).collect())
    };
    let answer = answer(address, &posts[0]).await?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &answer)?;
    let limit = Limit::start(&["answer", file.path().to_str().context("a path of ours")?])?;
    let limit_address: SocketAddr = limit.place.parse()?;
    let posts = Arc::new(posts);
    let by_id = gets(&mut built.iter().map(|(_, id)| format!("/api/builds/{id}")));
    let list = gets(
        &mut ["nats", "redis", "status:success", "goos:linux kafka"]
            .iter()
            .map(|query| format!("{}&limit=20", list_path(query))),
    );
    let catalog = gets(
        &mut ["kafka", "redis", "nats", "sql"]
            .iter()
            .map(|query| format!("/api/catalog?q={query}")),
    );

    let limits = measured(
        bench,
        &mut section,
        "limit: the same bytes",
        limit_address,
        &posts,
    )
    .await?;
    let repeats = measured(
        bench,
        &mut section,
        "repeat: `POST /api/builds`",
        address,
        &posts,
    )
    .await?;
    measured(
        bench,
        &mut section,
        "`GET /api/builds/{id}`",
        address,
        &by_id,
    )
    .await?;
    measured(bench, &mut section, "`GET /api/builds?q=`", address, &list).await?;
    measured(
        bench,
        &mut section,
        "`GET /api/catalog?q=`",
        address,
        &catalog,
    )
    .await?;
    section.value("repeat over limit", Unit::Ratio, repeats.rate / limits.rate);
    section.target(
        "REST: repeats of finished requests",
        Unit::PerSecond,
        Bound::AtLeast(10_000.0),
        repeats.rate,
    );
    section.target(
        "REST: p99 of a repeat",
        Unit::Seconds,
        Bound::AtMost(0.025),
        repeats.slow,
    );
    section.note(format!("A repeat is answered with {} bytes.", answer.len()));
    Ok(section)
}

/// Medians of several runs.
struct Measured {
    rate: f64,
    /// p99, in seconds.
    slow: f64,
}

async fn measured(
    bench: &Bench,
    section: &mut Section,
    what: &str,
    address: SocketAddr,
    requests: &Arc<Vec<Vec<u8>>>,
) -> anyhow::Result<Measured> {
    let time = Duration::from_secs(if bench.quick { 2 } else { 5 });
    let [mut rates, mut middle, mut slow] = [(); 3].map(|()| Samples::default());
    for _ in 0..bench.times(3) {
        let load = load::http(address, requests, CONNECTIONS, time).await?;
        rates.push(load.rate);
        middle.push(load.latencies.median());
        slow.push(load.latencies.quantile(0.99));
    }
    let measured = Measured {
        rate: rates.median(),
        slow: slow.median(),
    };
    section.row(what, Unit::PerSecond, rates);
    section.row(format!("{what}, p50"), Unit::Seconds, middle);
    section.row(format!("{what}, p99"), Unit::Seconds, slow);
    Ok(measured)
}

/// The body of the answer to a request.
async fn answer(address: SocketAddr, request: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut connection = Connection::open(address).await?;
    let status = connection
        .exchange(request, |piece| body.extend_from_slice(piece))
        .await?
        .status;
    ensure!(status == 200, "{status} {}", String::from_utf8_lossy(&body));
    Ok(body)
}

/// This many finished builds: the requests for them, and their ids.
pub(super) async fn finished(scene: &Scene, count: u32) -> anyhow::Result<Vec<(String, String)>> {
    let mut builds = Vec::new();
    for n in 0..count {
        let body = a_distinct_request(n);
        builds.push((body.to_string(), scene.site.asked(&body).await?));
    }
    for (_, id) in &builds {
        scene
            .site
            .until(id, "success", Duration::from_mins(2))
            .await?;
    }
    Ok(builds)
}
