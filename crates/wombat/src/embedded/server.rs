//! Runs nats-server as a child: on its own loopback ports, with JetStream in the state directory, restarted if it dies.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info};
use wombat_child::{ChildCommand, Ending};
use wombat_store::{OLDEST_NATS, is_too_old};

use super::{
    guard::{Guard, bring_data},
    health::Health,
    words::LastWords,
};

/// Longest time for it to stop by itself.
const STOP_GRACE: Duration = Duration::from_secs(10);
/// Longest time for it to accept connections.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Wait before a restart.
const RESTART_DELAY: Duration = Duration::from_millis(500);
/// Longest time for it to print its version.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// A running server.
#[derive(Debug)]
pub(crate) struct EmbeddedNats {
    url: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Stops the server even if `stop` isn't called.
    _stop_when_dropped: DropGuard,
}

/// What is needed to run the server.
struct Child {
    helper: PathBuf,
    program: PathBuf,
    directory: PathBuf,
    config: PathBuf,
    stop: CancellationToken,
    /// Requests a restart.
    restart: Arc<Notify>,
    /// Its last message when it ended by itself.
    ended: watch::Sender<Option<String>>,
}

impl EmbeddedNats {
    /// Starts `program` with its data below `state` and waits until it accepts connections. Without a guard, all
    /// connections may do everything.
    pub(crate) async fn start(
        program: &Path,
        state: &Path,
        guard: Option<&Guard>,
    ) -> anyhow::Result<Self> {
        let directory = state.join("nats");
        tokio::fs::create_dir_all(&directory).await?;
        let helper = std::env::current_exe().context("finding this program")?;
        check_version(&helper, program, &directory).await?;
        // Its own ports, the same after a restart, so that clients find it again.
        let [port, monitor] = free_ports()?;
        let config = directory.join("nats.conf");
        let mut text = configuration(port, monitor, &directory);
        text.extend(guard.map(Guard::accounts));
        let (path, jetstream) = (config.clone(), directory.join(JETSTREAM));
        let is_guarded = guard.is_some();
        tokio::task::spawn_blocking(move || {
            bring_data(&jetstream, is_guarded)?;
            wombat_files::store_file(&path, text.as_bytes())
                .with_context(|| format!("writing {}", path.display()))
        })
        .await??;

        let stop = CancellationToken::new();
        let restart = Arc::new(Notify::new());
        let (ended, mut has_ended) = watch::channel(None);
        let health = Health::new(port, monitor, directory.clone());
        let child = Child {
            helper,
            program: program.to_owned(),
            directory,
            config,
            stop: stop.clone(),
            restart: Arc::clone(&restart),
            ended,
        };
        let task = tokio::spawn(child.keep_running());
        let server = Self {
            url: format!("nats://127.0.0.1:{port}"),
            _stop_when_dropped: stop.clone().drop_guard(),
            stop: stop.clone(),
            task,
        };
        let start = Instant::now();
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_err()
        {
            let changed = has_ended.changed();
            let ended = tokio::time::timeout(Duration::from_millis(20), changed).await;
            let words = match ended {
                Ok(_) => has_ended.borrow().clone().unwrap_or_default(),
                Err(_) if start.elapsed() > START_LIMIT => {
                    format!("it isn't reachable after {} s", START_LIMIT.as_secs())
                }
                Err(_) => continue,
            };
            server.stop().await?;
            bail!("nats-server ({}) doesn't start: {words}", program.display());
        }
        info!(url = server.url, program = %program.display(), "nats-server runs");
        tokio::spawn(health.watch(restart, stop));
        Ok(server)
    }

    /// Where clients connect.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops it and waits until it is gone.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.task.await.context("waiting for nats-server")
    }
}

fn free_ports() -> anyhow::Result<[u16; 2]> {
    // Both at once, so that they differ.
    let taken = [0; 2].map(|any| TcpListener::bind((Ipv4Addr::LOCALHOST, any)));
    let [one, other] = taken;
    Ok([one?.local_addr()?.port(), other?.local_addr()?.port()])
}

/// `sync_interval: always`: acknowledged messages are on disk, even if the machine loses power. `max_file` only limits
/// what buckets may reserve in total; the disk is the real limit.
fn configuration(port: u16, monitor: u16, directory: &Path) -> String {
    let quoted = |path: PathBuf| serde_json::Value::from(path.display().to_string()).to_string();
    format!(
        "listen: \"127.0.0.1:{port}\"\n\
         http: \"127.0.0.1:{monitor}\"\n\
         server_name: wombat\n\
         log_file: {}\n\
         logfile_size_limit: 10MB\n\
         jetstream {{\n  store_dir: {}\n  max_mem: 64MB\n  max_file: 1TB\n  sync_interval: always\n}}\n",
        quoted(directory.join(LOG)),
        quoted(directory.join(JETSTREAM)),
    )
}

/// Its log file, in its folder.
const LOG: &str = "nats.log";
/// Its data, in its folder.
const JETSTREAM: &str = "jetstream";

/// Refuses a program that doesn't run, or is too old to understand its configuration.
async fn check_version(helper: &Path, program: &Path, directory: &Path) -> anyhow::Result<()> {
    let child = ChildCommand::new(helper, program, directory)
        .args(["--version"])
        .spawn()?;
    let mut words = LastWords::default();
    let limit = tokio::time::sleep(VERSION_LIMIT);
    let ending = child.run(limit, |_, bytes| words.add(bytes)).await?;
    let shown = program.display();
    match ending {
        Ending::Exited(0) => {}
        Ending::Stopped(()) => bail!(
            "`{shown} --version` doesn't end; name a nats-server that runs with --nats-server or NATS_URL"
        ),
        Ending::Exited(_) | Ending::NotStarted | Ending::OutOfMemory | Ending::TooManyProcesses => {
            bail!(
                "`{shown}` isn't a nats-server that runs here ({}); name one with --nats-server or NATS_URL",
                words.last_line()
            )
        }
    }
    // `nats-server: v2.15.2`
    let line = words.last_line();
    let version = line.split_whitespace().next_back().unwrap_or_default();
    ensure!(
        !is_too_old(version),
        "`{shown}` is nats-server {version}, and Wombat Builder needs {}.{} or newer; install a newer one, or name it with --nats-server",
        OLDEST_NATS.0,
        OLDEST_NATS.1
    );
    Ok(())
}

/// Why the server is stopped.
#[derive(Clone, Copy, Debug)]
enum StopReason {
    Stop,
    Restart,
}

impl Child {
    async fn keep_running(self) {
        loop {
            let asked = async {
                tokio::select! {
                    () = self.stop.cancelled() => StopReason::Stop,
                    () = self.restart.notified() => StopReason::Restart,
                }
            };
            let mut words = LastWords::default();
            let spawned = ChildCommand::new(&self.helper, &self.program, &self.directory)
                .args(["--config".as_ref(), self.config.as_os_str()])
                .grace(STOP_GRACE)
                .spawn();
            let ending = match spawned {
                Ok(child) => child.run(asked, |_, bytes| words.add(bytes)).await,
                Err(error) => Err(error),
            };
            let said = match ending {
                Ok(Ending::Stopped(StopReason::Stop)) => return,
                Ok(Ending::Stopped(StopReason::Restart)) => continue,
                Ok(
                    Ending::Exited(_)
                    | Ending::NotStarted
                    | Ending::OutOfMemory
                    | Ending::TooManyProcesses,
                ) => words.or_of_log(&self.directory.join(LOG)).await,
                Err(error) => error.to_string(),
            };
            error!(said, "nats-server ended by itself; starting it again");
            self.ended.send_replace(Some(said));
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(RESTART_DELAY) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted() {
        let text = configuration(1, 2, Path::new("/a \"b\"/c"));
        assert!(
            text.contains(r#"store_dir: "/a \"b\"/c/jetstream""#),
            "{text}"
        );
    }
}
