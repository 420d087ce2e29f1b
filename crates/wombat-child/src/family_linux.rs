//! A program and all its descendants on Linux. They are found in `/proc` by parent, orphans included, since the kernel
//! hands orphans to the nearest subreaper, which is this helper. Reading all of `/proc` is slow where there are many
//! processes, so only a kill does it: without children there are no descendants, and memory is summed up from parent to
//! child.
#![expect(
    clippy::disallowed_methods,
    reason = "called in the helper process, which does nothing else"
)]

use std::{cell::Cell, collections::HashMap, fs};

use rustix::{
    io,
    process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitOptions, WaitStatus, getpid,
        kill_process, kill_process_group, pidfd_open, pidfd_send_signal, set_child_subreaper, wait,
        waitid,
    },
};

use super::limits::Usage;

/// The started program; it leads its own process group.
pub(super) struct Family {
    program: Pid,
    /// Whether the program was reaped; its process id may belong to another process afterwards.
    reaped: Cell<bool>,
}

struct Process {
    pid: Pid,
    zombie: bool,
    /// In ticks since the machine started; unique together with the process id.
    started: u64,
}

impl Process {
    /// Kills this process, but not another that has taken its id: where many processes come and go, ids are reused
    /// while `/proc` is being read, and a signal to a thread's id would kill its whole process.
    fn kill(&self) {
        let Ok(handle) = pidfd_open(self.pid, PidfdFlags::empty()) else {
            return;
        };
        let now = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        if read_stat(&now).is_some_and(|stat| stat.started == self.started) {
            let _ = pidfd_send_signal(handle, Signal::KILL);
        }
    }
}

impl Family {
    /// Makes orphaned descendants children of this process.
    pub(super) fn adopt_orphans() -> io::Result<()> {
        set_child_subreaper(Some(getpid()))
    }

    pub(super) fn of(program: Pid) -> Self {
        Self {
            program,
            reaped: Cell::new(false),
        }
    }

    /// Reaps all children that have ended; returns the program's status if it is among them.
    pub(super) fn reap(&self) -> Option<WaitStatus> {
        let mut found = None;
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid == self.program {
                found = Some(status);
                self.reaped.set(true);
            }
        }
        found
    }

    /// Sends SIGTERM to the program's process group.
    pub(super) fn ask_to_end(&self) {
        let _ = kill_process_group(self.program, Signal::TERM);
    }

    /// The number of threads on the whole machine, as a cheap first check; 0 if unknown.
    pub(super) fn crowd() -> usize {
        // `0.12 0.34 0.56 3/789 12345`: 3 of 789 threads are running.
        let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let all = text
            .split_ascii_whitespace()
            .nth(3)
            .and_then(|part| part.split_once('/'));
        all.and_then(|(_, all)| all.parse().ok())
            .unwrap_or_default()
    }

    /// Kills every living descendant; returns how many were found, zombies included.
    pub(super) fn kill(&self) -> usize {
        if !has_children() {
            return 0;
        }
        // Killing the whole group leaves its processes no time to start others. In its own PID namespace, the program's
        // death ends all other processes.
        if !self.reaped.get() {
            let _ = kill_process_group(self.program, Signal::KILL);
            let _ = kill_process(self.program, Signal::KILL);
        }
        let descendants = descendants();
        for process in descendants.iter().filter(|process| !process.zombie) {
            process.kill();
        }
        descendants.len()
    }

    /// What the descendants use. Counting ends beyond `enough` of them, before their threads and memory: a fork bomb may
    /// grow faster than it can be counted.
    #[expect(clippy::unused_self, reason = "its twin for other systems needs it")]
    pub(super) fn usage(&self, enough: Option<usize>) -> Usage {
        let pids = children_of_children(enough).unwrap_or_else(|| {
            let all = descendants().into_iter();
            all.map(|process| process.pid.as_raw_pid()).collect()
        });
        let mut usage = Usage {
            processes: pids.len(),
            threads: 0,
            memory: 0,
        };
        if enough.is_some_and(|enough| pids.len() > enough) {
            // Looking at each of them takes longer than a fork bomb takes to double.
            return usage;
        }
        for pid in pids {
            // Empty if the process has ended in the meantime.
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let (threads, memory) = read_status(&status);
            usage.threads += threads;
            usage.memory += memory;
        }
        usage
    }
}

/// Whether this process has children, zombies included.
fn has_children() -> bool {
    let looking = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::All, looking), Err(io::Errno::CHILD))
}

/// All descendants, from the kernel's lists of each thread's children. A process that starts or ends meanwhile may be
/// missing. `None` if the kernel has no such lists.
fn children_of_children(enough: Option<usize>) -> Option<Vec<i32>> {
    let mut found = children(getpid().as_raw_pid())?;
    let mut next = 0;
    while let Some(pid) = found.get(next)
        && enough.is_none_or(|enough| found.len() <= enough)
    {
        found.extend(children(*pid).unwrap_or_default());
        next += 1;
    }
    Some(found)
}

fn children(pid: i32) -> Option<Vec<i32>> {
    let mut all = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let text = fs::read_to_string(thread.path().join("children")).ok()?;
        all.extend(
            text.split_ascii_whitespace()
                .filter_map(|pid| pid.parse::<i32>().ok()),
        );
    }
    Some(all)
}

/// The threads and the memory in bytes that `/proc/<pid>/status` names.
fn read_status(status: &str) -> (usize, u64) {
    let (mut threads, mut kib) = (0, 0);
    for (name, value) in status.lines().filter_map(|line| line.split_once(':')) {
        let number = value.split_ascii_whitespace().next().unwrap_or_default();
        match name {
            "Threads" => threads = number.parse().unwrap_or(0),
            // What is resident doesn't count what was swapped out, nor the tables of pages that all read as zeros.
            "VmRSS" | "VmSwap" | "VmPTE" => kib += number.parse().unwrap_or(0),
            _ => {}
        }
    }
    (threads, kib * 1024)
}

fn descendants() -> Vec<Process> {
    let mut by_parent: HashMap<i32, Vec<Process>> = HashMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
    {
        // The process has ended in the meantime.
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
            continue;
        };
        if let Some(Stat {
            parent,
            zombie,
            started,
        }) = read_stat(&text)
        {
            by_parent.entry(parent).or_default().push(Process {
                pid,
                zombie,
                started,
            });
        }
    }
    let mut found = Vec::new();
    let mut parents = vec![getpid().as_raw_pid()];
    while let Some(parent) = parents.pop() {
        for process in by_parent.remove(&parent).unwrap_or_default() {
            parents.push(process.pid.as_raw_pid());
            found.push(process);
        }
    }
    found
}

/// The fields used of `/proc/<pid>/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: i32,
    zombie: bool,
    started: u64,
}

/// Parses the line. The process name before the fields may hold any character, `)` included.
fn read_stat(stat: &str) -> Option<Stat> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    // `starttime`, the 22nd field.
    let started = fields.nth(17)?.parse().ok()?;
    Some(Stat {
        parent,
        zombie: state == "Z" || state == "X",
        started,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_threads_and_every_kind_of_memory() {
        let status = "Name:\tVmRSS: 9 kB\nVmPeak:\t  999 kB\nVmRSS:\t   100 kB\nRssShmem:\t 60 kB\nVmPTE:\t 8 kB\nVmSwap:\t 20 kB\nThreads:\t7\n";
        assert_eq!(read_status(status), (7, 128 * 1024));
        assert_eq!(read_status("State:\tZ (zombie)\nThreads:\t1\n"), (1, 0));
        assert_eq!(read_status(""), (0, 0));
        let (threads, memory) = read_status(&fs::read_to_string("/proc/self/status").unwrap());
        assert!(threads > 0 && memory > 0);
    }

    #[test]
    fn reads_names_with_brackets_and_spaces() {
        let rest = "12 12 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 9876 55";
        assert_eq!(
            read_stat(&format!("12 (a) R 1 (b)) S 34 {rest}")),
            Some(Stat {
                parent: 34,
                zombie: false,
                started: 9876,
            })
        );
        assert!(read_stat(&format!("12 (x) Z 1 {rest}")).is_some_and(|stat| stat.zombie));
        assert_eq!(read_stat(""), None);
        let own = fs::read_to_string("/proc/self/stat").unwrap();
        assert!(read_stat(&own).is_some_and(|stat| stat.started > 0));
    }
}
