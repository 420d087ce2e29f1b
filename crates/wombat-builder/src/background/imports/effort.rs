//! What the builds of an import may use.

use tokio_util::sync::CancellationToken;
use wombat_go::{Workshop, catalog_import::Effort};
use wombat_model::catalog::Licence;

use crate::worker::Worker;

/// `nice` value: below every build.
const NICENESS: i32 = 19;

/// The worker's workshop, which accepts every licence here. Listing a package's components isn't using it: the licence
/// is checked when a client picks it.
pub(super) fn workshop(worker: &Worker) -> Workshop {
    worker.workshop.clone().accepting(Licence::Rcl)
}

/// Lasts until `stop` is cancelled.
pub(super) fn effort(worker: &Worker, stop: &CancellationToken) -> Effort {
    Effort {
        stop: stop.clone(),
        niceness: NICENESS,
        parallelism: worker.limits.all.parallelism,
    }
}
