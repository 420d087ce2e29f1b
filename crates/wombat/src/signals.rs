//! SIGTERM, SIGHUP and Ctrl-C: the first asks us to stop, the second to stop now, the third ends us where we stand.

use std::time::Duration;

use anyhow::bail;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long a role may take to end in order once nothing but its own work is left, beside the grace that builds have.
const END_LIMIT: Duration = Duration::from_secs(15);

/// Two levels of stopping.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    /// Finish what is under way and end.
    pub(crate) stop: CancellationToken,
    /// Drop what is under way and end.
    pub(crate) hurry: CancellationToken,
}

/// How long a role may take to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// After the first signal, for what was begun.
    pub(crate) grace: Duration,
    /// After the second one, for what has to be told to others.
    pub(crate) last_words: Duration,
}

impl Shutdown {
    /// From here on signals don't kill us.
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

    /// What a start gives, or `None` if it was to stop before: what is waited for may never come.
    pub(crate) async fn unless_stopped<T>(
        &self,
        starting: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<Option<T>> {
        tokio::select! {
            started = starting => started.map(Some),
            () = self.stop.cancelled() => Ok(None),
        }
    }

    /// Sees a role to its end. One that doesn't come to it in time is left where it stands: it hangs on something that is
    /// away, and what it was at is taken up by others, or at the next start.
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
                "ended before everything was in order, as NATS or the disk doesn't answer; what was under way is taken up again"
            ),
        }
    }
}

/// The signals that ask us to stop.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// `None`: whoever started us wants us to outlive the terminal, as `nohup` does.
    hang_up: Option<Signal>,
}

impl Signals {
    /// From here on they don't kill us.
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

/// Whether SIGHUP was ignored when we were started, as far as the system tells.
fn hang_up_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The first signal is the lowest bit.
    mask.is_some_and(|mask| mask & 1 == 1)
}
