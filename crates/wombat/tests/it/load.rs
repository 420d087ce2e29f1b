//! Many builds over several builders: each is built once, none is forgotten, and the work is shared.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use crate::program;
use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt};
use nix::sys::signal::Signal;
use wombat_testkit::wait_until;

use wombat_testkit::{Stack, a_distinct_request};

const LIMIT: Duration = Duration::from_mins(1);

/// A flood from many addresses: the queue stays within its limit, refused clients learn when to retry, and other
/// clients keep reading.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_requests_fills_the_queue_and_no_more() -> anyhow::Result<()> {
    const REQUESTS: u32 = 5_000;
    const ADDRESSES: u32 = 50;
    const QUEUE_SECONDS: u64 = 15 * 60;
    let stack = Stack::start(&program()).await?;
    let trust = ["--trusted-proxy", "127.0.0.1"];
    let (_api, site) = program().gateway(&stack.nats.url(), &trust).await?;
    let ask = async |n: u32| -> anyhow::Result<Option<String>> {
        let request = site
            .client
            .post(format!("{}/api/builds", site.url))
            .header("x-forwarded-for", format!("192.0.2.{}", n % ADDRESSES))
            .json(&a_distinct_request(n));
        let answer = request.send().await?;
        let (status, wait) = (
            answer.status().as_u16(),
            answer.headers().get("retry-after").cloned(),
        );
        let text = answer.text().await?;
        if status == 202 {
            let build: serde_json::Value = serde_json::from_str(&text)?;
            return Ok(build["id"].as_str().map(str::to_owned));
        }
        anyhow::ensure!(matches!(status, 429 | 503), "{status}: {text}");
        let wait: u64 = wait.context("Retry-After")?.to_str()?.parse()?;
        anyhow::ensure!((1..=QUEUE_SECONDS).contains(&wait), "{wait}: {text}");
        Ok(None)
    };
    let taken: Vec<Option<String>> = futures::stream::iter(0..REQUESTS)
        .map(ask)
        .buffered(ADDRESSES as usize)
        .try_collect()
        .await?;
    let taken: BTreeSet<String> = taken.into_iter().flatten().collect();
    // Without a builder, each build is estimated at the default duration.
    println!("{} of {REQUESTS} were taken", taken.len());
    assert!((10..300).contains(&taken.len()), "{}", taken.len());
    let list = site.json("/api/builds?limit=1").await?;
    assert_eq!(
        list["total"],
        taken.len(),
        "nothing was written for the others"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_builds_over_three_builders_are_each_built_once() -> anyhow::Result<()> {
    const BUILDS: u32 = 200;
    // Without finished builds, the default estimate would refuse most of them.
    let nats = wombat_testkit::NatsServer::start()?;
    let stack = Stack::around_with(&program(), nats, &[], &["--queue-limit", "0"]).await?;
    stack.go.takes_seconds(0.05)?;
    let builders = [(); 3].map(|()| stack.builder(&["--workers", "2"]));
    let mut builders = builders.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    stack.site.until_builders(3).await?;

    let start = Instant::now();
    let mut ids = BTreeSet::new();
    for n in 0..BUILDS {
        ids.insert(stack.site.asked(&a_distinct_request(n)).await?);
    }
    assert_eq!(ids.len(), BUILDS as usize);
    wait_until(
        "all builds to be done",
        Duration::from_mins(3),
        async || {
            let page = stack
                .site
                .json("/api/builds?q=status:success&limit=1")
                .await?;
            Ok((page["total"] == BUILDS).then_some(()))
        },
    )
    .await?;
    println!("{BUILDS} builds in {:?}", start.elapsed());

    let started: BTreeSet<String> = stack.go.builds().into_iter().collect();
    assert_eq!(
        (started.len(), stack.go.builds().len()),
        (BUILDS as usize, BUILDS as usize),
        "each was built once"
    );
    let page = stack.site.json("/api/builds?limit=1&facets=true").await?;
    let shares: BTreeMap<String, u64> = page["facets"]["builder"]
        .as_array()
        .unwrap()
        .iter()
        .map(|facet| {
            (
                facet["value"].as_str().unwrap().to_owned(),
                facet["count"].as_u64().unwrap(),
            )
        })
        .collect();
    println!("builds per builder: {shares:?}");
    let busiest = *shares.values().max().unwrap();
    assert!(
        busiest * 3 <= u64::from(BUILDS) * 3 / 2,
        "no builder does more than 1.5 times its share: {shares:?}"
    );
    for builder in &mut builders {
        builder.signal(Signal::SIGTERM)?;
        assert!(builder.ended(Duration::from_secs(30))?.success());
        let log = builder.log_text();
        let line = log.lines().find(|line| line.contains("builder stopped"));
        println!("{}", line.context("a builder says what it did")?);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_bucket_survives_more_binaries_than_it_holds() -> anyhow::Result<()> {
    const BUILDS: u32 = 100;
    let nats = wombat_testkit::NatsServer::start()?;
    let stack = Stack::around_with(
        &program(),
        nats,
        &["--artifacts-limit", "60MiB"],
        &["--keep-at-least", "0", "--janitor-interval", "1"],
    )
    .await?;
    stack.go.makes_bytes(2 * 1024 * 1024)?;
    let _builder = stack.builder(&["--workers", "2"])?;
    let mut ids = Vec::new();
    for n in 0..BUILDS {
        let id = taken(&stack, n).await?;
        stack.site.until(&id, "success", LIMIT).await?;
        ids.push(id);
    }
    let view = stack.site.json(&format!("/api/builds/{}", ids[0])).await?;
    assert_eq!(view["expired"], true, "the oldest had to go: {view}");
    let gone = stack
        .site
        .get(&wombat_testkit::artifact_path(&ids[0]))
        .await?;
    assert_eq!(gone.status(), 410);

    let last = stack
        .site
        .get(&wombat_testkit::artifact_path(ids.last().unwrap()))
        .await?;
    assert_eq!(last.status(), 200);
    let again = taken(&stack, 0).await?;
    assert_eq!(again, ids[0]);
    stack.site.until(&again, "success", LIMIT).await?;
    Ok(())
}

/// The id of the requested build. If builds come faster than the janitor frees room, a request is repeated later.
async fn taken(stack: &Stack, n: u32) -> anyhow::Result<String> {
    let request = a_distinct_request(n);
    wait_until("a request to be taken", LIMIT, async || {
        let (status, view) = stack.site.ask(&request).await?;
        ensure!(status.is_success() || status == 503, "{status} {view}");
        Ok(view["id"].as_str().map(str::to_owned))
    })
    .await
}
