//! Results that the fleet is known to have.

use std::num::NonZeroUsize;

use lru::LruCache;

use super::id::ActionId;

/// Most results to remember. A usual selection requests about 3,000, so this has room for about forty selections, in
/// about 11 MB of memory. A forgotten result costs one needless upload, which the bucket refuses.
const MOST: NonZeroUsize = NonZeroUsize::new(1 << 17).expect("more than none");

/// The most recently seen results that the fleet has.
#[derive(Debug)]
pub(super) struct KnownResults(LruCache<ActionId, ()>);

impl Default for KnownResults {
    fn default() -> Self {
        Self(LruCache::new(MOST))
    }
}

impl KnownResults {
    /// Adds these, and removes the least recently seen ones if there are too many.
    pub(super) fn add(&mut self, actions: impl IntoIterator<Item = ActionId>) {
        for action in actions {
            self.0.put(action, ());
        }
    }

    /// Whether the fleet is known to have it. Counts as seeing it.
    pub(super) fn has(&mut self, action: &ActionId) -> bool {
        self.0.promote(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(n: usize) -> ActionId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(n as u64).to_le_bytes());
        ActionId::from_bytes(bytes)
    }

    #[test]
    fn results_that_were_seen_longest_ago_are_forgotten_when_there_are_too_many() {
        let mut known = KnownResults::default();
        known.add((0..MOST.get()).map(action));
        assert!(known.has(&action(0)), "all of them fit");
        known.add([action(MOST.get())]);
        assert!(!known.has(&action(1)), "it was seen longest ago");
        assert!(known.has(&action(0)) && known.has(&action(MOST.get())));
        known.add((0..2 * MOST.get()).map(action));
        assert_eq!(known.0.len(), MOST.get());
    }
}
