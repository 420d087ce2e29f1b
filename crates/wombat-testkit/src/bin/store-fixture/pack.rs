//! Packs the state folder.

use std::{
    fs::File,
    io,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};

/// Most bytes that a packed store may have.
const LARGEST: u64 = 5 << 20;
/// Binaries are in it twice: in the store, and in the gateway's cache.
const WINDOW_LOG: u32 = 27;

/// Packs it, and returns the size in bytes.
pub(crate) fn pack(state: &Path, target: &Path) -> anyhow::Result<u64> {
    // The test kit wrote it, not the program.
    std::fs::remove_file(state.join("up.log"))?;
    let mut tar = Command::new("tar")
        .args([
            "--create",
            "--sort=name",
            "--owner=0",
            "--group=0",
            "--numeric-owner",
        ])
        .arg("--directory")
        .arg(state)
        .arg(".")
        .stdout(Stdio::piped())
        .spawn()?;
    let mut output = tar.stdout.take().context("stdout is a pipe")?;
    let mut encoder = zstd::Encoder::new(File::create(target)?, 19)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(WINDOW_LOG)?;
    io::copy(&mut output, &mut encoder)?;
    encoder.finish()?;
    let status = tar.wait()?;
    ensure!(status.success(), "tar: {status}");
    let size = std::fs::metadata(target)?.len();
    ensure!(size <= LARGEST, "{size} bytes are too many for the sources");
    Ok(size)
}
