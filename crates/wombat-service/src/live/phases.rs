//! The phase of a running build, by its log. Entries that were read before aren't read again.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;
use wombat_model::{
    BuildKey, ClaimId,
    log::{LogEvent, Phase, Progress},
};
use wombat_store::{Logs, Revision, StoreError};

/// Claims that are remembered.
const MAX_CLAIMS: NonZeroUsize = NonZeroUsize::new(1000).expect("more than none");
/// Most entries that are read at once; a log has no more than this.
const MAX_ENTRIES: usize = 5000;

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
    /// The phase of this claim.
    pub(super) async fn of(
        &self,
        logs: &Logs,
        key: &BuildKey,
        claim: &ClaimId,
    ) -> Result<PhaseProgress, StoreError> {
        // A builder starts in this phase, before its first log entry.
        let beginning = (Phase::Resolve, None);
        match logs.last(key, claim).await? {
            None => return Ok(beginning),
            Some(entry) => {
                if let LogEvent::Phase { phase, progress } = entry.event {
                    return Ok((phase, progress));
                }
            }
        }
        let (after, mut current) = self
            .seen
            .lock()
            .get(claim)
            .copied()
            .unwrap_or((Revision::new(0), beginning));
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
