//! Why files can't be stored, as far as it was seen last.

use std::{
    io,
    time::{Duration, Instant},
};

/// How long after a failure storing isn't tried again: downloads bypass the disk meanwhile.
const BACKOFF: Duration = Duration::from_secs(10);
/// How long a failure is reported.
const REPORTED: Duration = Duration::from_mins(1);

/// The last failure to store a file, and the last probe of the folder.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// The last failure to store a file since the last success.
    failure: Option<(Instant, io::ErrorKind)>,
    /// The last probe of the folder.
    probe: Option<(Instant, Option<io::ErrorKind>)>,
}

impl Trouble {
    /// A file was stored.
    pub(super) fn stored(&mut self) {
        *self = Self::default();
    }

    /// A file couldn't be stored.
    pub(super) fn failed(&mut self, error: &io::Error) {
        self.failure = Some((Instant::now(), error.kind()));
    }

    /// The folder was probed, with or without an error.
    pub(super) fn probed(&mut self, error: Option<&io::Error>) {
        self.probe = Some((Instant::now(), error.map(io::Error::kind)));
    }

    /// Whether the last probe of the folder is a while ago, or there was none.
    pub(super) fn needs_probe(&self) -> bool {
        self.probe
            .is_none_or(|(when, _)| when.elapsed() >= BACKOFF / 2)
    }

    /// Whether storing a file failed a moment ago.
    pub(super) fn is_fresh(&self) -> bool {
        let failed = self.failure.map(|(when, _)| when);
        failed.is_some_and(|when| when.elapsed() < BACKOFF)
    }

    /// Why files can't be stored, in the words of the system.
    pub(super) fn reason(&self) -> Option<io::ErrorKind> {
        let probe = self.probe.and_then(|(_, kind)| kind);
        let failure = self.failure.filter(|(when, _)| when.elapsed() < REPORTED);
        probe.or(failure.map(|(_, kind)| kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_file_ends_it() {
        let mut trouble = Trouble::default();
        assert_eq!(trouble.reason(), None);
        trouble.failed(&io::ErrorKind::StorageFull.into());
        assert!(trouble.is_fresh());
        // A small file fits where a large one doesn't.
        trouble.probed(None);
        assert_eq!(trouble.reason(), Some(io::ErrorKind::StorageFull));
        trouble.stored();
        assert!(!trouble.is_fresh() && trouble.reason().is_none());
    }
}
