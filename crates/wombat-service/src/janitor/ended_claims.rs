//! Removes what claims that are over left of their uploads: a builder that died or was stopped in the middle of one
//! leaves chunks, which take room until they are old enough to be orphans.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;
use tracing::info;
use wombat_model::{ArtifactName, Build, BuildKey, BuildState, ClaimId, FailureClass};
use wombat_store::{Store, StoreError, WatchEvent, Watcher};

/// How long after its end a claim is looked at: its builder stops as soon as it sees the end, but chunks that it sent may
/// still be on their way. Those that come even later are found as orphans.
const SETTLED: Duration = Duration::from_secs(2);

/// Writes before an instance begins to clean up that it looks at: claims may have ended while none did.
const RECENT: u64 = 100;

/// Follows claims, and what they leave.
#[derive(Debug)]
pub(super) struct EndedClaims {
    watcher: Watcher<Build>,
    /// Who holds each build.
    held: BTreeMap<BuildKey, ClaimId>,
    /// Claims to look at, the first one first.
    over: VecDeque<EndedClaim>,
}

#[derive(Debug)]
struct EndedClaim {
    key: BuildKey,
    claim: ClaimId,
    due: Instant,
}

impl EndedClaims {
    /// Follows claims that are held now, and later ones; also those that ended lately.
    pub(super) fn follow(store: &Store) -> Self {
        Self {
            watcher: store.builds.watch_open(RECENT),
            held: BTreeMap::new(),
            over: VecDeque::new(),
        }
    }

    fn note(&mut self, event: WatchEvent<Build>) {
        match event {
            WatchEvent::Value { record, .. } => self.note_state(&record.value),
            WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
                if let Ok(key) = key.parse() {
                    self.end(key, None);
                }
            }
            WatchEvent::Ready => {}
            WatchEvent::Reset => self.held.clear(),
        }
    }

    fn note_state(&mut self, build: &Build) {
        let key = build.key();
        match build.state() {
            BuildState::Building { by, .. } => {
                if self.held.get(&key) != Some(&by.claim) {
                    self.end(key.clone(), None);
                    self.held.insert(key, by.claim.clone());
                }
            }
            // Nothing is left of an upload that succeeded at once.
            BuildState::Success { by, artifact, .. }
                if artifact.name == ArtifactName::new(&key, &by.claim) =>
            {
                self.held.remove(&key);
            }
            BuildState::Failed { failure, .. } if ends_before_upload(failure.class) => {
                self.held.remove(&key);
            }
            BuildState::New { .. }
            | BuildState::Success { .. }
            | BuildState::Failed { .. }
            | BuildState::Cancelled { .. } => {
                self.end(key, build.holder().map(|by| by.claim.clone()));
            }
        }
    }

    /// Notes that a build is held no longer; `last`: the claim that the record names, if it names one.
    fn end(&mut self, key: BuildKey, last: Option<ClaimId>) {
        if let Some(claim) = self.held.remove(&key).or(last) {
            let due = Instant::now() + SETTLED;
            self.over.push_back(EndedClaim { key, claim, due });
        }
    }

    /// Removes the chunks of claims that have been over for a moment. An error leaves them to the next call.
    pub(super) async fn clean(&mut self, store: &Store) -> Result<(), StoreError> {
        let now = Instant::now();
        let due = self.over.iter().take_while(|claim| claim.due <= now);
        let count = due.clone().count();
        if count == 0 {
            return Ok(());
        }
        let names: Vec<String> = due
            .flat_map(|claim| ArtifactName::all(&claim.key, &claim.claim))
            .flat_map(|name| [format!("{name}.recipe"), name.to_string()])
            .collect();
        let groups = store.artifacts.remove_chunks_of(&names).await?;
        if groups > 0 {
            info!(groups, "removed chunks of claims that are over");
        }
        self.over.drain(..count);
        Ok(())
    }
}

/// Whether builds that fail like this have uploaded nothing: the modules and the binary are judged first.
fn ends_before_upload(class: FailureClass) -> bool {
    match class {
        FailureClass::Input | FailureClass::Compile => true,
        FailureClass::Resource
        | FailureClass::Infra
        | FailureClass::Lost
        | FailureClass::Internal
        | FailureClass::Tampered => false,
    }
}

/// Notes the next change of these, or never ends. Safe to drop.
pub(super) async fn note_next(claims: &mut Option<EndedClaims>) {
    match claims {
        Some(claims) => {
            let event = claims.watcher.next().await;
            claims.note(event);
        }
        None => std::future::pending().await,
    }
}
