//! SIGTERM, SIGHUP and Ctrl-C: the first asks the process to stop, the second to stop at once, the third ends it.

use std::time::Duration;

use anyhow::bail;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Longest time for a role to end, apart from the grace that its builds have.
const END_LIMIT: Duration = Duration::from_secs(15);

/// Two levels of stopping.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    /// Finish running work and end.
    pub(crate) stop: CancellationToken,
    /// Drop running work and end.
    pub(crate) hurry: CancellationToken,
}

/// How long a role may take to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// After the first signal, for running work.
    pub(crate) grace: Duration,
    /// After the second one, for writes that other instances wait for.
    pub(crate) last_words: Duration,
}

impl Shutdown {
    /// From here on signals don't kill the process.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let shutdown = Self {
            stop: CancellationToken::new(),
            hurry: CancellationToken::new(),
        };
        let mut signals = Signals::listen()?;
        let (stop, hurry) = (shutdown.stop.clone(), shutdown.hurry.clone());
        tokio::spawn(async move {
            loop {
                signals.next().await;
                match (stop.is_cancelled(), hurry.is_cancelled()) {
                    (false, _) => {
                        info!("stopping; a second signal stops at once");
                        stop.cancel();
                    }
                    (true, false) => {
                        warn!("stopping now");
                        hurry.cancel();
                    }
                    (true, true) => std::process::exit(1),
                }
            }
        });
        Ok(shutdown)
    }

    /// The result of a start, or `None` if `stop` comes first: what a start waits for may never come.
    pub(crate) async fn unless_stopped<T>(
        &self,
        starting: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<Option<T>> {
        tokio::select! {
            started = starting => started.map(Some),
            () = self.stop.cancelled() => Ok(None),
        }
    }

    /// Waits for a role to end. A role that takes too long is abandoned: it hangs on something unavailable, and its
    /// work is continued by other instances or at the next start.
    pub(crate) async fn see_through(
        &self,
        role: impl Future<Output = anyhow::Result<()>>,
        patience: Patience,
    ) -> anyhow::Result<()> {
        let overdue = async {
            tokio::select! {
                () = async {
                    self.stop.cancelled().await;
                    sleep(patience.grace + END_LIMIT).await;
                } => {}
                () = async {
                    self.hurry.cancelled().await;
                    sleep(patience.last_words).await;
                } => {}
            }
        };
        tokio::select! {
            ended = role => ended,
            () = overdue => bail!(
                "the shutdown was cut short, since NATS or the disk doesn't answer; unfinished work is continued by other instances or at the next start"
            ),
        }
    }
}

/// The signals that ask the process to stop.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// `None` if SIGHUP was ignored at the start, as with `nohup`: the process should outlive the terminal.
    hang_up: Option<Signal>,
}

impl Signals {
    /// From here on these signals don't kill the process.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let hang_up = !hang_up_is_ignored();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: hang_up.then(|| signal(SignalKind::hangup())).transpose()?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = hang_up => {}
        }
    }
}

/// Whether SIGHUP was ignored when the process was started, as far as the system tells.
#[expect(
    clippy::disallowed_methods,
    reason = "called once, at the start of the process"
)]
fn hang_up_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The first signal is the lowest bit.
    mask.is_some_and(|mask| mask & 1 == 1)
}
