//! Hostile and broken clients: they are turned away, and all others are served.

use std::time::Duration;

use anyhow::Context;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use wombat_testkit::{NatsServer, rapid_resets};

use crate::support::{Api, PATIENCE};

async fn open(api: &Api) -> anyhow::Result<TcpStream> {
    Ok(TcpStream::connect(api.address).await?)
}

/// Everything that comes until the gateway closes the connection, with or without a reset.
async fn rest(stream: &mut TcpStream) -> anyhow::Result<String> {
    let mut text = Vec::new();
    let read = async {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut piece).await {
            text.extend_from_slice(&piece[..length]);
        }
    };
    tokio::time::timeout(PATIENCE, read)
        .await
        .context("the connection stays open")?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The gateway's response to these bytes. It may close the connection before all of them are sent.
async fn said_to(api: &Api, bytes: &[u8]) -> anyhow::Result<String> {
    let mut stream = open(api).await?;
    let _refused_midway = stream.write_all(bytes).await;
    rest(&mut stream).await
}

/// A gateway and its NATS server.
async fn gateway() -> anyhow::Result<(NatsServer, Api)> {
    let nats = NatsServer::start()?;
    nats.store().await?;
    let api = Api::start(&nats).await?;
    Ok((nats, api))
}

async fn others_are_served(api: &Api) -> anyhow::Result<()> {
    // On a new connection: an idle one may be closed for its age just now.
    let question = api
        .get("/api/platforms")
        .header("Connection", "close")
        .timeout(Duration::from_secs(5));
    let answer = question.send().await?;
    anyhow::ensure!(answer.status() == 200, "{}", answer.status());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_let_go_and_keep_nobody_waiting() -> anyhow::Result<()> {
    let (_nats, api) = gateway().await?;
    let mut slow = Vec::new();
    for n in 0..500 {
        let mut stream = open(&api).await?;
        // Half of them send an incomplete head, the others an incomplete body.
        let part = if n % 2 == 0 {
            "GET /api/platforms HTTP/1.1\r\nHost: a\r\nX-Slow:"
        } else {
            "POST /api/builds HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        };
        stream.write_all(part.as_bytes()).await?;
        slow.push(stream);
    }
    others_are_served(&api).await?;
    for (n, stream) in slow.iter_mut().enumerate() {
        let answer = rest(stream).await?;
        let expected = if n % 2 == 0 { "" } else { "HTTP/1.1 408 " };
        assert!(answer.starts_with(expected), "{answer}");
    }
    others_are_served(&api).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_a_gigabyte_is_refused_at_its_beginning() -> anyhow::Result<()> {
    const GIGABYTE: usize = 1_000_000_000;
    let (_nats, api) = gateway().await?;
    let announced = format!("Content-Length: {GIGABYTE}");
    for framing in [announced.as_str(), "Transfer-Encoding: chunked"] {
        let mut stream = open(&api).await?;
        let head = format!(
            "POST /api/builds HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        let piece = format!("10000\r\n{}\r\n", "a".repeat(0x10000)).into_bytes();
        let mut sent = 0;
        while sent < GIGABYTE {
            let write = tokio::time::timeout(PATIENCE, stream.write_all(&piece));
            if write.await.context("neither taken nor refused")?.is_err() {
                break;
            }
            sent += piece.len();
        }
        // What the sockets of both sides hold on the way.
        assert!(sent < 32_000_000, "{framing}: {sent} bytes were taken");
    }
    // A client that waits for the answer before it sends the body gets the answer.
    let head =
        format!("POST /api/builds HTTP/1.1\r\nHost: a\r\n{announced}\r\nConnection: close\r\n\r\n");
    let answer = said_to(&api, head.as_bytes()).await?;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    others_are_served(&api).await
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_too_large_are_refused() -> anyhow::Result<()> {
    let (_nats, api) = gateway().await?;
    let many: Vec<String> = (0..10_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let many = many.concat();
    let long = format!("X-Long: {}\r\n", "a".repeat(20_000));
    for headers in [&many, &long] {
        let head = format!("GET /api/platforms HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        let answer = said_to(&api, head.as_bytes()).await?;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
            "{answer}"
        );
    }
    let long = format!("/api/builds?q={}", "a".repeat(20_000));
    let head = format!("GET {long} HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = said_to(&api, head.as_bytes()).await?;
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    others_are_served(&api).await
}

/// The gateway doesn't speak HTTP/2, so clients can't open and reset streams; that is for a proxy in front of it.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_opened_and_reset_come_to_nothing() -> anyhow::Result<()> {
    let (_nats, api) = gateway().await?;
    let flood = rapid_resets();
    for _ in 0..100 {
        let answer = said_to(&api, &flood).await?;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    others_are_served(&api).await
}
