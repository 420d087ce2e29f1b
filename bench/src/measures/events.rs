//! Many clients that watch all builds, and the delay of their events.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use futures::StreamExt as _;
use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use wombat_testkit::a_distinct_request;

use crate::{
    bench::Bench,
    http::{Connection, request},
    report::{Bound, Section, Unit},
    samples::Samples,
    stand_in::{Scene, memory},
};

const CLIENTS: usize = 1000;
const BUILDS: u32 = 100;
/// Time in which the builds are requested, one after another.
const SPREAD: Duration = Duration::from_secs(30);
/// Longest wait for the last events.
const PATIENCE: Duration = Duration::from_secs(20);
/// Larger than any event.
const BUFFER: usize = 64 * 1024;

/// A phase: its claim, and its number in the claim.
type Phase = (String, u64);

/// What one client saw.
struct Seen {
    phases: Vec<(Phase, Instant)>,
    /// Builds whose record was seen as a success.
    finished: usize,
}

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "Events",
        "1,000 clients of one gateway at `GET /api/events`, while 100 builds by a stand-in for Go are requested, spread over 30 s. Every client has to see \
         every phase of every build (claims and ends included), each once and in order, and every build succeed. The delay counts from when this program, \
         which subscribes to the same messages, sees the builder publish a phase, to when a client has read the event. All clients are in this program, on \
         the same machine.",
    );
    let scene = Scene::start(bench, &[]).await?;
    let _builder = scene.builder(&["--workers", "4"])?;
    scene.site.until_builders(1).await?;
    let (builds, spread) = if bench.quick {
        (BUILDS / 5, SPREAD / 5)
    } else {
        (BUILDS, SPREAD)
    };
    let idle = memory(scene.api.id())?;
    let host = scene.site.url.trim_start_matches("http://").to_owned();
    let address: SocketAddr = host.parse()?;
    let request = Arc::new(request("GET", "/api/events", &host, ""));
    let mut clients = JoinSet::new();
    let connected = Arc::new(tokio::sync::Semaphore::new(0));
    for _ in 0..CLIENTS {
        let (request, connected) = (Arc::clone(&request), Arc::clone(&connected));
        clients.spawn(async move {
            let mut connection = Connection::with_buffer(address, BUFFER).await?;
            let head = connection.ask(&request).await?;
            ensure!(head.status == 200, "{}", head.status);
            // The opening event, after which every change is sent.
            connection.chunk().await?;
            connected.add_permits(1);
            watch(&mut connection, builds as usize).await
        });
        // A burst of requests is another subject.
        sleep(Duration::from_millis(1)).await;
    }
    let all = u32::try_from(CLIENTS)?;
    drop(timeout(PATIENCE, connected.acquire_many(all)).await??);
    let waiting = memory(scene.api.id())?;

    let nats = async_nats::connect(scene.nats.url()).await?;
    let mut published = nats.subscribe("build.logs.>").await?;
    nats.flush().await?;
    let published = tokio::spawn(async move {
        let mut times: HashMap<Phase, Instant> = HashMap::new();
        while let Some(message) = published.next().await {
            let now = Instant::now();
            let claim = message.subject.rsplit('.').next().unwrap_or_default();
            let entry: Value = serde_json::from_slice(&message.payload)?;
            if ["claimed", "phase", "end"].contains(&entry["event"].as_str().unwrap_or_default()) {
                let n = entry["n"].as_u64().context("an entry has a number")?;
                times.entry((claim.to_owned(), n)).or_insert(now);
            }
        }
        anyhow::Ok(times)
    });
    let mut turn = interval(spread / builds);
    let mut most = waiting;
    for n in 0..builds {
        turn.tick().await;
        scene.site.asked(&a_distinct_request(n)).await?;
        most = most.max(memory(scene.api.id())?);
    }
    let seen = timeout(PATIENCE, async {
        let mut all = Vec::new();
        while let Some(seen) = clients.join_next().await {
            all.push(seen??);
        }
        anyhow::Ok(all)
    })
    .await
    .context("not every client saw every build end")??;
    most = most.max(memory(scene.api.id())?);
    nats.drain().await?;
    let published = published.await??;

    delays(&mut section, &seen, &published, builds as usize);
    section.target(
        "events: memory of the gateway",
        Unit::Bytes,
        Bound::AtMost(150e6),
        most,
    );
    section.value("gateway without clients, memory", Unit::Bytes, idle);
    section.value(
        "gateway with 1,000 waiting clients, memory",
        Unit::Bytes,
        waiting,
    );
    section.value("gateway at most, memory", Unit::Bytes, most);
    Ok(section)
}

/// Adds the delays of the clients' events, and whether they were complete.
fn delays(
    section: &mut Section,
    seen: &[Seen],
    published: &HashMap<Phase, Instant>,
    builds: usize,
) {
    let (mut delays, mut complete) = (Vec::new(), 0);
    for client in seen {
        complete += usize::from(is_complete(client, published, builds));
        for (phase, at) in &client.phases {
            if let Some(from) = published.get(phase) {
                delays.push(at.saturating_duration_since(*from).as_secs_f64());
            }
        }
    }
    let count = delays.len();
    let delays: Samples = delays.into_iter().collect();
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let share = complete as f64 / CLIENTS as f64;
    section.target(
        "events: clients that saw every phase, each once, in order",
        Unit::Ratio,
        Bound::AtLeast(1.0),
        share,
    );
    section.target(
        "events: p99 of the delay",
        Unit::Seconds,
        Bound::AtMost(0.250),
        delays.quantile(0.99),
    );
    section.value("delay, p99", Unit::Seconds, delays.quantile(0.99));
    section.row("delay of a phase", Unit::Seconds, delays);
    section.note(format!(
        "{builds} builds had {} phases; {count} were received.",
        published.len()
    ));
}

/// Reads until so many builds have succeeded and their logs have ended.
async fn watch(connection: &mut Connection, builds: usize) -> anyhow::Result<Seen> {
    let mut seen = Seen {
        phases: Vec::new(),
        finished: 0,
    };
    let mut ended = 0;
    while seen.finished < builds || ended < builds {
        let chunk = connection.chunk().await?;
        let now = Instant::now();
        ensure!(!chunk.is_empty(), "the stream ended");
        for event in std::str::from_utf8(chunk)?.split_terminator("\n\n") {
            let after = |mark: &str| event.split_once(mark).map(|(_, rest)| rest);
            if event.starts_with("event: phase\n") {
                let claim = after("\"claim\":\"").and_then(|rest| rest.split('"').next());
                let number = after("\"n\":").and_then(|rest| rest.split([',', '}']).next());
                let phase = (
                    claim.context("a claim")?.to_owned(),
                    number.context("a number")?.parse()?,
                );
                seen.phases.push((phase, now));
                ended += usize::from(event.contains("\"event\":\"end\""));
            } else if event.contains("\"status\":\"success\"") {
                seen.finished += 1;
            }
        }
    }
    Ok(seen)
}

/// Whether all phases were seen, each once, those of a claim in order.
fn is_complete(client: &Seen, published: &HashMap<Phase, Instant>, builds: usize) -> bool {
    let mut last: HashMap<&str, u64> = HashMap::new();
    let in_order = client.phases.iter().all(|((claim, n), _)| {
        let before = last.insert(claim, *n);
        before.is_none_or(|before| before < *n)
    });
    let known = client
        .phases
        .iter()
        .all(|(phase, _)| published.contains_key(phase));
    in_order && known && client.phases.len() == published.len() && client.finished == builds
}
