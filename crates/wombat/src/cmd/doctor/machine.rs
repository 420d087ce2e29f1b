//! The machine: its sandbox and its disk.

use std::path::Path;

use nix::sys::statvfs::statvfs;
use wombat_child::sandbox::probe;
use wombat_model::SandboxLevel;

use super::finding::{Finding, Verdict};
use crate::state_directory::StateArgs;

/// Default of the free disk below which builders claim nothing, in bytes.
const WANTED: u64 = 2 << 30;

pub(super) async fn sandbox() -> Finding {
    let probed = async {
        let folder = tempfile::tempdir()?;
        let helper = std::env::current_exe()?;
        anyhow::Ok(probe(&helper, folder.path()).await?)
    };
    match probed.await {
        Ok(SandboxLevel::Namespaces) => (
            Verdict::Good,
            "sandbox: Landlock, a filter of system calls, and namespaces".to_owned(),
        ),
        Ok(level @ (SandboxLevel::Landlock | SandboxLevel::None)) => (
            Verdict::Note,
            format!(
                "sandbox: {level}; allow unprivileged user namespaces to also isolate compilers from each other, and to run binaries for imports and linting"
            ),
        ),
        Err(error) => (Verdict::Missing, format!("sandbox: {error}")),
    }
}

/// Free disk at the state directory, even if that doesn't exist yet.
pub(super) fn disk(args: &StateArgs) -> Finding {
    let looked = args.folder().and_then(|folder| {
        let there = folder.ancestors().find(|ancestor| ancestor.is_dir());
        let status = statvfs(there.unwrap_or(Path::new("/")))?;
        let free = status
            .blocks_available()
            .saturating_mul(status.fragment_size());
        Ok((folder, free))
    });
    match looked {
        Ok((folder, free)) if free < WANTED => (
            Verdict::Missing,
            format!(
                "disk: {} MiB are free at {}, and builders claim nothing below {} MiB; make room, or set WOMBAT_STATE_DIR or WOMBAT_MIN_FREE_DISK",
                free >> 20,
                folder.display(),
                WANTED >> 20
            ),
        ),
        Ok((folder, free)) => (
            Verdict::Good,
            format!("disk: {} MiB are free at {}", free >> 20, folder.display()),
        ),
        Err(error) => (Verdict::Missing, format!("disk: {error:#}")),
    }
}
