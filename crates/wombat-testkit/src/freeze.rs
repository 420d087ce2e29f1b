//! Stopped processes.

use std::{fs, path::PathBuf, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::wait_until;

/// How long its threads may run on.
const SOON: Duration = Duration::from_secs(10);

/// Sends SIGSTOP, and waits until no thread of the process runs: the signal stops them one by one.
pub async fn freeze(process: u32) -> anyhow::Result<()> {
    kill(Pid::from_raw(i32::try_from(process)?), Signal::SIGSTOP)?;
    let threads = PathBuf::from(format!("/proc/{process}/task"));
    wait_until("all threads to stop", SOON, async || {
        for thread in fs::read_dir(&threads)? {
            // A thread that ends meanwhile has no file any more.
            let state = fs::read_to_string(thread?.path().join("stat")).unwrap_or_default();
            // The name before the state may hold any character.
            if state
                .rsplit_once(") ")
                .is_some_and(|(_, rest)| !rest.starts_with('T'))
            {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await
}
