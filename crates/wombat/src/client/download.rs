//! Downloads a binary to a file: checked against its record, and put in place completely or not at all.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use sha2::{Digest, Sha256 as Hasher};
use tempfile::NamedTempFile;
use tokio::{io::AsyncWriteExt, task::spawn_blocking};
use wombat_model::{Sha256, program_name, wire::BuildView};

use super::Server;

/// Where the binary is written, and what is shown meanwhile.
#[derive(Debug)]
pub(crate) struct DownloadOptions {
    /// The file; by default the distribution's name, with `.exe` for Windows, in the current folder.
    pub(crate) output: Option<PathBuf>,
    /// Whether to replace a file that has a distribution's own name: it is no choice of the command line.
    pub(crate) replace: bool,
    /// Whether to draw a progress bar.
    pub(crate) bar: bool,
}

/// Downloads the binary of a successful build and makes it executable.
pub(crate) async fn download(
    server: &Server,
    view: &BuildView,
    options: &DownloadOptions,
) -> anyhow::Result<PathBuf> {
    let Some(expected) = view.build.sha256.clone().filter(|_| !view.build.expired) else {
        bail!("build {} has no binary to download", view.id);
    };
    let output = options
        .output
        .clone()
        .unwrap_or_else(|| default_output(view));
    let place = output.clone();
    let new_only = options.output.is_none() && view.build.name.is_some() && !options.replace;
    let prepared = spawn_blocking(move || {
        ensure!(
            !(new_only && place.exists()),
            "{0} exists already; write --output {0} to replace it",
            place.display()
        );
        temporary_beside(&place)
    });
    let (temporary, file) = prepared.await??;

    let path = view.id.artifact_path();
    let response = server.send(server.request(Method::GET, &path)).await?;
    let bar = progress_bar(options.bar, view.build.size.unwrap_or(0));
    let mut file = tokio::fs::File::from_std(file);
    let mut hasher = Hasher::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|source| server.unreachable(source))?;
        hasher.update(&chunk);
        file.write_all(&chunk).await?;
        bar.inc(chunk.len() as u64);
    }
    file.flush().await?;
    bar.finish_and_clear();
    let found = Sha256::from_bytes(hasher.finalize().into());
    ensure!(
        found == expected,
        "the download has SHA-256 {found}, its record says {expected}; nothing was written"
    );

    let place = output.clone();
    let settled = spawn_blocking(move || {
        make_executable(temporary.path())?;
        // Synced first: otherwise a power failure could leave a file of this size with other content.
        wombat_files::settle(temporary, &place)
    });
    settled
        .await?
        .with_context(|| format!("writing {}", output.display()))?;
    Ok(output)
}

/// The file's name if the command line gives none.
fn default_output(view: &BuildView) -> PathBuf {
    program_name(view.build.name.as_ref(), view.build.goos).into()
}

/// A temporary file in the folder of `output`, and its handle to write with.
fn temporary_beside(output: &Path) -> anyhow::Result<(NamedTempFile, File)> {
    ensure!(
        !output.is_dir(),
        "{} is a folder; give the name of a file",
        output.display()
    );
    let folder = output
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let temporary = tempfile::Builder::new()
        .prefix(".wombat-download-")
        .tempfile_in(folder)
        .with_context(|| format!("writing to {}", folder.display()))?;
    let file = temporary.reopen()?;
    Ok((temporary, file))
}

fn progress_bar(shown: bool, size: u64) -> ProgressBar {
    if !shown {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("download {bar:30} {bytes}/{total_bytes} {bytes_per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(size).with_style(style)
}

#[cfg(unix)]
#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
