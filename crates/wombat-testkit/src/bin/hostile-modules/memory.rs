//! The peak memory of a process.

use std::fs;

use anyhow::Context as _;

/// Begins a new peak. What the process occupies now is its beginning.
pub(crate) fn forget_peak(process: u32) -> anyhow::Result<()> {
    fs::write(format!("/proc/{process}/clear_refs"), "5").context("the peak can't be reset")
}

/// The most memory that the process occupied since, in bytes.
pub(crate) fn peak(process: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_ascii_whitespace().next());
    let kib: u64 = kib.context("no peak")?.parse()?;
    Ok(kib * 1024)
}
