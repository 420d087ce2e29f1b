//! The right of one builder to do an import and to write its state.

use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use wombat_model::catalog::{Import, ImportState};
use wombat_store::{Revision, Versioned, Written};

use super::{limits::PAUSE, progress::Progress};
use crate::{force_stop, worker::Worker};

/// Held by the builder that is named in the import.
pub(super) struct Claim {
    pub(super) import: Import,
    revision: Revision,
}

impl Claim {
    /// Claims an import. `None` if another builder was faster.
    pub(super) async fn win(worker: &Worker, seen: Versioned<Import>) -> Option<Self> {
        let state = Progress::default().state(&worker.builder);
        let claim = Self {
            import: seen.value,
            revision: seen.revision,
        };
        claim.tell(worker, state).await
    }

    /// Writes a state. `None` if the claim is lost.
    async fn tell(self, worker: &Worker, state: ImportState) -> Option<Self> {
        let next = self.import.at(state);
        match worker.store.catalog.write_import(next, self.revision).await {
            Ok(Written::Won(written)) => Some(Self {
                import: written.value,
                revision: written.revision,
            }),
            Ok(Written::Lost) => {
                debug!("another builder claimed the import");
                None
            }
            // The next step writes the progress again.
            Err(error) => {
                warn!(%error, "can't write the progress of an import");
                Some(self)
            }
        }
    }

    /// Writes the end of the import, with as many attempts as it takes. A write without an acknowledgement may have
    /// happened: the next one then loses against it, which is fine.
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
                        warn!(%error, "can't write the end of an import; trying again");
                        sleep(PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = written => {}
            () = force_stop::time_is_up(&worker.force_stop) => {
                warn!("NATS is unavailable; leaving the import to other builders");
            }
        }
    }

    /// Writes progress until the work ends. Cancels the work if the claim is lost or the builder stops.
    pub(super) async fn keep_telling(
        self,
        worker: &Worker,
        mut told: watch::Receiver<Progress>,
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
                Some(claim) => claim.tell(worker, progress.state(&worker.builder)).await,
                None => None,
            };
            if claim.is_none() {
                stop.cancel();
            }
        }
    }
}
