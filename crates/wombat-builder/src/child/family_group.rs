//! A program and its descendants where no subreaper exists: its process group stands for all of them.

use rustix::{
    io,
    process::{
        Pid, Signal, WaitOptions, WaitStatus, kill_process_group, test_kill_process_group, waitpid,
    },
};

use super::limits::Usage;

/// The program that we started; it leads a process group of its own.
pub(super) struct Family {
    program: Pid,
}

impl Family {
    /// Nothing to do here.
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

    /// Asks the program's group to end by itself.
    pub(super) fn ask_to_end(&self) {
        let _ = kill_process_group(self.program, Signal::TERM);
    }

    /// Kills the group; 0 once nobody is left in it.
    pub(super) fn kill(&self) -> usize {
        let _ = kill_process_group(self.program, Signal::KILL);
        usize::from(test_kill_process_group(self.program).is_ok())
    }

    /// Not known here.
    pub(super) fn crowd() -> usize {
        0
    }

    /// Not known here.
    #[expect(clippy::unused_self, reason = "the Linux twin needs it")]
    pub(super) fn usage(&self, _enough: Option<usize>) -> Usage {
        Usage {
            processes: 0,
            memory: 0,
        }
    }
}
