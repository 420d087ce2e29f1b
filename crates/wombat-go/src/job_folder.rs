//! Folders of builds and other jobs. A blocking thread removes them, since they may hold large files.

use std::{
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::runtime::Handle;

use super::blocking::blocking;

/// A folder that goes away with this value.
#[derive(Debug)]
pub struct JobFolder {
    path: PathBuf,
    /// `None` once its removal has begun.
    folder: Option<TempDir>,
}

impl JobFolder {
    /// The folder that `make` creates in a blocking thread.
    pub(super) async fn new(
        make: impl FnOnce() -> io::Result<TempDir> + Send + 'static,
    ) -> io::Result<Self> {
        let folder = blocking(make).await?;
        Ok(Self {
            path: folder.path().to_owned(),
            folder: Some(folder),
        })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, and waits until it is gone.
    pub(super) async fn remove(mut self) {
        let folder = self.folder.take();
        blocking(move || drop(folder)).await;
    }
}

impl Drop for JobFolder {
    fn drop(&mut self) {
        // Outside a runtime it is removed here.
        if let (Some(folder), Ok(runtime)) = (self.folder.take(), Handle::try_current()) {
            drop(runtime.spawn_blocking(move || drop(folder)));
        }
    }
}
