//! A folder with the layout of a module proxy.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use reqwest::StatusCode;
use tokio::{fs::File, task::spawn_blocking};

use super::fetch_error::FetchError;

/// Copies a file of the proxy, of at most `limit` bytes.
pub(super) async fn copy(path: PathBuf, limit: u64, file: &File) -> Result<(), FetchError> {
    match try_copy(path, limit, file).await {
        Ok(size) if size > limit => Err(FetchError::Rejected {
            status: StatusCode::FORBIDDEN,
            words: format!("the file has more than the limit of {limit} bytes"),
        }),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FetchError::Rejected {
            status: StatusCode::NOT_FOUND,
            words: "not found".to_owned(),
        }),
        Err(error) if is_full(&error) => Err(FetchError::local(&error)),
        Err(error) => Err(FetchError::Unavailable(error.to_string())),
    }
}

/// The number of bytes that were copied: one more than the limit if there are more.
async fn try_copy(path: PathBuf, limit: u64, file: &File) -> io::Result<u64> {
    let to = file.try_clone().await?.into_std().await;
    spawn_blocking(move || copy_up_to(&path, limit + 1, to)).await?
}

#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn copy_up_to(path: &Path, most: u64, mut to: std::fs::File) -> io::Result<u64> {
    io::copy(&mut std::fs::File::open(path)?.take(most), &mut to)
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
