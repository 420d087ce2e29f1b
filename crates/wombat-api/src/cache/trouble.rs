//! What keeps files from being stored, as it was seen last.

use std::{
    io,
    time::{Duration, Instant},
};

/// How long it is believed without another try: meanwhile downloads don't wait for the disk.
const BELIEVED: Duration = Duration::from_secs(10);
/// How long a fetch that failed is told of.
const TOLD: Duration = Duration::from_mins(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// The last fetch that failed after the last that didn't.
    fetch: Option<(Instant, io::ErrorKind)>,
    /// The last look at the folder.
    look: Option<(Instant, Option<io::ErrorKind>)>,
}

impl Trouble {
    /// A file was stored.
    pub(super) fn stored(&mut self) {
        *self = Self::default();
    }

    /// A file couldn't be stored.
    pub(super) fn failed(&mut self, error: &io::Error) {
        self.fetch = Some((Instant::now(), error.kind()));
    }

    /// The folder was looked at; the error is what is in the way.
    pub(super) fn looked(&mut self, error: Option<&io::Error>) {
        self.look = Some((Instant::now(), error.map(io::Error::kind)));
    }

    /// Whether the folder was looked at a while ago, or never.
    pub(super) fn wants_a_look(&self) -> bool {
        self.look
            .is_none_or(|(when, _)| when.elapsed() >= BELIEVED / 2)
    }

    /// Whether storing a file was tried in vain just now.
    pub(super) fn is_fresh(&self) -> bool {
        let failed = self.fetch.map(|(when, _)| when);
        failed.is_some_and(|when| when.elapsed() < BELIEVED)
    }

    /// What is in the way, in the words of the system.
    pub(super) fn told(&self) -> Option<io::ErrorKind> {
        let look = self.look.and_then(|(_, kind)| kind);
        let fetch = self.fetch.filter(|(when, _)| when.elapsed() < TOLD);
        look.or(fetch.map(|(_, kind)| kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_file_ends_it() {
        let mut trouble = Trouble::default();
        assert_eq!(trouble.told(), None);
        trouble.failed(&io::ErrorKind::StorageFull.into());
        assert!(trouble.is_fresh());
        // A small file fits where a large one doesn't.
        trouble.looked(None);
        assert_eq!(trouble.told(), Some(io::ErrorKind::StorageFull));
        trouble.stored();
        assert!(!trouble.is_fresh() && trouble.told().is_none());
    }
}
