//! The events of all builds, encoded once for all clients.
//!
//! One task per process turns changes of records and phases from the logs into events, in the bytes that every client is
//! sent, and keeps the last ones. Each client reads them at its own position.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{broadcast::error::RecvError, watch};
use wombat_model::wire::{LoggedEntry, PhaseOfBuild};
use wombat_store::{Followers, Logged, Store};

use super::{
    Cursor,
    encoded_event::{EncodedEvent, EventKind, encode},
};
use crate::live::{LogHub, LogSignal, Record, Records};

/// Events that are kept for clients that are behind, or reconnect.
const CAPACITY: usize = 2048;
/// Events that a client is sent at once.
const AT_ONCE: usize = 64;
/// Records that are looked up at once.
const BATCH: usize = 256;
/// Pause between attempts to read the identity of the streams.
const RETRY: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
struct RecentEvents {
    events: VecDeque<EncodedEvent>,
    /// The number of the first of them.
    first: u64,
    /// The id of the event before the first of them.
    before: Option<Cursor>,
    /// The id of the last of them; `None` before the first is known.
    cursor: Option<Cursor>,
}

impl RecentEvents {
    fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }
}

/// The last events of all builds, and their number.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    recent: Mutex<RecentEvents>,
    /// The number of the next event.
    end: watch::Sender<u64>,
}

/// Where a client that connects now begins, and what it may have missed.
#[derive(Debug)]
pub(super) struct StartPoint {
    /// The number of its first event.
    pub(super) next: u64,
    /// The id of the event before.
    pub(super) cursor: Cursor,
    /// Phases that are still kept.
    pub(super) phases: Vec<EncodedEvent>,
}

/// The next events for a client.
#[derive(Debug)]
pub(super) enum NextEvents {
    /// These events.
    Events(Vec<EncodedEvent>),
    /// Nothing yet.
    Nothing,
    /// Some that it hasn't seen are no longer kept.
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

    /// The id of the last event; waits until there is one.
    pub(crate) async fn cursor(&self) -> Cursor {
        let mut end = self.end.subscribe();
        loop {
            end.mark_unchanged();
            if let Some(cursor) = self.recent.lock().cursor {
                return cursor;
            }
            if end.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Where a client begins. `None`: the feed hasn't begun.
    pub(super) fn start_point(&self) -> Option<StartPoint> {
        let recent = self.recent.lock();
        let phases = recent
            .events
            .iter()
            .filter(|event| matches!(event.kind, EventKind::Phase(_)));
        Some(StartPoint {
            next: recent.end(),
            cursor: recent.cursor?,
            phases: phases.cloned().collect(),
        })
    }

    /// The number of the first event that a client at `cursor` hasn't seen. `None`: not all of those are kept.
    pub(super) fn after(&self, cursor: Cursor) -> Option<u64> {
        let recent = self.recent.lock();
        let before = recent.before?;
        let all_kept = cursor.epoch == before.epoch
            && cursor.sequence >= before.sequence
            && cursor.revision >= before.revision;
        let seen = || {
            let mut events = recent.events.iter();
            let first = events.position(|event| event.kind.is_after(cursor));
            first.unwrap_or(recent.events.len()) as u64
        };
        all_kept.then(|| recent.first + seen())
    }

    /// The events from this number on.
    pub(super) fn from(&self, next: u64) -> NextEvents {
        let recent = self.recent.lock();
        let Some(skipped) = next.checked_sub(recent.first) else {
            return NextEvents::Missed;
        };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        if skipped >= recent.events.len() {
            return NextEvents::Nothing;
        }
        let events = recent.events.range(skipped..).take(AT_ONCE);
        NextEvents::Events(events.cloned().collect())
    }

    /// Changes whenever there are more events.
    pub(super) fn ends(&self) -> watch::Receiver<u64> {
        self.end.subscribe()
    }

    async fn write(&self, store: &Store, records: &Arc<Records>, logs: &Arc<LogHub>) {
        let mut is_first = true;
        loop {
            let mut phases = logs.phases();
            let mut progress = records.progress();
            let start = match progress.wait_for(|now| now.ready).await {
                Ok(now) => *now,
                Err(_) => return,
            };
            let mut cursor = start_cursor(store, start.revision).await;
            self.begin(cursor);
            if !is_first {
                self.push(EventKind::Reset, "reset", cursor, "{}");
            }
            is_first = false;
            loop {
                let now = *progress.borrow_and_update();
                if now.generation != start.generation {
                    break;
                }
                let changed = records.after(cursor.revision, BATCH);
                for record in &changed {
                    cursor.revision = record.revision;
                    self.push(
                        EventKind::Build(record.revision),
                        "build",
                        cursor,
                        record.json(),
                    );
                }
                if changed.len() == BATCH {
                    continue;
                }
                tokio::select! {
                    changed = progress.changed() => if changed.is_err() { return },
                    phase = phases.recv() => match phase {
                        Ok(LogSignal::Line(line)) if line.logged.sequence > cursor.log_position() => {
                            cursor.sequence = line.logged.sequence.get();
                            let kind = EventKind::Phase(cursor.sequence);
                            self.push(kind, "phase", cursor, &phase_json(&line.logged));
                        }
                        // The records make up for phases that were missed.
                        Ok(LogSignal::Line(_)) | Err(RecvError::Lagged(_)) => {}
                        Ok(LogSignal::Reset) => break,
                        Err(RecvError::Closed) => return,
                    },
                }
            }
        }
    }

    /// Starts a new sequence; buffered events are dropped.
    fn begin(&self, cursor: Cursor) {
        let mut recent = self.recent.lock();
        recent.first = recent.end();
        recent.events.clear();
        recent.before = Some(cursor);
        recent.cursor = Some(cursor);
        drop(recent);
        self.end.send_modify(|_| {});
    }

    pub(super) fn push(&self, kind: EventKind, name: &'static str, cursor: Cursor, data: &str) {
        let event = EncodedEvent::new(kind, name, cursor, data);
        let mut recent = self.recent.lock();
        recent.events.push_back(event);
        recent.cursor = Some(cursor);
        if recent.events.len() > CAPACITY {
            recent.before = recent.events.pop_front().map(|event| event.cursor);
            recent.first += 1;
        }
        let end = recent.end();
        drop(recent);
        self.end.send_replace(end);
    }
}

/// The `build` event of a record, for a client that reconnected or fell behind.
pub(super) fn of_record(record: &Record, cursor: Cursor) -> Bytes {
    encode("build", cursor, record.json())
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

/// The present position in both streams. The epoch is that of the younger one, so that it changes when either is replaced.
async fn start_cursor(store: &Store, revision: u64) -> Cursor {
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

/// Whole milliseconds of a time in nanoseconds.
fn milliseconds(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds / 1_000_000).unwrap_or(i64::MAX)
}
