//! A client that looks at all builds: records as levels, in the order of their changes, and phases as they come.

use std::{collections::VecDeque, sync::Arc};

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
                Turn::Return(beginning) => {
                    let records = self.records.after(self.cursor.revision, BATCH);
                    if records.is_empty() {
                        let next = beginning.next;
                        let phases = std::mem::take(&mut beginning.phases);
                        self.turn = Turn::Along(next);
                        if let Some(bytes) = self.wanted(phases.into()) {
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
                            if let Some(bytes) = self.wanted(events.into()) {
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
        self.turn = if returns {
            Turn::Return(beginning)
        } else {
            Turn::Along(beginning.next)
        };
        Some(bytes.freeze())
    }

    /// Those of these events that the client hasn't seen, in one piece.
    fn wanted(&mut self, events: VecDeque<Written>) -> Option<Bytes> {
        let mut wanted: Vec<Bytes> = Vec::with_capacity(events.len());
        for Written { place, bytes } in events {
            let is_new = match place {
                Place::Build(revision) => grows(&mut self.cursor.revision, revision),
                Place::Phase(sequence) => grows(&mut self.cursor.sequence, sequence),
                Place::Reset => {
                    // Both count anew from what follows.
                    self.cursor = Cursor {
                        sequence: 0,
                        revision: 0,
                        ..self.cursor
                    };
                    true
                }
            };
            if is_new {
                wanted.push(bytes);
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
