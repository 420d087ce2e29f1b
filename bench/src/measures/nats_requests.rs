//! Repeats over NATS, beside a responder that only echoes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use bytes::Bytes;
use tokio::task::JoinSet;

use super::rest::finished;
use crate::{
    Bench,
    limit::{ECHO_SUBJECT, Limit},
    load::Load,
    report::{Bound, Section, Unit},
    samples::Samples,
    stand_in::Scene,
};

const CONNECTIONS: usize = 8;
/// Requests that each connection waits for at once.
const IN_FLIGHT: usize = 64;
/// Builds that are asked for again in turn.
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
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(async_nats::connect(&url).await?);
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
        let echo = requests(&clients, ECHO_SUBJECT, &questions, time).await?;
        let repeat = requests(&clients, "build.request", &questions, time).await?;
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

async fn requests(
    clients: &[async_nats::Client],
    subject: &'static str,
    questions: &Arc<Vec<Bytes>>,
    time: Duration,
) -> anyhow::Result<Load> {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for (number, client) in clients
        .iter()
        .flat_map(|client| std::iter::repeat_n(client, IN_FLIGHT))
        .enumerate()
    {
        let (client, questions) = (client.clone(), Arc::clone(questions));
        tasks.spawn(async move {
            let mut times = Vec::new();
            let mut turn = number;
            while start.elapsed() < time {
                let sent = Instant::now();
                let question = questions[turn % questions.len()].clone();
                let reply = client.request(subject, question).await?;
                ensure!(reply.headers.is_none(), "an error instead of an answer");
                times.push(sent.elapsed().as_secs_f64());
                turn += CONNECTIONS * IN_FLIGHT;
            }
            anyhow::Ok(times)
        });
    }
    let mut all = Vec::new();
    while let Some(times) = tasks.join_next().await {
        all.extend(times??);
    }
    Ok(Load::of(all, start.elapsed()))
}
