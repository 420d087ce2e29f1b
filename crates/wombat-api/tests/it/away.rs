//! Calls while NATS is unavailable: each is answered within two seconds.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use reqwest::{Method, StatusCode};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use wombat_testkit::{NatsServer, a_spec, wait_until};

use crate::support::{Api, Options, artifact_path, finished, header};

/// Within two seconds, with something to spare for a busy machine.
const LIMIT: Duration = Duration::from_millis(2300);

fn calls(build: &str, artifact: &str) -> Vec<(Method, String)> {
    let reads = [
        "/readyz",
        "/api/builders",
        "/api/catalog",
        "/api/catalog/components/kafka",
        "/api/builds",
        "/api/events",
        build,
        artifact,
    ];
    let below = ["events", "log", "recipe"].map(|name| format!("{build}/{name}"));
    reads
        .map(str::to_owned)
        .into_iter()
        .chain(below)
        .chain([format!("{build}?wait=30")])
        .map(|path| (Method::GET, path))
        .chain(
            ["/api/builds", "/api/builds?wait=30", "/api/resolve"]
                .map(|path| (Method::POST, path.to_owned())),
        )
        .chain([(Method::DELETE, build.to_owned())])
        .collect()
}

async fn all_are_refused_soon(api: &Api, calls: &[(Method, String)]) -> anyhow::Result<()> {
    try_join_all(calls.iter().map(async |(method, path)| {
        let start = Instant::now();
        let answer = api.request(method.clone(), path).body("{}").send().await?;
        let time = start.elapsed();
        assert_eq!(
            answer.status(),
            StatusCode::SERVICE_UNAVAILABLE,
            "{method} {path}"
        );
        assert!(time < LIMIT, "{method} {path} took {time:?}");
        assert!(
            header(&answer, "retry-after").parse::<u64>()? >= 1,
            "{path}"
        );
        assert_eq!(header(&answer, "content-type"), "application/problem+json");
        anyhow::Ok(())
    }))
    .await?;
    for path in ["/healthz", "/", "/api/version", "/api/platforms"] {
        assert_eq!(
            api.get(path).send().await?.status(),
            StatusCode::OK,
            "{path}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn without_nats_every_call_is_refused_at_once_and_works_again_after() -> anyhow::Result<()> {
    let mut server = NatsServer::alone()?;
    let (_connection, store) = server.store().await?;
    let options = Options {
        open_control: true,
        ..Options::default()
    };
    let api = Api::with(&server.url(), options).await?;
    let key = finished(&store, &a_spec().build(), b"binary").await?;
    let cached = finished(&store, &a_spec().package("aws").build(), b"cached").await?;
    let read = async || api.get(&artifact_path(&cached)).send().await?.bytes().await;
    assert_eq!(read().await?, "cached");
    server.kill()?;
    let calls = calls(&format!("/api/builds/{key}"), &artifact_path(&key));
    all_are_refused_soon(&api, &calls).await?;
    assert_eq!(
        read().await?,
        "cached",
        "what is on disk is served all the same"
    );
    server.restart()?;
    api.until_up().await?;
    let answer = api.get(&artifact_path(&key)).send().await?;
    assert_eq!(answer.bytes().await?, "binary");
    Ok(())
}

/// A proxy to NATS that `block` blocks without closing connections, as a broken network does.
async fn blockable(target: String, block: CancellationToken) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("nats://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = TcpStream::connect(&target).await?;
            let block = block.clone();
            tokio::spawn(async move {
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    // Both ends stay open, and nothing passes any more.
                    () = block.cancelled() => std::future::pending().await,
                }
            });
        }
        anyhow::Ok(())
    });
    Ok(url)
}

#[tokio::test]
async fn a_network_that_swallows_everything_holds_no_call_up() -> anyhow::Result<()> {
    let server = NatsServer::alone()?;
    let (_connection, store) = server.store().await?;
    let target = server.url().trim_start_matches("nats://").to_owned();
    let block = CancellationToken::new();
    let url = blockable(target, block.clone()).await?;
    let options = Options {
        open_control: true,
        ..Options::default()
    };
    let api = Api::with(&url, options).await?;
    let key = finished(&store, &a_spec().build(), b"binary").await?;
    store.settle(&key).await?;
    // Otherwise the gateway may not have heard of the end yet, and answers that the build still runs.
    let artifact = artifact_path(&key);
    wait_until(
        "the gateway hears of the binary",
        Duration::from_secs(10),
        async || {
            let answer = api.request(Method::HEAD, &artifact).send().await?;
            Ok((answer.status() == StatusCode::OK).then_some(()))
        },
    )
    .await?;
    block.cancel();
    let calls = calls(&format!("/api/builds/{key}"), &artifact_path(&key));
    all_are_refused_soon(&api, &calls).await
}
