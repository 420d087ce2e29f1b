//! SIGTERM and Ctrl-C: the first asks us to stop, the second to stop now.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Two levels of stopping.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    /// Finish what is under way and end.
    pub(crate) stop: CancellationToken,
    /// Drop what is under way and end.
    pub(crate) hurry: CancellationToken,
}

impl Shutdown {
    /// From here on signals don't kill us.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let shutdown = Self {
            stop: CancellationToken::new(),
            hurry: CancellationToken::new(),
        };
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (stop, hurry) = (shutdown.stop.clone(), shutdown.hurry.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if stop.is_cancelled() {
                    warn!("stopping now");
                    hurry.cancel();
                } else {
                    info!("stopping; a second signal stops at once");
                    stop.cancel();
                }
            }
        });
        Ok(shutdown)
    }
}
