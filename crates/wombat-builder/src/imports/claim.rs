//! The right to say how far an import is.

use std::time::Duration;

use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use wombat_model::catalog::{Import, ImportState};
use wombat_store::{Revision, Versioned, Written};

use crate::{hurry, worker::Worker};

/// Pause between attempts while NATS is away.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Held by the builder whose name stands in the import.
pub(super) struct Claim {
    pub(super) import: Import,
    revision: Revision,
}

impl Claim {
    /// `None`: another builder was faster.
    pub(super) async fn win(worker: &Worker, seen: Versioned<Import>) -> Option<Self> {
        let state = importing(worker, (0, 0));
        let claim = Self {
            import: seen.value,
            revision: seen.revision,
        };
        claim.tell(worker, state).await
    }

    /// `None`: the claim is lost.
    async fn tell(self, worker: &Worker, state: ImportState) -> Option<Self> {
        let next = self.import.at(state);
        match worker.store.catalog.write_import(next, self.revision).await {
            Ok(Written::Won(written)) => Some(Self {
                import: written.value,
                revision: written.revision,
            }),
            Ok(Written::Lost) => {
                debug!("an import is another builder's");
                None
            }
            // Progress is told again with the next step.
            Err(error) => {
                warn!(%error, "can't say how far an import is");
                Some(self)
            }
        }
    }

    /// Says how the import ended, however often NATS has to be asked. A write that wasn't acknowledged may have
    /// happened: then the next one loses against it, which is as good.
    pub(super) async fn settle(self, worker: &Worker, state: ImportState) {
        let next = self.import.at(state);
        let written = async {
            loop {
                match worker
                    .store
                    .catalog
                    .write_import(next.clone(), self.revision)
                    .await
                {
                    Ok(Written::Won(_) | Written::Lost) => return,
                    Err(error) => {
                        warn!(%error, "can't say how an import ended; trying again");
                        sleep(PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = written => {}
            () = hurry::is_over(&worker.hurry) => warn!("NATS stayed away; the import is left to others"),
        }
    }

    /// Tells of progress until there is none any more. Ends the work if the claim is lost or the builder stops.
    pub(super) async fn keep_telling(
        self,
        worker: &Worker,
        mut told: watch::Receiver<(usize, usize)>,
        stop: &CancellationToken,
    ) -> Option<Self> {
        let mut claim = Some(self);
        loop {
            tokio::select! {
                changed = told.changed() => if changed.is_err() {
                    return claim;
                },
                () = worker.stop.cancelled(), if !stop.is_cancelled() => {
                    stop.cancel();
                    continue;
                }
            }
            let progress = *told.borrow_and_update();
            claim = match claim {
                Some(claim) => claim.tell(worker, importing(worker, progress)).await,
                None => None,
            };
            if claim.is_none() {
                stop.cancel();
            }
        }
    }
}

fn importing(worker: &Worker, (done, of): (usize, usize)) -> ImportState {
    ImportState::Importing {
        builder: worker.builder.clone(),
        done: u32::try_from(done).unwrap_or(u32::MAX),
        of: u32::try_from(of).unwrap_or(u32::MAX),
    }
}
