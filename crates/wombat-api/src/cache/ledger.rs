//! Which files the folder has, how many clients read each, and which is evicted next.

use std::collections::HashMap;

use wombat_model::Sha256;

use super::disk::Stamp;

struct LedgerEntry {
    /// Bytes.
    size: u64,
    /// Whether the bytes count: the file is on the disk, or there is room for it.
    counts: bool,
    /// When it was last used, as a count of uses of all files.
    used: u64,
    readers: usize,
    /// The file's metadata when this process verified it.
    verified: Option<Stamp>,
}

/// The files of the folder.
#[derive(Default)]
pub(super) struct Ledger {
    files: HashMap<Sha256, LedgerEntry>,
    uses: u64,
}

impl Ledger {
    /// Files that an earlier process left, oldest first.
    pub(super) fn of(found: Vec<(Sha256, u64)>) -> Self {
        let mut ledger = Self::default();
        for (digest, size) in found {
            ledger.hold(&digest, size);
            if let Some(file) = ledger.files.get_mut(&digest) {
                file.readers = 0;
                file.counts = true;
            }
        }
        ledger
    }

    /// A client looks for a file; if it is there, it isn't evicted until it is released as often as it was held.
    pub(super) fn hold(&mut self, digest: &Sha256, size: u64) {
        self.uses += 1;
        let file = self.files.entry(digest.clone()).or_insert(LedgerEntry {
            size,
            counts: false,
            used: 0,
            readers: 0,
            verified: None,
        });
        file.size = size;
        file.used = self.uses;
        file.readers += 1;
    }

    /// A file that is held turned out to be on the disk.
    pub(super) fn is_there(&mut self, digest: &Sha256) {
        if let Some(file) = self.files.get_mut(digest) {
            file.counts = true;
        }
    }

    /// Makes room within the limit for a file that is held; returns the files to remove for it. `None`: there is no room,
    /// because of files that are being read; none is forgotten then.
    pub(super) fn reserve(&mut self, digest: &Sha256, limit: u64) -> Option<Vec<Sha256>> {
        let file = self.files.get(digest)?;
        if !file.counts {
            let kept = self.files.values();
            let kept = kept.filter(|file| file.counts && file.readers > 0);
            let kept: u64 = kept.map(|file| file.size).sum();
            if kept.saturating_add(file.size) > limit {
                return None;
            }
            self.is_there(digest);
        }
        Some(self.evict(limit))
    }

    /// A client has read a file. One that wasn't fetched, or had wrong bytes, is forgotten.
    pub(super) fn release(&mut self, digest: &Sha256) {
        let Some(file) = self.files.get_mut(digest) else {
            return;
        };
        file.readers -= 1;
        if file.readers == 0 && file.verified.is_none() {
            self.files.remove(digest);
        }
    }

    pub(super) fn verified(&self, digest: &Sha256) -> Option<Stamp> {
        self.files.get(digest).and_then(|file| file.verified)
    }

    pub(super) fn set_verified(&mut self, digest: &Sha256, verified: Option<Stamp>) {
        if let Some(file) = self.files.get_mut(digest) {
            file.verified = verified;
        }
    }

    /// Bytes of all files, those that are being fetched included.
    pub(super) fn used(&self) -> u64 {
        let files = self.files.values().filter(|file| file.counts);
        files.map(|file| file.size).sum()
    }

    /// Forgets files until the rest fits the limit; returns those to remove.
    pub(super) fn evict(&mut self, limit: u64) -> Vec<Sha256> {
        let mut evicted = Vec::new();
        while self.used() > limit
            && let Some(oldest) = self.evict_one()
        {
            evicted.push(oldest);
        }
        evicted
    }

    /// Forgets the least recently used file of those that no client reads.
    pub(super) fn evict_one(&mut self) -> Option<Sha256> {
        let unread = self.files.iter().filter(|(_, file)| file.readers == 0);
        let oldest = unread.min_by_key(|(_, file)| file.used)?.0.clone();
        self.files.remove(&oldest);
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: u8) -> Sha256 {
        Sha256::from_bytes([n; 32])
    }

    fn fetched(ledger: &mut Ledger, n: u8) {
        let file = tempfile::tempfile().unwrap();
        ledger.hold(&digest(n), 10);
        assert!(ledger.reserve(&digest(n), 1000).is_some());
        ledger.set_verified(&digest(n), Some(Stamp::of(&file.metadata().unwrap())));
    }

    #[test]
    fn what_was_asked_for_least_recently_goes_first_and_nothing_that_is_read() {
        let mut ledger = Ledger::of(vec![(digest(1), 10), (digest(2), 10)]);
        fetched(&mut ledger, 3);
        fetched(&mut ledger, 1);
        ledger.release(&digest(1));
        assert_eq!(ledger.evict(30), []);
        assert_eq!(ledger.evict(29), [digest(2)]);
        assert_eq!(ledger.evict(0), [digest(1)], "3 is being read");
        assert_eq!(ledger.used(), 10);
        ledger.release(&digest(3));
        assert_eq!(ledger.evict(0), [digest(3)]);
    }

    #[test]
    fn what_is_read_leaves_no_room_and_what_is_not_does() {
        let mut ledger = Ledger::default();
        for n in [1, 2, 3] {
            fetched(&mut ledger, n);
        }
        ledger.release(&digest(1));
        ledger.hold(&digest(4), 11);
        assert_eq!(ledger.used(), 30, "it isn't there yet");
        assert_eq!(ledger.reserve(&digest(4), 30), None);
        assert_eq!(ledger.used(), 30, "nothing is evicted in vain");
        assert_eq!(ledger.reserve(&digest(4), 31), Some(vec![digest(1)]));
        assert_eq!(ledger.used(), 31);
        ledger.hold(&digest(4), 11);
        assert_eq!(ledger.reserve(&digest(4), 31), Some(vec![]), "counted once");
        ledger.release(&digest(4));
        ledger.release(&digest(4));
        assert_eq!(ledger.used(), 20, "it was never fetched");
    }

    #[test]
    fn a_file_that_never_came_takes_no_room() {
        let mut ledger = Ledger::default();
        ledger.hold(&digest(1), 10);
        ledger.hold(&digest(1), 10);
        ledger.release(&digest(1));
        assert_eq!(ledger.evict(0), []);
        ledger.release(&digest(1));
        assert!(ledger.files.is_empty());
    }
}
