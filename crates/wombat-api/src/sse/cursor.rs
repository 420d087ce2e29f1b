//! The id of an event: all that another gateway needs to go on where this one stopped.

use std::{fmt, str::FromStr};

use http::HeaderMap;
use wombat_store::{LogsState, Revision};

/// `<epoch>-<log sequence>-<revision>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// When the followed stream was made, in milliseconds since 1970.
    pub(crate) epoch: i64,
    /// Last line of the log that was sent.
    pub(crate) sequence: u64,
    /// Revision of the record that was sent last.
    pub(crate) revision: u64,
}

impl Cursor {
    /// Before everything that is still there.
    pub(crate) fn beginning(state: &LogsState) -> Self {
        Self {
            epoch: state.epoch,
            sequence: state.first.get().saturating_sub(1),
            revision: 0,
        }
    }

    /// Whether everything after this position is still there.
    pub(crate) fn fits(&self, state: &LogsState) -> bool {
        self.epoch == state.epoch
            && self.sequence <= state.last.get()
            && self.sequence + 1 >= state.first.get()
    }

    pub(crate) fn log_position(&self) -> Revision {
        Revision::new(self.sequence)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.epoch, self.sequence, self.revision)
    }
}

/// The text isn't a cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ParseCursorError;

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().ok_or(ParseCursorError);
        let (epoch, sequence, revision) = (next()?, next()?, next()?);
        Ok(Self {
            epoch: epoch.parse().map_err(|_| ParseCursorError)?,
            // One less than the largest, so that counting on from it can't overflow.
            sequence: small(sequence)?,
            revision: small(revision)?,
        })
    }
}

fn small(text: &str) -> Result<u64, ParseCursorError> {
    text.parse()
        .ok()
        .filter(|number| *number < u64::MAX)
        .ok_or(ParseCursorError)
}

/// The `Last-Event-ID` of a client, if it sends one; an error if that isn't a cursor.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<Result<Cursor, ParseCursorError>> {
    let value = headers.get("last-event-id")?;
    Some(
        value
            .to_str()
            .map_err(|_| ParseCursorError)
            .and_then(str::parse),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(first: u64, last: u64) -> LogsState {
        LogsState {
            epoch: 5,
            first: Revision::new(first),
            last: Revision::new(last),
        }
    }

    #[test]
    fn an_id_comes_back() {
        let cursor: Cursor = "5-7-9".parse().unwrap();
        assert_eq!((cursor.epoch, cursor.sequence, cursor.revision), (5, 7, 9));
        assert_eq!(cursor.to_string(), "5-7-9");
        for bad in [
            "",
            "5-7",
            "5-7-",
            "a-b-c",
            "5-7-18446744073709551615",
            "5-7-9-1",
        ] {
            assert_eq!(bad.parse::<Cursor>(), Err(ParseCursorError), "{bad}");
        }
    }

    #[test]
    fn a_position_fits_while_nothing_after_it_is_gone() {
        let cursor: Cursor = "5-7-9".parse().unwrap();
        assert!(cursor.fits(&state(1, 7)) && cursor.fits(&state(8, 20)));
        assert!(!cursor.fits(&state(9, 20)), "trimmed");
        assert!(!cursor.fits(&state(1, 6)), "the stream went back in time");
        assert!(!Cursor { epoch: 4, ..cursor }.fits(&state(1, 7)));
        assert!(Cursor::beginning(&state(9, 20)).fits(&state(9, 20)));
        assert!(Cursor::beginning(&state(0, 0)).fits(&state(0, 0)));
    }
}
