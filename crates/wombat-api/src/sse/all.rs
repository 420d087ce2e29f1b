//! The session of a client that follows all builds: their latest records, in the order of their changes, and phases as they
//! come.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use tokio::{sync::watch, time::timeout};

use super::{
    Cursor, HEARTBEAT,
    encoded_event::{EncodedEvent, EventKind, encode},
    feed::{Feed, NextEvents, StartPoint, of_record},
    opening,
};
use crate::live::Records;

/// Records that are looked up at once for a client that reconnected.
const BATCH: usize = 64;

/// A client that follows all builds.
pub(crate) struct AllSession {
    feed: Arc<Feed>,
    records: Arc<Records>,
    ends: watch::Receiver<u64>,
    cursor: Cursor,
    stage: Stage,
}

/// What a client is sent next.
enum Stage {
    /// Opening event: retry, then an id or a reset.
    Open { void: bool, returns: bool },
    /// Records that it missed while it was disconnected, or too slow.
    CatchUp(StartPoint),
    /// Events as they come, the next of this number.
    Follow(u64),
}

impl AllSession {
    /// A session that goes on after `cursor`, or from now on. `void`: what the client saw before is void.
    pub(crate) async fn new(
        feed: Arc<Feed>,
        records: Arc<Records>,
        cursor: Option<Cursor>,
        void: bool,
    ) -> Self {
        let now = feed.cursor().await;
        let returns = cursor.is_some();
        Self {
            ends: feed.ends(),
            feed,
            records,
            cursor: cursor.unwrap_or(now),
            stage: Stage::Open { void, returns },
        }
    }

    /// Everything that the client is sent, in pieces of whole events.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Bytes> + Send {
        stream::unfold(self, async |mut session| {
            let bytes = session.next().await?;
            Some((bytes, session))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match &mut self.stage {
                Stage::Open { void, returns } => {
                    let (void, returns) = (*void, *returns);
                    return self.open(void, returns);
                }
                Stage::CatchUp(_) if !self.records.has_all_after(self.cursor.revision) => {
                    // It missed finished builds that are no longer kept: it has to list the builds again.
                    self.stage = Stage::Open {
                        void: true,
                        returns: false,
                    };
                }
                Stage::CatchUp(start) => {
                    let records = self.records.after(self.cursor.revision, BATCH);
                    if records.is_empty() {
                        let next = start.next;
                        let phases = std::mem::take(&mut start.phases);
                        self.stage = Stage::Follow(next);
                        if let Some(bytes) = self.unseen(&phases) {
                            return Some(bytes);
                        }
                        continue;
                    }
                    let mut bytes = BytesMut::new();
                    for record in records {
                        self.cursor.revision = record.revision;
                        bytes.extend_from_slice(&of_record(&record, self.cursor));
                    }
                    return Some(bytes.freeze());
                }
                Stage::Follow(next) => {
                    // Before the events are read, so that an event in between still wakes the session.
                    self.ends.mark_unchanged();
                    match self.feed.from(*next) {
                        NextEvents::Events(events) => {
                            *next += events.len() as u64;
                            if let Some(bytes) = self.unseen(&events) {
                                return Some(bytes);
                            }
                        }
                        NextEvents::Missed => {
                            self.stage = Stage::Open {
                                void: false,
                                returns: true,
                            };
                        }
                        NextEvents::Nothing => {
                            match timeout(HEARTBEAT, self.ends.changed()).await {
                                Ok(Ok(())) => {}
                                Ok(Err(_)) => return None,
                                Err(_) => return Some(Bytes::from_static(b": alive\n\n")),
                            }
                        }
                    }
                }
            }
        }
    }

    fn open(&mut self, void: bool, returns: bool) -> Option<Bytes> {
        let start = self.feed.start_point()?;
        let replaced = returns && start.cursor.epoch != self.cursor.epoch;
        let (void, returns) = (void || replaced, returns && !replaced);
        if !returns {
            self.cursor = start.cursor;
        }
        let mut bytes = BytesMut::from(opening());
        if void {
            bytes.extend_from_slice(&encode("reset", self.cursor, "{}"));
        } else {
            // An id without data: a client that is cut off before the first change can resume here.
            bytes.extend_from_slice(format!("id: {}\n\n", self.cursor).as_bytes());
        }
        self.stage = match self.feed.after(self.cursor) {
            _ if !returns => Stage::Follow(start.next),
            Some(next) => Stage::Follow(next),
            None => Stage::CatchUp(start),
        };
        Some(bytes.freeze())
    }

    /// Those of these events that the client hasn't seen, in one piece.
    fn unseen(&mut self, events: &[EncodedEvent]) -> Option<Bytes> {
        let mut unseen: Vec<Bytes> = Vec::with_capacity(events.len());
        for event in events {
            let is_new = match event.kind {
                EventKind::Build(revision) => grows(&mut self.cursor.revision, revision),
                EventKind::Phase(sequence) => grows(&mut self.cursor.sequence, sequence),
                EventKind::Reset => {
                    // Both numbers start again.
                    self.cursor = event.cursor;
                    true
                }
            };
            if is_new {
                unseen.push(event.bytes(self.cursor));
            }
        }
        match unseen.as_slice() {
            [] => None,
            // The bytes that all clients share.
            [one] => Some(one.clone()),
            several => Some(several.concat().into()),
        }
    }
}

fn grows(seen: &mut u64, now: u64) -> bool {
    let is_new = now > *seen;
    *seen = now.max(*seen);
    is_new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(bytes: &Bytes) -> Vec<u64> {
        let text = std::str::from_utf8(bytes).unwrap();
        text.lines()
            .filter_map(|line| line.strip_prefix("data: ")?.parse().ok())
            .collect()
    }

    #[tokio::test]
    async fn who_falls_behind_goes_on_with_what_is_kept() {
        let feed = Arc::new(Feed::default());
        let mut cursor = Cursor {
            epoch: 1,
            sequence: 0,
            revision: 0,
        };
        let mut say = |feed: &Feed, n: u64| {
            cursor.sequence = n;
            feed.push(EventKind::Phase(n), "phase", cursor, &n.to_string());
        };
        say(&feed, 1);
        let mut session = AllSession::new(Arc::clone(&feed), Arc::default(), None, false).await;
        let first = session.next().await.unwrap();
        assert!(first.ends_with(b"id: 1-1-0\n\n"), "{first:?}");
        say(&feed, 2);
        let mut seen = numbers(&session.next().await.unwrap());
        assert_eq!(seen, [2]);
        let (first, last) = (3, 3 + 3000);
        for n in first..=last {
            say(&feed, n);
        }
        while seen.last() != Some(&last) {
            seen.extend(numbers(&session.next().await.unwrap()));
        }
        assert!(seen.is_sorted_by(|a, b| a < b), "none twice");
        assert!(seen.len() > 2000 && seen.len() < 3000, "{}", seen.len());
    }

    #[tokio::test]
    async fn one_event_is_sent_as_the_bytes_that_all_share() {
        let feed = Arc::new(Feed::default());
        let mut cursor = Cursor {
            epoch: 1,
            sequence: 0,
            revision: 0,
        };
        feed.push(EventKind::Phase(0), "phase", cursor, "0");
        let open = async || {
            let mut session = AllSession::new(Arc::clone(&feed), Arc::default(), None, false).await;
            session.next().await;
            session
        };
        let mut sessions = [open().await, open().await];
        cursor.sequence = 1;
        feed.push(EventKind::Phase(1), "phase", cursor, "1");
        let [one, other] = &mut sessions;
        let (one, other) = (one.next().await.unwrap(), other.next().await.unwrap());
        assert_eq!(one.as_ptr(), other.as_ptr());
    }
}
