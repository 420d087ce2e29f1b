//! Notices that the server doesn't store any more, and has it restarted when that helps.
//!
//! A stream that couldn't be written, since the disk was full, stays closed to writes: what is published isn't acknowledged,
//! also when there is room again, until the server is started anew. Its `/healthz` says so.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    net::TcpStream,
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(3);
/// How long a look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// Looks in a row that have to be bad.
const LOOKS: u32 = 2;
/// Room on the disk without which a restart would change nothing, in bytes.
const ROOM: u64 = 16 << 20;
/// Least time between two restarts. One may take a while to read what is stored.
const REST: Duration = Duration::from_secs(30);

/// What a look shows.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// All streams can be written, or it isn't up.
    Well,
    /// It answers, but something isn't stored.
    Stuck(String),
}

/// Where to look.
#[derive(Debug)]
pub(super) struct Health {
    port: u16,
    monitor: u16,
    folder: PathBuf,
}

#[derive(Deserialize)]
struct Healthz {
    #[serde(default)]
    error: String,
}

impl Health {
    pub(super) fn new(port: u16, monitor: u16, folder: PathBuf) -> Self {
        Self {
            port,
            monitor,
            folder,
        }
    }

    /// Looks until `stop`, and asks for a restart where one helps.
    pub(super) async fn watch(self, restart: Arc<Notify>, stop: CancellationToken) {
        let client = match reqwest::Client::builder()
            .no_proxy()
            .timeout(LOOK_LIMIT)
            .build()
        {
            Ok(client) => client,
            Err(error) => {
                warn!(%error, "it can't be seen whether nats-server stores");
                return;
            }
        };
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut stuck, mut told) = (0, false);
        let mut rests_until = Instant::now();
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                () = stop.cancelled() => return,
            }
            let problem = match self.look(&client).await {
                Look::Well => {
                    (stuck, told) = (0, false);
                    continue;
                }
                Look::Stuck(problem) => problem,
            };
            stuck += 1;
            if stuck < LOOKS || Instant::now() < rests_until {
                continue;
            }
            let room = room(&self.folder);
            if room.is_none_or(|room| room >= ROOM) {
                error!(
                    problem,
                    "nats-server doesn't store what it is sent, though the disk has room; restarting it"
                );
                restart.notify_one();
                rests_until = Instant::now() + REST;
                stuck = 0;
            } else if !told {
                error!(
                    problem,
                    free = room,
                    "nats-server can't store: its disk is full; it is restarted when there is room"
                );
                told = true;
            }
        }
    }

    async fn look(&self, client: &reqwest::Client) -> Look {
        // It takes connections once it has read what is stored; before, it isn't well either.
        if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .is_err()
        {
            return Look::Well;
        }
        let url = format!("http://127.0.0.1:{}/healthz", self.monitor);
        let answer = match client.get(url).send().await {
            Ok(answer) => answer,
            Err(error) => {
                debug!(%error, "nats-server doesn't say how it is");
                return Look::Well;
            }
        };
        if answer.status().is_success() {
            return Look::Well;
        }
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        let error = serde_json::from_str::<Healthz>(&text).map_or(text, |healthz| healthz.error);
        Look::Stuck(format!("{status}: {error}"))
    }
}

/// Free bytes on the disk of this folder, if the system tells.
fn room(folder: &Path) -> Option<u64> {
    let status = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(
        status
            .blocks_available()
            .saturating_mul(status.fragment_size()),
    )
}
