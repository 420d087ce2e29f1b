//! The local folders that one build reads and writes.

use std::io::{self, Read};

use super::{
    id::{ActionId, OutputId},
    local::{Found, LocalCache},
};

/// The folders of one build. A build of modules from outside the catalog reads the shared folder too, but writes to a
/// private one, which only such builds read.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    shared: LocalCache,
    private: Option<LocalCache>,
}

impl Levels {
    pub(crate) fn new(shared: LocalCache, private: Option<LocalCache>) -> Self {
        Self { shared, private }
    }

    /// The folder that all builds read.
    pub(crate) fn shared(&self) -> &LocalCache {
        &self.shared
    }

    /// The folder that only builds outside the catalog read, if this is one.
    pub(crate) fn private(&self) -> Option<&LocalCache> {
        self.private.as_ref()
    }

    /// The folder that this build writes to.
    pub(crate) fn own(&self) -> &LocalCache {
        self.private.as_ref().unwrap_or(&self.shared)
    }

    pub(crate) fn find(&self, action: &ActionId) -> Option<Found> {
        let shared = self.shared.find(action);
        shared.or_else(|| self.private.as_ref()?.find(action))
    }

    pub(crate) fn put(
        &self,
        action: &ActionId,
        output: OutputId,
        size: u64,
        body: &mut (impl Read + ?Sized),
    ) -> io::Result<Found> {
        self.own().put(action, output, size, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::tests::{action, output_of};

    #[test]
    fn a_build_outside_the_catalog_reads_both_and_writes_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let shared = || LocalCache::new(folder.path().join("shared"));
        let private = || Some(LocalCache::new(folder.path().join("private")));
        let (inside, outside) = (
            Levels::new(shared(), None),
            Levels::new(shared(), private()),
        );
        let put = |levels: &Levels, n, body: &[u8]| {
            levels
                .put(&action(n), output_of(body), body.len() as u64, &mut &*body)
                .unwrap();
        };
        put(&inside, 1, b"known");
        put(&outside, 2, b"foreign");
        assert!(outside.find(&action(1)).is_some() && outside.find(&action(2)).is_some());
        assert!(inside.find(&action(1)).is_some());
        assert_eq!(inside.find(&action(2)), None);
    }
}
