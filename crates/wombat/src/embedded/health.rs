//! Detects that the server has stopped storing messages, and has it restarted when that helps.
//!
//! A stream that couldn't be written because the disk was full stays closed to writes, even when there is room again:
//! messages aren't acknowledged until the server is restarted. Its `/healthz` says so.

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
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

/// Time between checks.
const LOOK: Duration = Duration::from_secs(3);
/// Longest time for a check.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// Failed checks in a row before a restart.
const LOOKS: u32 = 2;
/// Free bytes on the disk without which a restart wouldn't help.
const ROOM: u64 = 16 << 20;
/// Least time between two restarts: the server may need a while to read what is stored.
const REST: Duration = Duration::from_secs(30);

/// The result of a check.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    /// All streams can be written, or the server isn't up.
    Well,
    /// The server answers, but a stream isn't written.
    Stuck(String),
}

/// What to check: ports and data folder of the server.
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

    /// Checks until `stop`, and requests a restart when one helps.
    pub(super) async fn watch(self, restart: Arc<Notify>, stop: CancellationToken) {
        let client = match reqwest::Client::builder()
            .no_proxy()
            .timeout(LOOK_LIMIT)
            .build()
        {
            Ok(client) => client,
            Err(error) => {
                warn!(%error, "can't check whether nats-server stores messages");
                return;
            }
        };
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut stuck, mut reported) = (0, false);
        let mut rests_until = Instant::now();
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                () = stop.cancelled() => return,
            }
            let problem = match self.look(&client).await {
                Condition::Well => {
                    (stuck, reported) = (0, false);
                    continue;
                }
                Condition::Stuck(problem) => problem,
            };
            stuck += 1;
            if stuck < LOOKS || Instant::now() < rests_until {
                continue;
            }
            let folder = self.folder.clone();
            let room = spawn_blocking(move || room(&folder)).await;
            let room = room.unwrap_or_else(|error| {
                warn!(%error, "can't find out how much disk is free");
                None
            });
            if room.is_none_or(|room| room >= ROOM) {
                error!(
                    problem,
                    "nats-server doesn't store messages although its disk has room; restarting it"
                );
                restart.notify_one();
                rests_until = Instant::now() + REST;
                stuck = 0;
            } else if !reported {
                error!(
                    problem,
                    free = room,
                    "nats-server can't store messages: its disk is full; free some room, and it is restarted"
                );
                reported = true;
            }
        }
    }

    async fn look(&self, client: &reqwest::Client) -> Condition {
        // The server accepts connections once it has read what is stored; before that, it isn't healthy either.
        if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .is_err()
        {
            return Condition::Well;
        }
        let url = format!("http://127.0.0.1:{}/healthz", self.monitor);
        let answer = match client.get(url).send().await {
            Ok(answer) => answer,
            Err(error) => {
                debug!(%error, "nats-server's health check doesn't answer");
                return Condition::Well;
            }
        };
        if answer.status().is_success() {
            return Condition::Well;
        }
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        let error = serde_json::from_str::<Healthz>(&text).map_or(text, |healthz| healthz.error);
        Condition::Stuck(format!("{status}: {error}"))
    }
}

/// Free bytes on the disk of this folder, if known.
fn room(folder: &Path) -> Option<u64> {
    let status = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(
        status
            .blocks_available()
            .saturating_mul(status.fragment_size()),
    )
}
