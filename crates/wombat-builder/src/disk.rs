//! Checks whether the disk has room for builds.

use std::path::{Path, PathBuf};

use tokio::{sync::watch, task::spawn_blocking};
use tracing::{error, info, warn};

/// A builder's own disk.
#[derive(Debug)]
pub(crate) struct Disk {
    /// The folder of running builds.
    folder: PathBuf,
    /// Free bytes below which no build starts.
    min_free: u64,
    /// Why this builder claims nothing, for its presence.
    problem: watch::Sender<Option<String>>,
}

impl Disk {
    pub(crate) async fn new(folder: &Path, min_free: u64) -> Self {
        let disk = Self {
            folder: folder.to_owned(),
            min_free,
            problem: watch::Sender::new(None),
        };
        disk.has_room().await;
        disk
    }

    /// Subscribes to the problem.
    pub(crate) fn problem(&self) -> watch::Receiver<Option<String>> {
        self.problem.subscribe()
    }

    /// Whether another build may start. Updates the problem.
    pub(crate) async fn has_room(&self) -> bool {
        let folder = self.folder.clone();
        let free = spawn_blocking(move || free_disk(&folder)).await;
        let free = free.unwrap_or_else(|error| {
            error!(%error, "can't find out how much disk is free");
            None
        });
        let enough = free.is_none_or(|free| free >= self.min_free);
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
            "Its disk is full: less than {wanted} MiB are free, so it claims no builds. Free disk space, or lower --min-free-disk (WOMBAT_MIN_FREE_DISK)."
        )
    }
}

/// Free bytes, if the system reports them.
fn free_disk(folder: &Path) -> Option<u64> {
    let status = rustix::fs::statvfs(folder).ok()?;
    Some(status.f_bavail.saturating_mul(status.f_frsize))
}
