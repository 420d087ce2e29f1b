//! The phase that a running build is in, by its log. What was read of a log before isn't read again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use wombat_model::{
    BuildKey, ClaimId,
    log::{LogEvent, Phase, Progress},
};
use wombat_store::{Logs, Revision, StoreError};

/// Claims that are remembered.
const MAX_CLAIMS: usize = 1000;
/// Most entries that are read at once; a log has no more than this.
const MAX_ENTRIES: usize = 5000;

type Stand = (Phase, Option<Progress>);

/// The last phase of each claim that was asked for, and up to where its log was read.
#[derive(Debug, Default)]
pub(super) struct Phases {
    seen: Mutex<HashMap<ClaimId, (Revision, Stand)>>,
}

impl Phases {
    /// The phase of this claim.
    pub(super) async fn of(
        &self,
        logs: &Logs,
        key: &BuildKey,
        claim: &ClaimId,
    ) -> Result<Stand, StoreError> {
        // A builder begins with this, before its first word.
        let beginning = (Phase::Resolve, None);
        match logs.last(key, claim).await? {
            None => return Ok(beginning),
            Some(entry) => {
                if let LogEvent::Phase { phase, progress } = entry.event {
                    return Ok((phase, progress));
                }
            }
        }
        let (after, mut stand) = self
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
                stand = (phase, progress);
            }
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_CLAIMS {
            seen.clear();
        }
        seen.insert(claim.clone(), (last, stand));
        Ok(stand)
    }
}
