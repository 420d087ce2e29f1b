//! One client's event streams and waits leave places for all others, and all clients together leave some for operators.

use anyhow::Context;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::{io::AsyncReadExt, net::TcpStream};
use wombat_api::{ApiArgs, LimitArgs, Role, Secret, TokenEntry};
use wombat_model::BuildKey;
use wombat_store::{ClaimOutcome, Connection, Store};
use wombat_testkit::{NatsServer, wait_until};

use crate::{
    raw::{RawCall, status, value},
    service::Service,
    support::{Api, Options, PATIENCE, fail},
};

/// A client with bad manners, and another one.
const RUDE: &str = "203.0.113.7";
const OTHER: &str = "198.51.100.9";

struct World {
    api: Api,
    store: Store,
    _service: Service,
    _connection: Connection,
    _server: NatsServer,
}

/// A gateway behind a proxy on this machine, and a service.
async fn world(limits: LimitArgs, tokens: Option<&NamedTempFile>) -> anyhow::Result<World> {
    let server = NatsServer::start()?;
    let (connection, store) = Box::pin(server.store()).await?;
    let service = Box::pin(Service::start(&server)).await?;
    let options = Options {
        args: ApiArgs {
            trusted_proxies: vec!["127.0.0.1".parse()?],
            tokens: tokens.map(|file| file.path().to_owned()),
            limits,
            ..ApiArgs::default()
        },
        ..Options::default()
    };
    Ok(World {
        api: Api::with(&server.url(), options).await?,
        store,
        _service: service,
        _connection: connection,
        _server: server,
    })
}

impl World {
    /// A build that waits.
    async fn build(&self) -> anyhow::Result<BuildKey> {
        let body = json!({"goos": "linux", "goarch": "arm64", "components": ["nats"]});
        let request = self.api.request(Method::POST, "/api/builds");
        let request = request.header("X-Forwarded-For", OTHER);
        let answer = request.body(body.to_string()).send().await?;
        let view: Value = answer.json().await?;
        Ok(view["id"].as_str().context("an id")?.parse()?)
    }

    async fn finish(&self, key: &BuildKey) -> anyhow::Result<()> {
        let record = self.store.builds.get(key).await?.context("a record")?;
        match self.store.builds.claim(record, &"fox-1".parse()?).await? {
            ClaimOutcome::Won(claim) => fail(&self.store, *claim).await,
            ClaimOutcome::Lost => anyhow::bail!("another claim came first"),
        }
    }

    /// Whether the gateway answers everything that isn't a long call, to another client.
    async fn others_are_served(&self) -> anyhow::Result<()> {
        for path in ["/healthz", "/readyz", "/api/health", "/api/builds"] {
            let request = self.api.get(path).header("X-Forwarded-For", OTHER);
            let answer = request.header("Connection", "close").send().await?;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
        }
        Ok(())
    }
}

/// Says which limit was reached, and when to try again.
async fn is_refusal(call: &mut RawCall, head: &str, flag: &str) -> anyhow::Result<()> {
    assert_eq!(status(head), 503, "{head}");
    assert!(value(head, "retry-after").parse::<u64>()? >= 1);
    let length: usize = value(head, "content-length").parse()?;
    let mut body = vec![0; length];
    call.stream.read_exact(&mut body).await?;
    let problem: Value = serde_json::from_slice(&body)?;
    assert_eq!(problem["code"], "too_busy");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(flag), "{detail}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_one_client_leave_places_for_the_others() -> anyhow::Result<()> {
    let world = world(LimitArgs::default(), None).await?;
    let key = world.build().await?;
    let of_build = format!("/api/builds/{key}/events");
    let mut open = Vec::new();
    let mut refused = 0;
    for n in 0..300 {
        let path = if n % 2 == 0 { "/api/events" } else { &of_build };
        let mut call = RawCall::get(&world.api, RUDE, path, "").await?;
        let head = call.head().await?;
        if status(&head) == 200 {
            open.push(call);
        } else {
            is_refusal(&mut call, &head, "--client-streams").await?;
            refused += 1;
        }
    }
    assert_eq!((open.len(), refused), (64, 236));
    let mut other = RawCall::get(&world.api, OTHER, "/api/events", "").await?;
    assert_eq!(status(&other.head().await?), 200);
    world.others_are_served().await?;
    // A stream that ends makes room.
    open.pop();
    wait_until("a place is free", PATIENCE, async || {
        let mut call = RawCall::get(&world.api, RUDE, &of_build, "").await?;
        Ok((status(&call.head().await?) == 200).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_of_one_client_leave_places_for_the_others() -> anyhow::Result<()> {
    let limits = LimitArgs {
        client_waits: 10,
        ..LimitArgs::default()
    };
    let world = world(limits, None).await?;
    let key = world.build().await?;
    let path = format!("/api/builds/{key}?wait=60");
    let mut calls = Vec::new();
    for _ in 0..30 {
        calls.push(RawCall::get(&world.api, RUDE, &path, "").await?);
    }
    let mut waiting = Vec::new();
    wait_until("those above the limit are refused", PATIENCE, async || {
        let numbered = calls.iter().enumerate();
        let held = numbered.filter(|(_, call)| !call.has_answer());
        waiting = held.map(|(n, _)| n).collect();
        Ok((waiting.len() == 10).then_some(()))
    })
    .await?;
    // A request that would wait isn't passed on either.
    let body = json!({"goos": "linux", "goarch": "s390x", "components": ["nats"]});
    let request = world.api.request(Method::POST, "/api/builds?wait=5");
    let request = request.header("X-Forwarded-For", RUDE);
    let answer = request.body(body.to_string()).send().await?;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let resolve = world.api.request(Method::POST, "/api/resolve");
    let resolved = resolve.body(body.to_string()).send().await?;
    let resolved: Value = resolved.json().await?;
    assert!(
        resolved["id"].is_string() && resolved["status"].is_null(),
        "{resolved}"
    );
    // Without a wait, and for others, all is as before.
    let plain = format!("/api/builds/{key}");
    let mut call = RawCall::get(&world.api, RUDE, &plain, "").await?;
    assert_eq!(status(&call.head().await?), 200);
    world.others_are_served().await?;
    calls.push(RawCall::get(&world.api, OTHER, &path, "").await?);
    waiting.push(30);
    world.finish(&key).await?;
    for (n, call) in calls.iter_mut().enumerate() {
        let head = call.head().await?;
        if waiting.contains(&n) {
            assert_eq!(status(&head), 200, "{head}");
        } else {
            is_refusal(call, &head, "--client-waits").await?;
        }
    }
    Ok(())
}

/// Without the proxy, the client could have so many connections.
#[tokio::test(flavor = "multi_thread")]
async fn short_calls_of_one_client_leave_connections_for_the_others() -> anyhow::Result<()> {
    let world = world(LimitArgs::default(), None).await?;
    let mut calls = Vec::new();
    for _ in 0..300 {
        // Bodies that don't arrive.
        let text = format!(
            "POST /api/resolve HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {RUDE}\r\nContent-Length: 100\r\n\r\n{{"
        );
        calls.push(RawCall::send(&world.api, &text).await?);
    }
    let mut refused = Vec::new();
    wait_until("those above the limit are refused", PATIENCE, async || {
        refused.extend(calls.extract_if(.., |call| call.has_answer()));
        Ok((refused.len() == 44).then_some(()))
    })
    .await?;
    for call in &mut refused {
        let head = call.head().await?;
        is_refusal(call, &head, "256 requests").await?;
    }
    world.others_are_served().await
}

/// Strangers with many addresses take all places, and then all connections.
#[tokio::test(flavor = "multi_thread")]
async fn operators_get_in_when_strangers_fill_all_places() -> anyhow::Result<()> {
    let limits = LimitArgs {
        connections: 40,
        long_calls: 12,
        ..LimitArgs::default()
    };
    let file = NamedTempFile::new()?;
    let secret = Secret::generate();
    let entry = TokenEntry::new("ops", Role::Operator, &secret)?;
    std::fs::write(file.path(), format!("{entry}\n"))?;
    let token = format!("Authorization: Bearer {}\r\n", secret.reveal());
    let world = world(limits, Some(&file)).await?;
    let stream = async |from: &str, more: &str| {
        let mut call = RawCall::get(&world.api, from, "/api/events", more).await?;
        let head = call.head().await?;
        anyhow::Ok((call, head))
    };
    let mut open = Vec::new();
    for n in 0..12 {
        let (call, head) = stream(&format!("203.0.113.{n}"), "").await?;
        assert_eq!(status(&head), 200, "{head}");
        open.push(call);
    }
    let (mut call, head) = stream(OTHER, "").await?;
    is_refusal(&mut call, &head, "--long-calls").await?;
    let wrong = "Authorization: Bearer wrong\r\n";
    assert_eq!(status(&stream(OTHER, wrong).await?.1), 503);
    let (operators, head) = stream(OTHER, &token).await?;
    assert_eq!(status(&head), 200, "{head}");

    // Every further connection is one too many: it is there for health checks and operators alone.
    let mut idle = Vec::new();
    let refused = wait_until("no connection is left", PATIENCE, async || {
        idle.push(TcpStream::connect(world.api.address).await?);
        let mut call = RawCall::get(&world.api, OTHER, "/api/builds", "").await?;
        let head = call.head().await?;
        Ok((status(&head) != 200).then_some((call, head)))
    });
    let (mut call, head) = refused.await?;
    is_refusal(&mut call, &head, "--connections").await?;
    assert_eq!(value(&head, "connection"), "close");
    for path in ["/healthz", "/readyz", "/api/health"] {
        let mut call = RawCall::get(&world.api, OTHER, path, "").await?;
        assert_eq!(status(&call.head().await?), 200, "{path}");
    }
    let mut call = RawCall::get(&world.api, OTHER, "/api/builds", &token).await?;
    assert_eq!(status(&call.head().await?), 200);
    drop((open, operators, idle));
    Ok(())
}
