//! A folder with the layout of a module proxy.

use std::{
    io,
    path::{Path, PathBuf},
};

use reqwest::StatusCode;
use tokio::{fs::File, task::spawn_blocking};

use super::fetch_error::FetchError;

/// Copies a file of the proxy.
pub(super) async fn copy(path: PathBuf, file: &File) -> Result<(), FetchError> {
    match try_copy(path, file).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FetchError::Rejected {
            status: StatusCode::NOT_FOUND,
            words: "not found".to_owned(),
        }),
        Err(error) if is_full(&error) => Err(FetchError::local(&error)),
        Err(error) => Err(FetchError::Unavailable(error.to_string())),
    }
}

async fn try_copy(path: PathBuf, file: &File) -> io::Result<u64> {
    let to = file.try_clone().await?.into_std().await;
    spawn_blocking(move || copy_all(&path, to)).await?
}

#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn copy_all(path: &Path, mut to: std::fs::File) -> io::Result<u64> {
    io::copy(&mut std::fs::File::open(path)?, &mut to)
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
