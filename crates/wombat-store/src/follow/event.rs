//! Where a follower begins, and what it delivers.

use crate::{Revision, message::StreamedMessage};

/// Where to begin.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// The newest message of each subject.
    LastPerSubject,
    /// The first message after this one.
    After(Revision),
    /// The records of open builds, and from a point on, everything.
    Open(Tail),
}

/// The point from which a watch of open builds delivers every message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tail {
    /// This many sequences before now.
    Recent(u64),
    /// The first message after this one.
    After(Revision),
}

/// What a follower delivers.
#[derive(Debug)]
pub(crate) enum FollowEvent {
    /// With [`Start::Open`]: no message after this one is left out.
    CompleteAfter(Revision),
    /// A message.
    Message(StreamedMessage),
    /// Everything that the leader had has been delivered. The leader decides, since a replica that lags behind would
    /// believe itself to be at the end.
    CaughtUp,
    /// The stream was replaced: everything delivered before is void, and the new content follows.
    Reset,
}
