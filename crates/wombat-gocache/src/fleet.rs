//! The fleet's part of the cache: results of other builders, copied into the local folder on request or ahead of it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};
use tracing::debug;
use wombat_store::{GoCache, StoreError};

use super::{
    entry::{self, Head},
    id::ActionId,
    known::KnownResults,
    local::{Found, LocalCache},
    unpack::{Arrived, Unpacking},
};

/// Pause in requests to the fleet after one failed.
const REST: Duration = Duration::from_secs(10);
/// Most results in one request, and about how many bytes it may return: the NATS server disconnects clients that read
/// too slowly.
const BATCH: usize = 128;
const BATCH_BYTES: u64 = 2 * 1024 * 1024;
/// Concurrent requests: enough to use a connection with high latency.
const BATCHES_AT_ONCE: usize = 6;
/// Assumed compression ratio, for estimates.
const PACKED: u64 = 4;

/// A result that earlier builds requested, and its approximate size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) action: ActionId,
    pub(super) size: u32,
}

/// The fleet's results, and what is known about them.
#[derive(Clone, Debug)]
pub(super) struct Fleet {
    pub(super) store: GoCache,
    pub(super) shared: LocalCache,
    unpacking: Unpacking,
    state: Arc<Mutex<FleetState>>,
}

#[derive(Debug, Default)]
struct FleetState {
    /// Results that are being fetched. The channel has the result once it is in the local folder, and closes then, or
    /// when the fetch failed.
    coming: HashMap<ActionId, watch::Receiver<Option<Found>>>,
    /// Results that the fleet has.
    known: KnownResults,
    away_until: Option<Instant>,
}

/// A result that is being fetched; dropping this ends the wait of others for it.
#[derive(Debug)]
struct PendingResult {
    fleet: Fleet,
    action: ActionId,
    sender: watch::Sender<Option<Found>>,
}

impl PendingResult {
    /// Ends the wait with the result.
    fn arrived(self, found: Found) {
        self.sender.send_replace(Some(found));
    }
}

impl Drop for PendingResult {
    fn drop(&mut self) {
        self.fleet.state.lock().coming.remove(&self.action);
    }
}

impl Fleet {
    pub(super) fn new(store: GoCache, shared: LocalCache) -> Self {
        Self {
            store,
            unpacking: Unpacking::new(shared.clone()),
            shared,
            state: Arc::default(),
        }
    }

    /// The result of an action. `None` if the fleet doesn't have it, or can't be reached now.
    pub(super) async fn get(&self, action: ActionId) -> Option<Found> {
        let on_its_way = self.state.lock().coming.get(&action).cloned();
        if let Some(mut coming) = on_its_way {
            let found = coming.wait_for(Option::is_some).await;
            return found.ok()?.clone();
        }
        if self.is_away() {
            return None;
        }
        let coming = self.announce(action)?;
        let key = [entry::key(&action)];
        let mut answers = std::pin::pin!(self.store.fetch(&key));
        match answers.next().await? {
            Ok((_, first)) => {
                let found = self.keep(vec![(action, first)]).await.remove(&action)?;
                coming.arrived(found.clone());
                Some(found)
            }
            Err(error) => {
                self.rest(&error);
                None
            }
        }
    }

    /// Copies results that the build will probably need into the local folder, in this order.
    pub(super) async fn fetch_ahead(&self, wanted: Vec<Wanted>) {
        if self.is_away() {
            return;
        }
        self.know(wanted.iter().map(|wanted| wanted.action));
        let shared = self.shared.clone();
        let lacking = tokio::task::spawn_blocking(move || {
            let mut wanted = wanted;
            wanted.retain(|wanted| !shared.has(&wanted.action));
            wanted
        });
        let Ok(lacking) = lacking.await else { return };
        let count = lacking.len();
        let begun = Instant::now();
        let batches: Vec<Vec<PendingResult>> = batches(&lacking)
            .map(|batch| {
                batch
                    .iter()
                    .filter_map(|wanted| self.announce(wanted.action))
                    .collect()
            })
            .collect();
        stream::iter(batches)
            .for_each_concurrent(BATCHES_AT_ONCE, |batch| self.fetch_batch(batch))
            .await;
        debug!(count, elapsed = ?begun.elapsed(), "fetched ahead");
    }

    async fn fetch_batch(&self, batch: Vec<PendingResult>) {
        if batch.is_empty() || self.is_away() {
            return;
        }
        let mut coming: HashMap<String, PendingResult> = batch
            .into_iter()
            .map(|coming| (entry::key(&coming.action), coming))
            .collect();
        let keys: Vec<String> = coming.keys().cloned().collect();
        // Results that arrive together are unpacked together, while others are being received.
        let mut answers = std::pin::pin!(self.store.fetch(&keys).ready_chunks(BATCH));
        while let Some(answers) = answers.next().await {
            // Dropping these ends the wait for them.
            let mut here: Vec<PendingResult> = Vec::with_capacity(answers.len());
            let mut results = Vec::with_capacity(answers.len());
            for answer in answers {
                match answer {
                    Ok((key, first)) => {
                        if let Some(coming) = coming.remove(&key) {
                            results.push((coming.action, first));
                            here.push(coming);
                        }
                    }
                    Err(error) => self.rest(&error),
                }
            }
            let mut found = self.keep(results).await;
            for coming in here {
                if let Some(found) = found.remove(&coming.action) {
                    coming.arrived(found);
                }
            }
        }
    }

    /// Unpacks results, given by their first messages, into the local folder; returns those that were intact.
    async fn keep(&self, results: Vec<(ActionId, Bytes)>) -> HashMap<ActionId, Found> {
        let mut whole = Vec::with_capacity(results.len());
        let mut parted = Vec::new();
        for (action, first) in results {
            match Head::read(&first) {
                Some((head, _)) if head.parts == 0 => whole.push(Arrived::whole(action, first)),
                Some((head, _)) => parted.push((action, head, first)),
                None => {}
            }
        }
        let mut found = self.unpacking.run(whole).await;
        for (action, head, first) in parted {
            if let Some(parts) = self.parts(&head).await {
                let arrived = Arrived {
                    action,
                    first,
                    parts,
                };
                found.extend(self.unpacking.run(vec![arrived]).await);
            }
        }
        self.know(found.iter().map(|(action, _)| *action));
        found.into_iter().collect()
    }

    async fn parts(&self, head: &Head) -> Option<Vec<Bytes>> {
        let keys: Vec<String> = head.part_keys().collect();
        let mut found = HashMap::new();
        let mut room = head.most_packed();
        // A few parts per request, to limit how many bytes arrive at once.
        let mut answers = stream::iter(keys.chunks(4).map(|keys| self.store.fetch(keys)))
            .flatten()
            .boxed();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok((key, part)) => {
                    let Some(left) = room.checked_sub(part.len() as u64) else {
                        debug!(
                            size = head.size,
                            "a result of the fleet is larger than it claims"
                        );
                        return None;
                    };
                    room = left;
                    found.insert(key, part);
                }
                Err(error) => {
                    self.rest(&error);
                    return None;
                }
            }
        }
        keys.iter().map(|key| found.remove(key)).collect()
    }

    /// Marks a result as being fetched. `None` if it already is.
    fn announce(&self, action: ActionId) -> Option<PendingResult> {
        let (sender, receiver) = watch::channel(None);
        let mut state = self.state.lock();
        if state.coming.contains_key(&action) {
            return None;
        }
        state.coming.insert(action, receiver);
        Some(PendingResult {
            fleet: self.clone(),
            action,
            sender,
        })
    }

    /// Remembers that the fleet has these results.
    pub(super) fn know(&self, actions: impl IntoIterator<Item = ActionId>) {
        self.state.lock().known.add(actions);
    }

    /// Whether the fleet is known to have this result.
    pub(super) fn knows(&self, action: &ActionId) -> bool {
        self.state.lock().known.has(action)
    }

    /// Whether requests to the fleet are paused.
    pub(super) fn is_away(&self) -> bool {
        self.state
            .lock()
            .away_until
            .is_some_and(|until| Instant::now() < until)
    }

    /// Pauses requests to the fleet after an error.
    pub(super) fn rest(&self, error: &StoreError) {
        debug!(%error, "the fleet's compile cache doesn't answer; going on without it");
        self.state.lock().away_until = Some(Instant::now() + REST);
    }
}

fn batches(wanted: &[Wanted]) -> impl Iterator<Item = &[Wanted]> {
    let mut rest = wanted;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let count = rest
            .iter()
            .take(BATCH)
            .take_while(|wanted| {
                let fits = bytes == 0 || bytes < BATCH_BYTES;
                bytes += u64::from(wanted.size) / PACKED;
                fits
            })
            .count();
        let (batch, other) = rest.split_at_checked(count).filter(|_| count > 0)?;
        rest = other;
        Some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::tests::action;

    #[test]
    fn batches_are_bounded_and_leave_nothing_out() {
        let wanted: Vec<Wanted> = (0..200_u8)
            .map(|n| Wanted {
                action: action(n),
                size: if n < 3 { 40 << 20 } else { 1000 },
            })
            .collect();
        let all: Vec<&[Wanted]> = batches(&wanted).collect();
        assert_eq!(all.concat(), wanted);
        assert_eq!(
            all.iter().map(|batch| batch.len()).collect::<Vec<_>>(),
            [1, 1, 1, 128, 69]
        );
    }
}
