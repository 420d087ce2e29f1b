//! What a build may use.

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wombat_go::{Origin, Scope, report::Reporter};

use super::Worker;

/// `nice` value of builds, so that leases are renewed even while every CPU is compiling.
const NICENESS: i32 = 10;
/// `nice` value of background work: below requested builds.
const IDLE_NICENESS: i32 = 19;

impl Worker {
    /// The scope of background builds: below every requested build, and without reports.
    pub(crate) fn idle_scope(&self) -> Scope {
        Scope {
            niceness: IDLE_NICENESS,
            ..self.scope(Origin::Catalog, &Reporter::new().0)
        }
    }

    pub(super) fn scope(&self, origin: Origin, reporter: &Reporter) -> Scope {
        let (time_limit, all) = (self.limits.time(origin), &self.limits.all);
        Scope {
            stop: CancellationToken::new(),
            deadline: Instant::now() + time_limit.most(),
            time_limit,
            memory_limit: all.memory,
            output_limit: self.limits.output(origin),
            process_limit: all.processes,
            parallelism: all.parallelism,
            niceness: NICENESS,
            reporter: reporter.clone(),
        }
    }
}
