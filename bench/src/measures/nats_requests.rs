//! Repeats over NATS, beside a responder that only echoes.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use wombat_store::roles::NatsRole;

use super::rest::finished;
use crate::{
    bench::Bench,
    limit::{ECHO_SUBJECT, Limit},
    load,
    report::{Bound, Section, Unit},
    samples::Samples,
    stand_in::Scene,
};

const CONNECTIONS: usize = 8;
/// Requests that each connection waits for at once.
const IN_FLIGHT: usize = 64;
/// Finished builds that are requested again in turn.
const BUILDS: u32 = 100;

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "NATS requests",
        "8 connections with 64 requests in flight each, sent to `build.request` for one of 100 finished builds. The limit is a responder in a \
         process of its own that replies as many bytes to the same requests, over the same server; the two are measured in turn.",
    );
    let scene = Scene::start(bench, &[]).await?;
    let _builder = scene.builder(&["--workers", "2"])?;
    scene.site.until_builders(1).await?;
    let built = finished(&scene, BUILDS).await?;
    let url = scene.nats.url();
    let (mut clients, mut others) = (Vec::new(), Vec::new());
    for _ in 0..CONNECTIONS {
        others.push(async_nats::connect(&url).await?);
        let connection = scene.nats.connection_as(NatsRole::Api).await?;
        clients.push(connection.client().clone());
    }
    let questions: Arc<Vec<Bytes>> =
        Arc::new(built.into_iter().map(|(body, _)| body.into()).collect());
    let reply = clients[0]
        .request("build.request", questions[0].clone())
        .await?;
    let size = reply.payload.len();
    let _limit = Limit::start(&["echo", &url, &size.to_string()])?;

    let time = Duration::from_secs(if bench.quick { 2 } else { 5 });
    let [mut ours, mut raw, mut ratio, mut slow] = [(); 4].map(|()| Samples::default());
    for _ in 0..bench.times(5) {
        let echo = load::nats(&others, IN_FLIGHT, ECHO_SUBJECT, &questions, time).await?;
        let repeat = load::nats(&clients, IN_FLIGHT, "build.request", &questions, time).await?;
        raw.push(echo.rate);
        ours.push(repeat.rate);
        ratio.push(repeat.rate / echo.rate);
        slow.push(repeat.latencies.quantile(0.99));
    }
    section.target(
        "NATS: repeats of finished requests",
        Unit::PerSecond,
        Bound::AtLeast(20_000.0),
        ours.median(),
    );
    section.target(
        "NATS: repeats over a raw echo",
        Unit::Ratio,
        Bound::AtLeast(0.4),
        ratio.median(),
    );
    section.row("limit: raw echo", Unit::PerSecond, raw);
    section.row("repeat: `build.request`", Unit::PerSecond, ours);
    section.row("repeat: `build.request`, p99", Unit::Seconds, slow);
    section.row("repeat over echo, each pair", Unit::Ratio, ratio);
    section.note(format!("A repeat is answered with {size} bytes."));
    Ok(section)
}
