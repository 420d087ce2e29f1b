//! An event in the bytes that go over the wire, encoded once for all clients.

use std::ops::Range;

use bytes::Bytes;

use super::Cursor;

/// The bytes of an event. The data must not contain line ends.
pub(super) fn encode(name: &str, id: Cursor, data: &str) -> Bytes {
    format!("event: {name}\nid: {id}\ndata: {data}\n\n").into()
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventKind {
    /// A record, at this revision.
    Build(u64),
    /// A phase, at this sequence of the log.
    Phase(u64),
    /// Everything before it is void.
    Reset,
}

impl EventKind {
    pub(super) fn is_after(self, cursor: Cursor) -> bool {
        match self {
            Self::Build(revision) => revision > cursor.revision,
            Self::Phase(sequence) => sequence > cursor.sequence,
            Self::Reset => true,
        }
    }
}

/// An event and its bytes.
#[derive(Clone, Debug)]
pub(super) struct EncodedEvent {
    pub(super) kind: EventKind,
    /// Its id: the position of a client that has seen it.
    pub(super) cursor: Cursor,
    name: &'static str,
    /// The range of its data in its bytes.
    data: Range<usize>,
    bytes: Bytes,
}

impl EncodedEvent {
    pub(super) fn new(kind: EventKind, name: &'static str, cursor: Cursor, data: &str) -> Self {
        let bytes = encode(name, cursor, data);
        let end = bytes.len() - "\n\n".len();
        Self {
            kind,
            cursor,
            name,
            data: end - data.len()..end,
            bytes,
        }
    }

    /// The bytes for a client that is at `cursor` after this event: those that all clients share, unless its position differs
    /// from theirs.
    pub(super) fn bytes(&self, cursor: Cursor) -> Bytes {
        if cursor == self.cursor {
            return self.bytes.clone();
        }
        let data = std::str::from_utf8(&self.bytes[self.data.clone()]);
        encode(self.name, cursor, data.expect("it was written as text"))
    }
}
