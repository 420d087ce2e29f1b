//! One client behind a proxy that holds all that it can, beside another client.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use wombat_testkit::{NatsServer, a_distinct_request, artifact_path};

use super::{
    beside,
    target::{Target, address_of},
};
use crate::{
    bench::Bench,
    cores::Apart,
    http::{Connection, request},
    report::{Bound, Section, Unit},
    stand_in::Scene,
};

/// The client that floods.
const RUDE: &str = "203.0.113.7";
/// Long calls of a flood at a time.
const STREAMS: usize = 4224;
const WAITS: usize = 3000;
const UNREAD: usize = 500;
/// Senders of short calls, and the pause of each.
const SENDERS: usize = 16;
const PAUSE: Duration = Duration::from_millis(50);
/// Binaries that are downloaded, the bytes of each, and of the gateway's disk.
const BINARIES: u32 = 8;
const SIZE: u64 = 40_000_000;
const CACHE: &str = "160MiB";
/// How long a client holds a connection that isn't reset.
const HELD: Duration = Duration::from_secs(30);
/// Pause of a client after it was refused.
const AGAIN: Duration = Duration::from_secs(1);
/// Files that are open at once: the sockets of this process.
const FILES: u64 = 8192;

/// What one client does.
#[derive(Clone, Copy, Debug)]
enum Flood {
    Streams,
    Waits,
    Unread,
    Lint,
    Ahead,
}

impl Flood {
    const ALL: [(Self, &str); 5] = [
        (Self::Streams, "streams"),
        (Self::Waits, "waits"),
        (Self::Unread, "unread downloads"),
        (Self::Lint, "lint"),
        (Self::Ahead, "ahead"),
    ];

    /// Floods until it is dropped.
    fn start(self, target: &Target) -> JoinSet<()> {
        let held = |count: usize, path: &dyn Fn(usize) -> String| {
            let mut clients = JoinSet::new();
            for number in 0..count {
                let request = target.get(RUDE, &path(number));
                clients.spawn(hold(target.address, request));
            }
            clients
        };
        match self {
            Self::Streams => held(STREAMS, &|_| "/api/events".to_owned()),
            Self::Waits => held(WAITS, &|_| format!("/api/builds/{}?wait=60", target.open)),
            Self::Unread => held(UNREAD, &|number| {
                artifact_path(&target.built[number % target.built.len()])
            }),
            Self::Lint => {
                let path = format!("/api/builds/{}/lint", target.built[0]);
                sent(
                    target,
                    &path,
                    &|_| "input: {stdin: {}}".to_owned(),
                    PAUSE / 2,
                )
            }
            Self::Ahead => {
                let body = |number| a_distinct_request(number).to_string();
                sent(target, "/api/resolve?ahead=true", &body, beside::LIMIT)
            }
        }
    }
}

/// Sends requests, and waits no longer than this for an answer.
fn sent(
    target: &Target,
    path: &str,
    body: &dyn Fn(u32) -> String,
    patience: Duration,
) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    let from = target.forwarded(RUDE);
    let bodies = (1000..2000).map(body);
    let requests = bodies.map(|body| request("POST", path, &from, &body));
    let requests: Arc<Vec<Vec<u8>>> = Arc::new(requests.collect());
    for first in 0..SENDERS {
        let (address, requests) = (target.address, Arc::clone(&requests));
        clients.spawn(async move {
            let mut ticks = interval(PAUSE);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for request in requests.iter().cycle().skip(first * 60) {
                ticks.tick().await;
                let asking = async {
                    let mut connection = Connection::with_buffer(address, 64 * 1024).await?;
                    connection.exchange(request, |_| {}).await
                };
                // However the gateway answers, the next one follows.
                let _ended = timeout(patience, asking).await;
            }
        });
    }
    clients
}

/// Sends a request, and holds the connection without reading more than the head of its answer.
async fn hold(address: SocketAddr, request: Vec<u8>) {
    loop {
        let asking = async {
            let mut connection = Connection::with_buffer(address, 4 * 1024).await?;
            let head = connection.ask(&request).await?;
            anyhow::Ok((connection, head.status))
        };
        if let Ok((connection, 200)) = asking.await {
            let _still_open = timeout(HELD, connection.until_reset()).await;
        }
        sleep(AGAIN).await;
    }
}

pub(super) async fn run(bench: &Bench, section: &mut Section) -> anyhow::Result<()> {
    allow_files()?;
    let gateway = [
        "--trusted-proxy",
        "127.0.0.1",
        "--artifact-cache-limit",
        CACHE,
    ];
    let scene = Scene::with_gateway(bench, NatsServer::start()?, &[], &gateway).await?;
    scene.go.makes_bytes(SIZE)?;
    let builder = scene.builder(&["--workers", "1"])?;
    scene.site.until_builders(1).await?;
    let target = target(&scene).await?;
    let servers = [
        scene.nats.id(),
        Some(scene.service.id()),
        Some(scene.api.id()),
        Some(builder.id()),
    ];
    let servers: Vec<u32> = servers.into_iter().flatten().collect();
    let apart = Apart::pin(&servers)?;
    let time = Duration::from_secs(if bench.quick { 5 } else { 60 });
    let mut failures = 0;
    let quiet = beside::ask(&target, time / 2).await?;
    failures += beside::report(section, "alone", quiet);
    for (flood, name) in Flood::ALL {
        let clients = flood.start(&target);
        // The rude client has what it can get.
        sleep(AGAIN).await;
        let answers = beside::ask(&target, time).await?;
        failures += beside::report(section, &format!("beside {name}"), answers);
        if matches!(flood, Flood::Unread) {
            let health = scene.site.json("/api/health").await?;
            let used = health["cache"]["used"].as_f64().context("bytes")?;
            let limit = health["cache"]["limit"].as_f64().context("bytes")?;
            section.target(
                "beside unread downloads: disk of the gateway over its limit",
                Unit::Ratio,
                Bound::AtMost(1.0),
                used / limit,
            );
        }
        drop(clients);
        sleep(AGAIN).await;
    }
    drop(apart);
    section.target(
        "answers that another client doesn't get beside one that floods",
        Unit::Count,
        Bound::AtMost(0.0),
        f64::from(failures),
    );
    Ok(())
}

async fn target(scene: &Scene) -> anyhow::Result<Target> {
    let (host, address) = address_of(&scene.site)?;
    let mut built = Vec::new();
    for n in 0..BINARIES {
        let id = scene.site.asked(&a_distinct_request(n)).await?;
        let limit = Duration::from_mins(2);
        scene.site.until(&id, "success", limit).await?;
        built.push(id);
    }
    scene.go.takes(Duration::from_mins(14))?;
    let open = scene.site.asked(&a_distinct_request(BINARIES)).await?;
    Ok(Target {
        address,
        host,
        open,
        built: Arc::new(built),
        repeat: a_distinct_request(0).to_string(),
    })
}

/// Raises this process's limit of open files.
fn allow_files() -> anyhow::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let limit = Rlimit {
        current: Some(maximum.map_or(FILES, |most| most.min(FILES))),
        maximum,
    };
    setrlimit(Resource::Nofile, limit).context("raising the limit of open files")
}
