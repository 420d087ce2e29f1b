//! Whether the disk has room for builds.

use std::path::{Path, PathBuf};

use tokio::sync::watch;
use tracing::{info, warn};

/// A builder's own disk, for all that compile on it.
#[derive(Debug)]
pub(crate) struct Disk {
    /// Where builds work.
    folder: PathBuf,
    /// Bytes below which nothing is begun.
    min_free: u64,
    /// Why nothing is claimed, for the fleet to see.
    problem: watch::Sender<Option<String>>,
}

impl Disk {
    pub(crate) fn new(folder: &Path, min_free: u64) -> Self {
        let disk = Self {
            folder: folder.to_owned(),
            min_free,
            problem: watch::Sender::new(None),
        };
        disk.has_room();
        disk
    }

    /// Follows what is in the way of builds.
    pub(crate) fn problem(&self) -> watch::Receiver<Option<String>> {
        self.problem.subscribe()
    }

    /// Whether another build may begin. What follows the problem is told of a change.
    pub(crate) fn has_room(&self) -> bool {
        let enough = free_disk(&self.folder).is_none_or(|free| free >= self.min_free);
        self.problem.send_if_modified(|problem| {
            if enough == problem.is_none() {
                return false;
            }
            *problem = (!enough).then(|| self.words());
            if let Some(words) = problem {
                warn!(folder = %self.folder.display(), "{words}");
            } else {
                info!("the disk has room for builds again");
            }
            true
        });
        enough
    }

    fn words(&self) -> String {
        let wanted = self.min_free.div_ceil(1 << 20);
        format!(
            "Its disk is full: less than {wanted} MiB are free, so nothing is claimed. Make room, or set a lower limit with --min-free-disk."
        )
    }
}

/// Bytes that may still be written, if the system tells.
fn free_disk(folder: &Path) -> Option<u64> {
    let status = rustix::fs::statvfs(folder).ok()?;
    Some(status.f_bavail.saturating_mul(status.f_frsize))
}
