//! Runs nats-server as a child: on a loopback port of its own, with JetStream in the state folder, started again if it dies.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};
use wombat_builder::child::{ChildCommand, Ending};

/// How long it may take to stop by itself.
const STOP_GRACE: Duration = Duration::from_secs(10);
/// How long it may take to answer.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Wait before it is started again.
const RESTART_DELAY: Duration = Duration::from_millis(500);

/// A running server.
#[derive(Debug)]
pub(crate) struct EmbeddedNats {
    url: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl EmbeddedNats {
    /// Starts `program` with its data below `state` and waits until it takes connections, or until `cancel`.
    pub(crate) async fn start(
        program: &Path,
        state: &Path,
        cancel: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let directory = state.join("nats");
        tokio::fs::create_dir_all(&directory).await?;
        // A port of its own, kept through restarts, so that clients find it again.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let config = directory.join("nats.conf");
        tokio::fs::write(&config, configuration(port, &directory)).await?;

        let stop = CancellationToken::new();
        let log = directory.join("nats.log");
        let mut task = tokio::spawn(keep_running(
            std::env::current_exe().context("finding this program")?,
            program.to_owned(),
            directory,
            config,
            stop.clone(),
        ));
        let start = Instant::now();
        loop {
            if tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .is_ok()
            {
                break;
            }
            let ended = tokio::time::timeout(Duration::from_millis(20), &mut task)
                .await
                .is_ok();
            if ended || cancel.is_cancelled() || start.elapsed() > START_LIMIT {
                stop.cancel();
                if !ended {
                    task.await.context("waiting for nats-server")?;
                }
                bail!("nats-server didn't start; {} says why", log.display());
            }
        }
        let url = format!("nats://127.0.0.1:{port}");
        info!(url, program = %program.display(), "nats-server runs");
        Ok(Self { url, stop, task })
    }

    /// Where clients find it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Stops it and waits until it is gone.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.task.await.context("waiting for nats-server")
    }
}

/// `sync_interval: always`: what is acknowledged is on disk, also when the machine loses power.
/// `max_file` only bounds what buckets may reserve together; the disk is the real limit.
fn configuration(port: u16, directory: &Path) -> String {
    let quoted = |path: PathBuf| serde_json::Value::from(path.display().to_string()).to_string();
    format!(
        "listen: \"127.0.0.1:{port}\"\n\
         server_name: wombat\n\
         log_file: {}\n\
         logfile_size_limit: 10MB\n\
         jetstream {{\n  store_dir: {}\n  max_mem: 64MB\n  max_file: 1TB\n  sync_interval: always\n}}\n",
        quoted(directory.join("nats.log")),
        quoted(directory.join("jetstream")),
    )
}

async fn keep_running(
    helper: PathBuf,
    program: PathBuf,
    directory: PathBuf,
    config: PathBuf,
    stop: CancellationToken,
) {
    loop {
        let spawned = ChildCommand::new(&helper, &program, &directory)
            .args(["--config".as_ref(), config.as_os_str()])
            .grace(STOP_GRACE)
            .spawn();
        let ending = match spawned {
            Ok(child) => child.run(stop.cancelled(), |_, _| ()).await,
            Err(error) => Err(error),
        };
        match ending {
            Ok(Ending::Stopped(())) => return,
            Ok(Ending::NotStarted) => {
                error!(program = %program.display(), "nats-server can't be started");
                return;
            }
            Ok(ending) => error!(?ending, "nats-server ended by itself; starting it again"),
            Err(error) => error!(%error, "nats-server can't be run; trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RESTART_DELAY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted() {
        let text = configuration(1, Path::new("/a \"b\"/c"));
        assert!(
            text.contains(r#"store_dir: "/a \"b\"/c/jetstream""#),
            "{text}"
        );
    }
}
