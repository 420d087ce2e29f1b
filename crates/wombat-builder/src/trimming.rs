//! Keeps the caches on this builder's disk below their size limits.

use std::{
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio_util::sync::CancellationToken;
use tracing::warn;
use wombat_go::ModuleTrimmer;
use wombat_gocache::trim;

/// When caches are trimmed first: reading all folders would slow down the builds that waited for this builder.
const FIRST: Duration = Duration::from_mins(1);
/// How often caches are trimmed.
const INTERVAL: Duration = Duration::from_mins(10);

/// Trims folders and the module cache from time to time, for as long as it is polled.
pub(crate) async fn keep_trimmed(folders: [(PathBuf, u64); 3], modules: ModuleTrimmer) {
    let modules = Arc::new(modules);
    let stop = CancellationToken::new();
    // The first trim after an upgrade may remove many gigabytes, and the process waits for it to end.
    let _stopped = stop.clone().drop_guard();
    tokio::time::sleep(FIRST).await;
    loop {
        for (folder, limit) in folders.clone() {
            blocking(move || match trim(&folder, limit, SystemTime::now()) {
                // The cache is still unused.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => warn!(folder = %folder.display(), %error, "can't trim a cache"),
                Ok(_) => {}
            })
            .await;
        }
        let (modules, stop) = (Arc::clone(&modules), stop.clone());
        blocking(move || {
            if let Err(error) = modules.trim(SystemTime::now(), &stop) {
                warn!(%error, "can't trim the module cache");
            }
        })
        .await;
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn blocking(trim: impl FnOnce() + Send + 'static) {
    if let Err(error) = tokio::task::spawn_blocking(trim).await {
        warn!(%error, "trimming a cache panicked");
    }
}
