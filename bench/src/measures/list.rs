//! Lists over NATS, beside a responder that replies with as many bytes.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use bytes::Bytes;
use serde_json::{Value, json};
use wombat_store::roles::NatsRole;
use wombat_testkit::NatsServer;

use crate::{
    bench::Bench,
    limit::{ECHO_SUBJECT, Limit},
    load, records,
    report::{Bound, Section, Unit},
    samples::Samples,
    stand_in::Scene,
};

const CONNECTIONS: usize = 8;
/// Lists that each connection waits for at once.
const IN_FLIGHT: usize = 4;
const BUILDS: u64 = 10_000;

/// What people look for: everything, fields, words, and several of them.
pub(crate) const QUERIES: [&str; 20] = [
    "",
    "status:success",
    "status:failed",
    "goos:linux",
    "goos:darwin",
    "goarch:arm64",
    "go:1.26.8",
    "package:kafka",
    "package:nats",
    "component:nats_jetstream",
    "module:connect",
    "builder:host-07-b3c4d5",
    "redis",
    "mongodb failed",
    "status:success AND package:redis",
    "package:kafka OR package:nats",
    "goos:linux -status:failed",
    "package: IN [aws gcp azure]",
    "goos:linux goarch:arm64 go:1.26.7 status:success",
    "\"exit status\"",
];

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "Lists",
        "10,000 finished builds; 20 different queries are sent in turn to `build.list`, 20 builds a page, over 8 connections with 4 requests in flight each. The limit \
         is a responder in a process of its own that replies as many bytes as the mean answer has.",
    );
    let nats = NatsServer::start()?;
    bench
        .program
        .set_up(&nats, &["--builds-limit", "8192MiB"])?;
    let url = nats.url();
    records::write(async_nats::connect(&url).await?, BUILDS).await?;
    let scene = Scene::around(bench, nats, &[]).await?;
    let (mut clients, mut others) = (Vec::new(), Vec::new());
    for _ in 0..CONNECTIONS {
        others.push(async_nats::connect(&url).await?);
        let connection = scene.nats.connection_as(NatsRole::Api).await?;
        clients.push(connection.client().clone());
    }
    let questions = questions(20, false);
    let size = mean_size(&clients[0], &questions).await?;
    let _limit = Limit::start(&["echo", &url, &size.to_string()])?;

    let time = Duration::from_secs(if bench.quick { 2 } else { 5 });
    let [mut ours, mut raw, mut ratio, mut slow] = [(); 4].map(|()| Samples::default());
    for _ in 0..bench.times(5) {
        let echo = load::nats(&others, IN_FLIGHT, ECHO_SUBJECT, &questions, time).await?;
        let list = load::nats(&clients, IN_FLIGHT, "build.list", &questions, time).await?;
        raw.push(echo.rate);
        ours.push(list.rate);
        ratio.push(list.rate / echo.rate);
        slow.push(list.latencies.quantile(0.99));
    }
    section.target(
        "`build.list`, 10,000 builds",
        Unit::PerSecond,
        Bound::AtLeast(3000.0),
        ours.median(),
    );
    section.target(
        "`build.list`, 10,000 builds, p99",
        Unit::Seconds,
        Bound::AtMost(0.025),
        slow.median(),
    );
    section.row("limit: raw echo", Unit::PerSecond, raw);
    section.row("`build.list`", Unit::PerSecond, ours);
    section.row("`build.list`, p99", Unit::Seconds, slow);
    section.row("list over echo, each pair", Unit::Ratio, ratio);
    section.note(format!("A page has {size} bytes at the mean."));
    drop(scene);
    Ok(section)
}

/// A request for each query.
pub(crate) fn questions(limit: u32, facets: bool) -> Arc<Vec<Bytes>> {
    let question = |query: &&str| json!({"query": query, "limit": limit, "facets": facets});
    let text = |question: Value| Bytes::from(question.to_string());
    Arc::new(QUERIES.iter().map(question).map(text).collect())
}

/// Mean size of the answers in bytes. Every query has to find something.
async fn mean_size(client: &async_nats::Client, questions: &[Bytes]) -> anyhow::Result<usize> {
    let mut bytes = 0;
    for question in questions {
        let answer = client.request("build.list", question.clone()).await?;
        let page: Value = serde_json::from_slice(&answer.payload)?;
        ensure!(
            page["total"].as_u64().is_some_and(|total| total > 0),
            "{question:?} finds {page}"
        );
        bytes += answer.payload.len();
    }
    Ok(bytes / questions.len())
}
