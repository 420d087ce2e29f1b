//! Which processors processes run on.

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

/// The servers on the first processor, this process on the second, until this is dropped. Nothing where there is only one.
#[derive(Debug)]
pub(crate) struct Apart {
    _is_pinned: (),
}

impl Apart {
    /// Pins these processes and this one. `None`: there is only one processor.
    pub(crate) fn pin(servers: &[u32]) -> anyhow::Result<Option<Self>> {
        if std::thread::available_parallelism()?.get() < 2 {
            return Ok(None);
        }
        for server in servers {
            pin(*server, "0")?;
        }
        pin(std::process::id(), "1")?;
        Ok(Some(Self { _is_pinned: () }))
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Numbers above the last processor count for nothing.
        if let Err(error) = pin(std::process::id(), "0-1023") {
            eprintln!("this process stays on one processor: {error:#}");
        }
    }
}

/// Lets all threads of a process, and those that they start, run on these processors alone.
fn pin(process: u32, processors: &str) -> anyhow::Result<()> {
    let status = Command::new("taskset")
        .args(["-a", "-c", "-p", processors, &process.to_string()])
        .stdout(Stdio::null())
        .status()
        .context("running taskset, of util-linux")?;
    ensure!(status.success(), "taskset can't pin process {process}");
    Ok(())
}
