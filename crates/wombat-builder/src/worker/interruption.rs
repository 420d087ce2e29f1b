//! What stops a build before its end.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wombat_model::Status;
use wombat_store::Revision;

use crate::last_seen::LastSeen;

/// Why a build was stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Another process changed the record: the build is cancelled or recovered. With its status, if the record still
    /// exists.
    Foreign(Option<Status>),
    /// Other builders may soon count this one as dead.
    Fenced,
    /// This builder is forced to stop.
    ForceStop,
}

impl Cause {
    /// Resolves when the build of this claim must not go on.
    pub(super) async fn of(
        mut fenced: watch::Receiver<bool>,
        force_stop: &CancellationToken,
        ours: Revision,
        seen: &mut watch::Receiver<LastSeen>,
    ) -> Self {
        tokio::select! {
            cause = foreign(seen, ours) => cause,
            Ok(_) = fenced.wait_for(|fenced| *fenced) => Self::Fenced,
            () = force_stop.cancelled() => Self::ForceStop,
        }
    }
}

async fn foreign(seen: &mut watch::Receiver<LastSeen>, ours: Revision) -> Cause {
    let newer = seen
        .wait_for(|seen| seen.revision > ours)
        .await
        .map(|seen| *seen);
    match newer {
        Ok(seen) => Cause::Foreign(seen.status),
        Err(_) => std::future::pending().await,
    }
}
