//! A client that looks at all builds: records as levels, in the order of their changes, and phases as they come.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use tokio::{sync::watch, time::timeout};

use super::{
    Cursor, HEARTBEAT, event,
    feed::{Beginning, Feed, Next, Place, Written, of_record},
    opening,
};
use crate::live::Records;

/// Records that are looked up at once for a client that was away.
const BATCH: usize = 64;

/// See the module.
pub(crate) struct AllSession {
    feed: Arc<Feed>,
    records: Arc<Records>,
    ends: watch::Receiver<u64>,
    cursor: Cursor,
    turn: Turn,
}

/// What a client is sent.
enum Turn {
    /// A first word.
    Open { void: bool, returns: bool },
    /// What it hasn't seen because it was away, or too slow.
    Return(Beginning),
    /// Events as they come, the next of this number.
    Along(u64),
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
            turn: Turn::Open { void, returns },
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
            match &mut self.turn {
                Turn::Open { void, returns } => {
                    let (void, returns) = (*void, *returns);
                    return self.open(void, returns);
                }
                Turn::Return(_) if !self.records.has_all_after(self.cursor.revision) => {
                    // It was away for longer than finished builds are kept: it has to look for itself.
                    self.turn = Turn::Open {
                        void: true,
                        returns: false,
                    };
                }
                Turn::Return(beginning) => {
                    let records = self.records.after(self.cursor.revision, BATCH);
                    if records.is_empty() {
                        let next = beginning.next;
                        let phases = std::mem::take(&mut beginning.phases);
                        self.turn = Turn::Along(next);
                        if let Some(bytes) = self.wanted(&phases) {
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
                Turn::Along(next) => {
                    // Seen before it is looked, so that nothing falls in between.
                    self.ends.mark_unchanged();
                    match self.feed.from(*next) {
                        Next::Events(events) => {
                            *next += events.len() as u64;
                            if let Some(bytes) = self.wanted(&events) {
                                return Some(bytes);
                            }
                        }
                        Next::Missed => {
                            self.turn = Turn::Open {
                                void: false,
                                returns: true,
                            };
                        }
                        Next::Nothing => match timeout(HEARTBEAT, self.ends.changed()).await {
                            Ok(Ok(())) => {}
                            Ok(Err(_)) => return None,
                            Err(_) => return Some(Bytes::from_static(b": alive\n\n")),
                        },
                    }
                }
            }
        }
    }

    fn open(&mut self, void: bool, returns: bool) -> Option<Bytes> {
        let beginning = self.feed.beginning()?;
        let replaced = returns && beginning.cursor.epoch != self.cursor.epoch;
        let (void, returns) = (void || replaced, returns && !replaced);
        if !returns {
            self.cursor = beginning.cursor;
        }
        let mut bytes = BytesMut::from(opening());
        if void {
            bytes.extend_from_slice(&event("reset", self.cursor, "{}"));
        } else {
            // An id without data: a client that is cut off before the first change can come back to here.
            bytes.extend_from_slice(format!("id: {}\n\n", self.cursor).as_bytes());
        }
        self.turn = match self.feed.after(self.cursor) {
            _ if !returns => Turn::Along(beginning.next),
            Some(next) => Turn::Along(next),
            None => Turn::Return(beginning),
        };
        Some(bytes.freeze())
    }

    /// Those of these events that the client hasn't seen, in one piece.
    fn wanted(&mut self, events: &[Written]) -> Option<Bytes> {
        let mut wanted: Vec<Bytes> = Vec::with_capacity(events.len());
        for event in events {
            let is_new = match event.place {
                Place::Build(revision) => grows(&mut self.cursor.revision, revision),
                Place::Phase(sequence) => grows(&mut self.cursor.sequence, sequence),
                Place::Reset => {
                    // Both count anew.
                    self.cursor = event.cursor;
                    true
                }
            };
            if is_new {
                wanted.push(event.bytes(self.cursor));
            }
        }
        match wanted.as_slice() {
            [] => None,
            // The very bytes that everybody else is sent.
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
            feed.push(Place::Phase(n), "phase", cursor, &n.to_string());
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
        feed.push(Place::Phase(0), "phase", cursor, "0");
        let open = async || {
            let mut session = AllSession::new(Arc::clone(&feed), Arc::default(), None, false).await;
            session.next().await;
            session
        };
        let mut sessions = [open().await, open().await];
        cursor.sequence = 1;
        feed.push(Place::Phase(1), "phase", cursor, "1");
        let [one, other] = &mut sessions;
        let (one, other) = (one.next().await.unwrap(), other.next().await.unwrap());
        assert_eq!(one.as_ptr(), other.as_ptr());
    }
}
