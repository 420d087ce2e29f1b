//! The phase of a running build, by its log. Entries that were read before aren't read again.

use std::{num::NonZeroUsize, time::Duration};

use lru::LruCache;
use parking_lot::Mutex;
use tokio::time::timeout;
use tracing::debug;
use wombat_model::{
    BuildKey, ClaimId,
    log::{LogEvent, Phase, Progress},
};
use wombat_store::{Logs, Revision, StoreError};

/// Claims that are remembered.
const MAX_CLAIMS: NonZeroUsize = NonZeroUsize::new(1000).expect("more than none");
/// Most entries that are read at once; a log has no more than this.
const MAX_ENTRIES: usize = 5000;
/// Longest wait for the log: the record has been read before, and clients are promised an answer within two seconds.
const LIMIT: Duration = Duration::from_millis(500);

type PhaseProgress = (Phase, Option<Progress>);

/// The last known phase of each claim, and up to where its log was read.
#[derive(Debug)]
pub(super) struct Phases {
    seen: Mutex<LruCache<ClaimId, (Revision, PhaseProgress)>>,
}

impl Default for Phases {
    fn default() -> Self {
        Self {
            seen: Mutex::new(LruCache::new(MAX_CLAIMS)),
        }
    }
}

impl Phases {
    /// The phase of this claim. If its log can't be read soon, as during an election, the last known one.
    pub(super) async fn of(&self, logs: &Logs, key: &BuildKey, claim: &ClaimId) -> PhaseProgress {
        match timeout(LIMIT, self.read(logs, key, claim)).await {
            Ok(Ok(phase)) => return phase,
            Ok(Err(error)) => debug!(%key, %error, "can't read a phase"),
            Err(_) => debug!(%key, "reading a phase takes too long"),
        }
        self.known(claim).1
    }

    /// Up to where the log of this claim was read, and the phase there.
    fn known(&self, claim: &ClaimId) -> (Revision, PhaseProgress) {
        let known = self.seen.lock().get(claim).copied();
        // A builder starts in this phase, before its first log entry.
        known.unwrap_or((Revision::ZERO, (Phase::Resolve, None)))
    }

    async fn read(
        &self,
        logs: &Logs,
        key: &BuildKey,
        claim: &ClaimId,
    ) -> Result<PhaseProgress, StoreError> {
        let (after, mut current) = self.known(claim);
        match logs.last(key, claim).await? {
            None => return Ok(current),
            Some(entry) => {
                if let LogEvent::Phase { phase, progress } = entry.event {
                    return Ok((phase, progress));
                }
            }
        }
        let (entries, _) = logs.read(key, after, MAX_ENTRIES).await?;
        let mut last = after;
        for logged in entries {
            last = logged.sequence;
            if logged.claim == *claim
                && let LogEvent::Phase { phase, progress } = logged.entry.event
            {
                current = (phase, progress);
            }
        }
        self.seen.lock().put(claim.clone(), (last, current));
        Ok(current)
    }
}
