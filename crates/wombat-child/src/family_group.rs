//! A program and its descendants where no subreaper exists: its process group stands for all of them.

use rustix::{
    io,
    process::{
        Pid, Signal, WaitOptions, WaitStatus, kill_process_group, test_kill_process_group, waitpid,
    },
};

use super::limits::Usage;

/// The started program; it leads its own process group.
pub(super) struct Family {
    program: Pid,
}

impl Family {
    /// Nothing to do: orphans stay in the program's process group.
    #[expect(clippy::unnecessary_wraps, reason = "the Linux twin can fail")]
    pub(super) fn adopt_orphans() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn of(program: Pid) -> Self {
        Self { program }
    }

    /// The program's status, once it has ended.
    pub(super) fn reap(&self) -> Option<WaitStatus> {
        waitpid(Some(self.program), WaitOptions::NOHANG)
            .ok()
            .flatten()
            .map(|(_, status)| status)
    }

    /// Sends SIGTERM to the program's process group.
    pub(super) fn ask_to_end(&self) {
        let _ = kill_process_group(self.program, Signal::TERM);
    }

    /// Kills the group; returns 0 once it is empty.
    pub(super) fn kill(&self) -> usize {
        let _ = kill_process_group(self.program, Signal::KILL);
        usize::from(test_kill_process_group(self.program).is_ok())
    }

    /// Unknown on this system.
    pub(super) fn crowd() -> usize {
        0
    }

    /// Unknown on this system.
    #[expect(clippy::unused_self, reason = "the Linux twin needs it")]
    pub(super) fn usage(&self, _enough: Option<usize>) -> Usage {
        Usage {
            processes: 0,
            threads: 0,
            memory: 0,
        }
    }
}
