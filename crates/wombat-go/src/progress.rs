//! Progress of `go build`: counts only the packages that are proven to be ready.
//!
//! `go build -v` names a package when its compiler starts, and only those that aren't in the cache. A compiler starts
//! when everything below its package is ready. So each name proves that its whole closure is done, and those of
//! them that were never named came from the cache.

use wombat_model::log::Progress;

use super::{package_set::PackageSet, packages::Packages};

#[derive(Debug)]
pub(super) struct Counter<'a> {
    packages: &'a Packages,
    binary: PackageSet,
    ready: PackageSet,
    started: PackageSet,
}

impl<'a> Counter<'a> {
    pub(super) fn new(packages: &'a Packages) -> Self {
        Self {
            packages,
            binary: packages.binary(),
            ready: packages.none(),
            started: packages.none(),
        }
    }

    /// To be called when the compiler of this package starts. `false` if the binary has no such package.
    pub(super) fn started(&mut self, path: &str) -> bool {
        let Some(index) = self
            .packages
            .find(path)
            .filter(|index| self.binary.contains(*index))
        else {
            return false;
        };
        let known_ready = self.ready.contains(index);
        let closure = self.packages.closure(path);
        self.ready.add_all(&closure);
        if !known_ready {
            self.ready.remove(index);
        }
        self.started.add(index)
    }

    /// To be called when the linker starts, so everything is ready.
    pub(super) fn all_ready(&mut self) {
        self.ready = self.binary.clone();
    }

    pub(super) fn progress(&self) -> Progress {
        let count =
            |set: &PackageSet| u32::try_from(self.packages.compiled_count(set)).unwrap_or(u32::MAX);
        let done = count(&self.ready);
        let compiled = count(&self.ready.and(&self.started));
        Progress {
            done,
            total: count(&self.binary),
            cached: done - compiled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        go_mod::MAIN_MODULE,
        packages::tests::{NATS, PURE, packages},
    };

    #[test]
    fn counts_only_what_is_proved() {
        let packages = packages();
        let mut counter = Counter::new(&packages);
        let at = |done, cached| Progress {
            done,
            total: 8,
            cached,
        };
        assert_eq!(counter.progress(), at(0, 0));
        assert!(counter.started("example.com/client"));
        assert_eq!(
            counter.progress(),
            at(2, 2),
            "net and what it vendors came from the cache"
        );
        assert!(!counter.started("example.com/elsewhere"));
        assert!(counter.started(NATS));
        assert_eq!(
            counter.progress(),
            at(4, 3),
            "the client was compiled, the service wasn't"
        );
        assert!(counter.started(PURE));
        assert_eq!(counter.progress(), at(4, 3));
        assert!(counter.started(MAIN_MODULE));
        assert_eq!(counter.progress(), at(7, 4));
        counter.all_ready();
        assert_eq!(counter.progress(), at(8, 4));
    }

    #[test]
    fn a_warm_cache_shows_at_the_linker() {
        let packages = packages();
        let mut counter = Counter::new(&packages);
        counter.all_ready();
        assert_eq!(
            counter.progress(),
            Progress {
                done: 8,
                total: 8,
                cached: 8
            }
        );
    }
}
