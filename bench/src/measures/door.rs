//! Readers while attackers load the gateway, or flood it with requests. `floods`: one client that holds all that it can.

mod beside;
mod floods;
mod target;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, interval, sleep, timeout},
};
use wombat_testkit::{a_distinct_request, rapid_resets};

use self::target::address_of;
use crate::{
    bench::Bench,
    http::{Connection, list_path, request},
    load,
    report::{Bound, Section, Unit},
    samples::Samples,
    stand_in::Scene,
};

/// Readers, each of which sends a request every 20 ms.
const READERS: usize = 8;
const PACE: Duration = Duration::from_millis(20);
/// Clients that send one byte per second.
const SLOW: usize = 500;
/// Attacks of each other kind per second.
const ATTACKS_A_SECOND: u64 = 20;
const GIGABYTE: usize = 1_000_000_000;
/// Requests of a flood, its duration, and the number of addresses.
const FLOOD: u32 = 5_000;
const FLOOD_TIME: Duration = Duration::from_secs(10);
const ADDRESSES: u32 = 50;

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "Door",
        "Eight readers ask for lists of builds, components and platforms, each every 20 ms; an answer's time counts from when its question was due. They take turns \
         alone and beside attackers: 500 clients that send a byte a second, and, 20 times a second each, a body of 1 GB, a head with 10,000 headers, and \
         1,000 HTTP/2 streams that are opened and reset. Then 5,000 distinct requests come within 10 s from 50 addresses, told by a trusted \
         proxy. Last, one client behind that proxy floods the gateway in five ways, each for a minute: 4,224 event streams, 3,000 waits, 500 downloads of \
         40 MB that it doesn't read, 320 lints a second whose answers it doesn't wait for, and 320 requests a second to build ahead; whatever is refused or \
         ends is tried again a second later. Beside it another client sends `/healthz`, `GET /api/builds` and a repeat, each every 20 ms over a connection of \
         its own; an answer that isn't a 200 within 5 s is a failure. Everything runs on the same machine; in the last part, the servers on one core, and \
         the clients on another.",
    );
    let scene = Scene::start(bench, &["--client-quota", "0"]).await?;
    let _builder = scene.builder(&[])?;
    scene.site.until_builders(1).await?;
    for n in 0..20 {
        scene.site.asked(&a_distinct_request(n)).await?;
    }
    attacks(bench, &scene, &mut section).await?;
    drop(scene);
    flood(bench, &mut section).await?;
    floods::run(bench, &mut section).await?;
    Ok(section)
}

fn questions(host: &str) -> Arc<Vec<Vec<u8>>> {
    let paths = [
        format!("{}&limit=20", list_path("nats")),
        list_path("goos:linux kafka"),
        "/api/catalog?q=redis".to_owned(),
        "/api/platforms".to_owned(),
    ];
    let get = |path: &String| request("GET", path, host, "");
    Arc::new(paths.iter().map(get).collect())
}

async fn attacks(bench: &Bench, scene: &Scene, section: &mut Section) -> anyhow::Result<()> {
    let (host, address) = address_of(&scene.site)?;
    let questions = questions(&host);
    let time = Duration::from_secs(if bench.quick { 3 } else { 10 });
    let read = || load::paced(address, &questions, READERS, PACE, time);
    let [mut alone, mut beside, mut ratios] = <[Samples; 3]>::default();
    read().await?;
    for _ in 0..bench.times(5) {
        let quiet = read().await?.quantile(0.99);
        let attackers = attack(address);
        // All of them are connected.
        sleep(Duration::from_secs(2)).await;
        let loud = read().await?.quantile(0.99);
        drop(attackers);
        alone.push(quiet);
        beside.push(loud);
        ratios.push(loud / quiet);
    }
    section.target(
        "readers' p99 beside attackers, over alone",
        Unit::Ratio,
        Bound::AtMost(2.0),
        ratios.median(),
    );
    section.row("readers' p99 alone", Unit::Seconds, alone);
    section.row("readers' p99 beside attackers", Unit::Seconds, beside);
    section.row("ratio", Unit::Ratio, ratios);
    Ok(())
}

/// Attackers that run until they are dropped.
fn attack(address: SocketAddr) -> JoinSet<()> {
    let mut attackers = JoinSet::new();
    for _ in 0..SLOW {
        attackers.spawn(async move {
            loop {
                // However the gateway ends the connection, the next one follows.
                let _ended = slow(address).await;
            }
        });
    }
    let giant = format!(
        "POST /api/builds HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {GIGABYTE}\r\n\r\n"
    );
    let headers: Vec<String> = (0..10_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", headers.concat());
    for (bytes, more) in [
        (giant.into_bytes(), GIGABYTE),
        (many.into_bytes(), 0),
        (rapid_resets(), 0),
    ] {
        let bytes = Arc::new(bytes);
        attackers.spawn(async move {
            let mut ticks = interval(Duration::from_millis(1000 / ATTACKS_A_SECOND));
            let mut each = JoinSet::new();
            loop {
                ticks.tick().await;
                let bytes = Arc::clone(&bytes);
                each.spawn(async move {
                    let _ended = send(address, &bytes, more).await;
                });
                while each.try_join_next().is_some() {}
            }
        });
    }
    attackers
}

async fn slow(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(b"GET /api/builds HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        .await?;
    loop {
        sleep(Duration::from_secs(1)).await;
        stream.write_all(b"a").await?;
    }
}

/// Sends these bytes and this many more, until it is refused, and reads the answer.
async fn send(address: SocketAddr, bytes: &[u8], more: usize) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    let piece = vec![b'a'; 64 * 1024];
    for _ in 0..more / piece.len() {
        stream.write_all(&piece).await?;
    }
    let mut answer = [0; 1024];
    // A connection that stays open can do no further harm.
    let _done = timeout(Duration::from_secs(1), stream.read(&mut answer)).await;
    Ok(())
}

async fn flood(bench: &Bench, section: &mut Section) -> anyhow::Result<()> {
    let nats = wombat_testkit::NatsServer::start()?;
    bench.program.set_up(&nats, &[])?;
    let url = nats.url();
    let _service = bench.program.start(&["service", "--nats-url", &url])?;
    let trust = ["--trusted-proxy", "127.0.0.1"];
    let (_api, site) = bench.program.gateway(&url, &trust).await?;
    let (host, address) = address_of(&site)?;
    let questions = questions(&host);
    let readers =
        tokio::spawn(
            async move { load::paced(address, &questions, READERS, PACE, FLOOD_TIME).await },
        );
    let mut clients = JoinSet::new();
    let start = Instant::now();
    for client in 0..ADDRESSES {
        let host = host.clone();
        clients.spawn(async move { one_of_the_flood(address, &host, client, start).await });
    }
    let (mut taken, mut refused) = (0_u32, 0_u32);
    while let Some(counts) = clients.join_next().await {
        let counts = counts??;
        taken += counts.0;
        refused += counts.1;
    }
    let took = start.elapsed().as_secs_f64();
    let reads = readers.await??;
    let list = site.json("/api/builds?limit=1").await?;
    let stored = list["total"].as_u64().context("a number")?;
    ensure!(stored == u64::from(taken), "{stored} stored, {taken} taken");
    ensure!(taken + refused == FLOOD, "{taken} + {refused}");
    section.value("flood: builds taken", Unit::Count, f64::from(taken));
    section.value(
        "flood: refused with `Retry-After`",
        Unit::Count,
        f64::from(refused),
    );
    section.value("flood: requests", Unit::PerSecond, f64::from(FLOOD) / took);
    section.target(
        "readers' p99 in a flood of 5,000 requests",
        Unit::Seconds,
        Bound::AtMost(0.1),
        reads.quantile(0.99),
    );
    Ok(())
}

/// Sends a part of the flood, and counts accepted and correctly refused requests.
async fn one_of_the_flood(
    address: SocketAddr,
    host: &str,
    client: u32,
    start: Instant,
) -> anyhow::Result<(u32, u32)> {
    let mut connection = Connection::with_buffer(address, 64 * 1024).await?;
    let (mut taken, mut refused) = (0, 0);
    for n in (client..FLOOD).step_by(ADDRESSES as usize) {
        tokio::time::sleep_until(start + FLOOD_TIME * n / FLOOD).await;
        let body = a_distinct_request(n).to_string();
        let from = format!("{host}\r\nX-Forwarded-For: 192.0.2.{client}");
        let request = request("POST", "/api/builds", &from, &body);
        let head = connection.exchange(&request, |_| {}).await?;
        match head.status {
            202 => taken += 1,
            429 | 503 if head.retry_after => refused += 1,
            status => anyhow::bail!("an answer with status {status}"),
        }
    }
    Ok((taken, refused))
}
