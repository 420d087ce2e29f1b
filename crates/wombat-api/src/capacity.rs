//! How much a gateway can hold at a time, given the system's limit of open files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

use crate::limit_args::LimitArgs;

/// Connections above the limit, for health checks and operators' tokens.
pub(crate) const RESERVED_CONNECTIONS: usize = 128;
/// Long calls above the limit, for operators' tokens.
pub(crate) const RESERVED_PLACES: usize = 64;
/// Open files for everything else: NATS, caches, and in `wombat up` the index and builders.
const OTHER_FILES: usize = 512;
/// The fewest connections that are served, however few files may be open.
const FEWEST: usize = 16;

/// How much a gateway holds at a time, without what is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Connections.
    pub connections: usize,
    /// Event streams, waits and downloads. At most half of the connections, so that short calls always have some.
    pub long_calls: usize,
}

impl Capacity {
    /// What the arguments ask for, and the system's limit of open files allows. Raises the process's own limit up to the
    /// system's as far as that is needed, and warns if it isn't enough.
    pub(crate) fn available(args: &LimitArgs) -> Self {
        let wanted = Self::wanted(args);
        let files = raise_file_limit(wanted.files());
        let possible = wanted.within(files);
        if possible != wanted {
            warn!(
                files,
                needed = wanted.files(),
                connections = possible.connections,
                "the limit of open files allows fewer connections than --connections; raise it (`LimitNOFILE=` of a unit, `ulimit -n`)"
            );
        }
        possible
    }

    /// What the arguments ask for.
    pub fn wanted(args: &LimitArgs) -> Self {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self::of(count(args.connections), count(args.long_calls))
    }

    fn of(connections: usize, long_calls: usize) -> Self {
        let most = connections / 2;
        Self {
            connections,
            long_calls: match long_calls {
                0 => most,
                some => some.min(most),
            },
        }
    }

    /// Files that are open when all of it is used: a socket for each connection, and a file for each download.
    pub fn files(self) -> usize {
        let connections = self.connections + RESERVED_CONNECTIONS;
        connections + self.long_calls + RESERVED_PLACES + OTHER_FILES
    }

    /// As much of it as may be held with so many open files.
    #[must_use]
    pub fn within(self, files: usize) -> Self {
        if self.files() <= files {
            return self;
        }
        let fixed = RESERVED_CONNECTIONS + RESERVED_PLACES + OTHER_FILES;
        // For each two connections, at most one long call.
        let fitting = files.saturating_sub(fixed) / 3 * 2;
        Self::of(self.connections.min(fitting.max(FEWEST)), self.long_calls)
    }
}

/// Raises the process's limit of open files up to `wanted`, if the system's limit allows it; returns the limit.
fn raise_file_limit(wanted: usize) -> usize {
    let count = |limit: Option<u64>| {
        limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        })
    };
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if count(current) >= wanted {
        return count(current);
    }
    let raised = wanted.min(count(maximum));
    let limit = Rlimit {
        current: u64::try_from(raised).ok(),
        maximum,
    };
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => raised,
        Err(error) => {
            warn!(%error, "can't raise the limit of open files");
            count(current)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_calls_always_have_connections() {
        for (long_calls, expected) in [(0, 2048), (5000, 2048), (100, 100)] {
            let args = LimitArgs {
                long_calls,
                ..LimitArgs::default()
            };
            let capacity = Capacity::wanted(&args);
            assert_eq!(
                (capacity.connections, capacity.long_calls),
                (4096, expected)
            );
        }
    }

    #[test]
    fn what_is_held_fits_the_limit_of_open_files() {
        let wanted = Capacity::wanted(&LimitArgs::default());
        assert_eq!(wanted.within(wanted.files()), wanted);
        for files in [1024, 2000, 4096, wanted.files() - 1] {
            let possible = wanted.within(files);
            assert!(possible.files() <= files, "{possible:?} of {files}");
            assert!(
                possible.files() + 3 + wanted.connections / 16 > files,
                "{possible:?} of {files}"
            );
        }
        let least = wanted.within(64);
        assert_eq!((least.connections, least.long_calls), (FEWEST, FEWEST / 2));
    }
}
