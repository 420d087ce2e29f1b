//! The events of all builds, written once for all who look.
//!
//! One task per process takes what the watch of the records and the follower of the logs tell, writes each event as the
//! bytes that every client is sent, and keeps the last ones. Clients read along, each at its own place.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{broadcast::error::RecvError, watch};
use wombat_model::wire::{LoggedEntry, PhaseOfBuild};
use wombat_store::{Followers, Logged, Store};

use super::{Cursor, event};
use crate::{
    live::{LogHub, LogSignal, Record, Records},
    state::milliseconds,
};

/// Events that are kept for clients that are behind, or come back.
const KEPT: usize = 2048;
/// Events that a client is sent at once.
const AT_ONCE: usize = 64;
/// Records that are looked up at once.
const BATCH: usize = 256;
/// Wait between attempts to find out which streams are there.
const RETRY: Duration = Duration::from_millis(500);

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A record, at this revision.
    Build(u64),
    /// A phase, at this sequence of the log.
    Phase(u64),
    /// Everything before is void.
    Reset,
}

/// An event as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) place: Place,
    /// Where it leaves off; its id.
    pub(super) cursor: Cursor,
    name: &'static str,
    /// Where its data is in its bytes.
    data: Range<usize>,
    bytes: Bytes,
}

impl Written {
    fn new(place: Place, name: &'static str, cursor: Cursor, data: &str) -> Self {
        let bytes = event(name, cursor, data);
        let end = bytes.len() - "\n\n".len();
        Self {
            place,
            cursor,
            name,
            data: end - data.len()..end,
            bytes,
        }
    }

    /// For a client that is at `cursor` with it: the bytes that all share, unless it took another way there.
    pub(super) fn bytes(&self, cursor: Cursor) -> Bytes {
        if cursor == self.cursor {
            return self.bytes.clone();
        }
        let data = std::str::from_utf8(&self.bytes[self.data.clone()]);
        event(self.name, cursor, data.expect("it was written as text"))
    }
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Written>,
    /// The number of the first of them.
    first: u64,
    /// Where the event before the first of them left off.
    before: Option<Cursor>,
    /// Where the last of them left off; `None` before it is known.
    cursor: Option<Cursor>,
}

impl Kept {
    fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    kept: Mutex<Kept>,
    /// The number of the next event.
    end: watch::Sender<u64>,
}

/// Where a client that comes now begins, and what it may have missed.
#[derive(Debug)]
pub(super) struct Beginning {
    /// The number of its first event.
    pub(super) next: u64,
    /// Where the event before left off.
    pub(super) cursor: Cursor,
    /// Phases that are still kept.
    pub(super) phases: Vec<Written>,
}

impl Place {
    fn is_after(self, cursor: Cursor) -> bool {
        match self {
            Self::Build(revision) => revision > cursor.revision,
            Self::Phase(sequence) => sequence > cursor.sequence,
            Self::Reset => true,
        }
    }
}

/// What comes next for a client.
#[derive(Debug)]
pub(super) enum Next {
    /// These events.
    Events(Vec<Written>),
    /// Nothing yet.
    Nothing,
    /// What it hasn't seen is no longer kept.
    Missed,
}

impl Feed {
    /// Starts the task; it ends with `stop`.
    pub(crate) fn start(
        store: &Store,
        records: &Arc<Records>,
        logs: &Arc<LogHub>,
        followers: &Followers,
    ) -> Arc<Self> {
        let feed = Arc::new(Self::default());
        let (store, records, logs) = (store.clone(), Arc::clone(records), Arc::clone(logs));
        let writer = Arc::clone(&feed);
        let stop = followers.stop().clone();
        followers.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = writer.write(&store, &records, &logs) => {}
            }
        });
        feed
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is known what events follow on.
    pub(crate) async fn cursor(&self) -> Cursor {
        let mut end = self.end.subscribe();
        loop {
            end.mark_unchanged();
            if let Some(cursor) = self.lock().cursor {
                return cursor;
            }
            if end.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Where a client begins. `None`: nothing is known yet.
    pub(super) fn beginning(&self) -> Option<Beginning> {
        let kept = self.lock();
        let phases = kept
            .events
            .iter()
            .filter(|event| matches!(event.place, Place::Phase(_)));
        Some(Beginning {
            next: kept.end(),
            cursor: kept.cursor?,
            phases: phases.cloned().collect(),
        })
    }

    /// The number of the first event that a client hasn't seen which was at `cursor`. `None`: not all of them are kept.
    pub(super) fn after(&self, cursor: Cursor) -> Option<u64> {
        let kept = self.lock();
        let before = kept.before?;
        let all_kept = cursor.epoch == before.epoch
            && cursor.sequence >= before.sequence
            && cursor.revision >= before.revision;
        let seen = || {
            let mut events = kept.events.iter();
            let first = events.position(|event| event.place.is_after(cursor));
            first.unwrap_or(kept.events.len()) as u64
        };
        all_kept.then(|| kept.first + seen())
    }

    /// What comes from this number on.
    pub(super) fn from(&self, next: u64) -> Next {
        let kept = self.lock();
        let Some(skipped) = next.checked_sub(kept.first) else {
            return Next::Missed;
        };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        if skipped >= kept.events.len() {
            return Next::Nothing;
        }
        let events = kept.events.range(skipped..).take(AT_ONCE);
        Next::Events(events.cloned().collect())
    }

    /// Told whenever there is more.
    pub(super) fn ends(&self) -> watch::Receiver<u64> {
        self.end.subscribe()
    }

    async fn write(&self, store: &Store, records: &Arc<Records>, logs: &Arc<LogHub>) {
        let mut is_first = true;
        loop {
            let mut phases = logs.phases();
            let mut ticks = records.ticks();
            let start = match ticks.wait_for(|tick| tick.ready).await {
                Ok(tick) => *tick,
                Err(_) => return,
            };
            let mut cursor = beginning(store, start.revision).await;
            self.begin(cursor);
            if !is_first {
                self.push(Place::Reset, "reset", cursor, "{}");
            }
            is_first = false;
            loop {
                let tick = *ticks.borrow_and_update();
                if tick.generation != start.generation {
                    break;
                }
                let changed = records.after(cursor.revision, BATCH);
                for record in &changed {
                    cursor.revision = record.revision;
                    self.push(
                        Place::Build(record.revision),
                        "build",
                        cursor,
                        record.json(),
                    );
                }
                if changed.len() == BATCH {
                    continue;
                }
                tokio::select! {
                    changed = ticks.changed() => if changed.is_err() { return },
                    phase = phases.recv() => match phase {
                        Ok(LogSignal::Line(line)) if line.logged.sequence > cursor.log_position() => {
                            cursor.sequence = line.logged.sequence.get();
                            let place = Place::Phase(cursor.sequence);
                            self.push(place, "phase", cursor, &phase_json(&line.logged));
                        }
                        // What was missed is in the records.
                        Ok(LogSignal::Line(_)) | Err(RecvError::Lagged(_)) => {}
                        Ok(LogSignal::Reset) => break,
                        Err(RecvError::Closed) => return,
                    },
                }
            }
        }
    }

    /// What was told before, if anything, isn't followed by what comes.
    fn begin(&self, cursor: Cursor) {
        let mut kept = self.lock();
        kept.first = kept.end();
        kept.events.clear();
        kept.before = Some(cursor);
        kept.cursor = Some(cursor);
        drop(kept);
        self.end.send_modify(|_| {});
    }

    pub(super) fn push(&self, place: Place, name: &'static str, cursor: Cursor, data: &str) {
        let written = Written::new(place, name, cursor, data);
        let mut kept = self.lock();
        kept.events.push_back(written);
        kept.cursor = Some(cursor);
        if kept.events.len() > KEPT {
            kept.before = kept.events.pop_front().map(|event| event.cursor);
            kept.first += 1;
        }
        let end = kept.end();
        drop(kept);
        self.end.send_replace(end);
    }
}

/// A record for a client that comes back or fell behind.
pub(super) fn of_record(record: &Record, cursor: Cursor) -> Bytes {
    event("build", cursor, record.json())
}

fn phase_json(logged: &Logged) -> String {
    let phase = PhaseOfBuild {
        id: logged.key.clone(),
        logged: LoggedEntry {
            sequence: logged.sequence.get(),
            claim: logged.claim.clone(),
            entry: logged.entry.clone(),
        },
    };
    serde_json::to_string(&phase).expect("an entry came from JSON and goes back")
}

/// Where the streams stand. The epoch is that of the younger one, so that it is another when either was replaced.
async fn beginning(store: &Store, revision: u64) -> Cursor {
    loop {
        if let Ok((builds, logs)) = tokio::try_join!(store.builds.identity(), store.logs.state()) {
            return Cursor {
                epoch: milliseconds(builds.0).max(logs.epoch),
                sequence: logs.last.get(),
                revision,
            };
        }
        tokio::time::sleep(RETRY).await;
    }
}
