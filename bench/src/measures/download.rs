//! Downloads of a binary that the gateway has on its disk.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tokio::{task::JoinSet, time::sleep};
use wombat_testkit::{a_distinct_request, artifact_path};

use crate::{
    bench::Bench,
    http::{Connection, request},
    limit::Limit,
    report::{Bound, Section, Unit},
    samples::Samples,
    stand_in::{Scene, memory},
};

/// Bytes of the binary.
const SIZE: u64 = 40_000_000;
/// Downloads at once.
const AT_ONCE: usize = 16;
/// Downloads of each connection, one after another.
const EACH: u32 = 6;

pub(crate) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::new(
        "Downloads",
        "A binary of 40 MB, 16 downloads at once, each over a connection that is kept, after it was downloaded once. The clients run on the same \
         machine and throw the bytes away. The limit is a plain static file server in a process of its own (the file service of tower-http, with \
         buffers of 256 KiB) with the same file. Beside it stands the least that the system allows: `sendfile`, a thread a connection. All three \
         are measured in turn.",
    );
    let scene = Scene::start(bench, &[]).await?;
    scene.go.makes_bytes(SIZE)?;
    let _builder = scene.builder(&["--workers", "1"])?;
    scene.site.until_builders(1).await?;
    let id = scene.site.asked(&a_distinct_request(0)).await?;
    scene
        .site
        .until(&id, "success", Duration::from_mins(1))
        .await?;
    let path = artifact_path(&id);
    let host = scene.site.url.trim_start_matches("http://").to_owned();
    let idle = memory(scene.api.id())?;
    let first = Instant::now();
    let binary = scene.site.get(&path).await?.bytes().await?;
    let first = first.elapsed();
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("binary"), &binary)?;
    let shown = folder.path().to_str().context("a path of ours")?;
    let (plain, sendfile) = (
        Limit::start(&["files", shown])?,
        Limit::start(&["sendfile", shown])?,
    );
    let subjects = [
        ("the gateway", host.as_str(), path.as_str()),
        ("limit: a plain file server", &plain.place, "/binary"),
        ("`sendfile`", &sendfile.place, "/binary"),
    ];
    let mut speeds = [(); 3].map(|()| Samples::default());
    let [mut over_plain, mut over_sendfile] = [(); 2].map(|()| Samples::default());
    let mut most = idle;
    for _ in 0..bench.times(5) {
        let mut turn = [0.0; 3];
        for (number, (_, host, path)) in subjects.iter().enumerate() {
            let request = Arc::new(request("GET", path, host, ""));
            let load = tokio::spawn(downloads(host.parse()?, request, binary.len()));
            while !load.is_finished() {
                most = most.max(memory(scene.api.id())?);
                sleep(Duration::from_millis(10)).await;
            }
            turn[number] = load.await??;
            speeds[number].push(turn[number]);
        }
        over_plain.push(turn[0] / turn[1]);
        over_sendfile.push(turn[0] / turn[2]);
    }
    section.target(
        "download, 16 at once, over a plain file server",
        Unit::Ratio,
        Bound::AtLeast(0.7),
        over_plain.median(),
    );
    section.target(
        "download: memory of the gateway above idle",
        Unit::Bytes,
        Bound::AtMost(100e6),
        most - idle,
    );
    for ((what, ..), speed) in subjects.iter().zip(speeds) {
        section.row(format!("{what}, bytes a second"), Unit::Bytes, speed);
    }
    section.row("gateway over plain, each turn", Unit::Ratio, over_plain);
    section.row(
        "gateway over `sendfile`, each turn",
        Unit::Ratio,
        over_sendfile,
    );
    section.value(
        "the first download, out of the object store",
        Unit::Seconds,
        first.as_secs_f64(),
    );
    section.value("gateway at rest, memory", Unit::Bytes, idle);
    section.value("gateway at most, memory", Unit::Bytes, most);
    Ok(section)
}

/// Bytes per second, all downloads together.
async fn downloads(address: SocketAddr, request: Arc<Vec<u8>>, size: usize) -> anyhow::Result<f64> {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let request = Arc::clone(&request);
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            for _ in 0..EACH {
                let mut length = 0;
                let status = connection
                    .exchange(&request, |piece| length += piece.len())
                    .await?
                    .status;
                ensure!(status == 200 && length == size, "{status}, {length} bytes");
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let bytes = (size * AT_ONCE * EACH as usize) as f64;
    Ok(bytes / start.elapsed().as_secs_f64())
}
