//! When the log of a finished build is over for a client that follows it.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::live::Record;

/// How long the last line that a record names may come after it with the lines that all clients share. After that, the log
/// is read from the stream.
const SHARED_LIMIT: Duration = Duration::from_millis(500);
/// How long a stream is held open for further lines from the builder of a build that ended without it, such as a cancelled
/// one: nothing says whether such lines come.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What the session of a client that was sent everything so far does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Follows the lines that all clients share.
    Follow,
    /// Reads the log from the stream, unless its end comes before that.
    Read(Instant),
    /// Ends.
    End,
}

/// `seen` is when the client's session saw the record; `is_sent` says whether the last line of the record's claim was sent,
/// and `read` is the revision of the record since which the whole log was read.
pub(super) fn next_step(record: &Record, seen: Instant, is_sent: bool, read: u64) -> Step {
    if !record.is_terminal() {
        return Step::Follow;
    }
    let is_read = read >= record.revision;
    match record.build.log() {
        Some(_) if is_sent || is_read => Step::End,
        Some(_) => Step::Read(seen + SHARED_LIMIT),
        None if !is_read => Step::Read(seen),
        None if is_sent => Step::End,
        None => match last_words_until(record) {
            Some(until) => Step::Read(until),
            None => Step::End,
        },
    }
}

/// Until when further lines may come from the builder of a build that ended without it. `None`: that time is over, or there
/// is no such builder.
fn last_words_until(record: &Record) -> Option<Instant> {
    record.build.holder()?;
    let until = Instant::from_std(record.finished_here()? + LAST_WORDS);
    (until > Instant::now()).then_some(until)
}

/// Whether a log may grow that was read to its end after the record was seen.
pub(crate) fn may_go_on(record: &Record) -> bool {
    !record.is_terminal() || (record.build.log().is_none() && last_words_until(record).is_some())
}

pub(super) async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
