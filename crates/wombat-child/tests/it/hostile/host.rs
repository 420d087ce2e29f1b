//! What the host sees of a program while it runs, and the end of one that the helper doesn't end.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(2);
/// More processes than any bomb has: the fuse of the program failed.
const TOO_MANY: usize = 4_000;
/// Longer than any attempt takes.
const TOO_LONG: Duration = Duration::from_secs(40);

/// The largest values that were seen at one time, of all processes that run the program together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) processes: usize,
    pub(super) threads: u64,
    /// Resident and swapped pages, and page tables, in bytes.
    pub(super) memory: u64,
    /// Whether the helper left it alone for so long that this watch ended it.
    pub(super) had_to_end_it: bool,
}

/// A thread that looks until it is asked what it saw.
pub(super) struct Watch {
    enough: Arc<AtomicBool>,
    looking: JoinHandle<Seen>,
}

impl Watch {
    /// Watches the processes that run this program.
    pub(super) fn begin(program: &Path) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let (program, end) = (program.to_owned(), Arc::clone(&enough));
        let looking = thread::spawn(move || look(&program, &end));
        Self { enough, looking }
    }

    pub(super) fn end(self) -> Seen {
        self.enough.store(true, Ordering::Relaxed);
        self.looking.join().unwrap()
    }
}

fn look(program: &Path, enough: &AtomicBool) -> Seen {
    let (mut seen, begun) = (Seen::default(), Instant::now());
    while !enough.load(Ordering::Relaxed) {
        let pids = running(program);
        let (mut threads, mut memory) = (0, 0);
        for pid in &pids {
            // Empty if the process has ended in the meantime.
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            threads += field(&status, "Threads");
            let kib = ["VmRSS", "VmSwap", "VmPTE"].map(|name| field(&status, name));
            memory += kib.iter().sum::<u64>() * 1024;
        }
        seen.processes = seen.processes.max(pids.len());
        seen.threads = seen.threads.max(threads);
        seen.memory = seen.memory.max(memory);
        if pids.len() > TOO_MANY || begun.elapsed() > TOO_LONG {
            seen.had_to_end_it = true;
            for pid in pids {
                // Fails where it has ended in the meantime.
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            continue;
        }
        thread::sleep(INTERVAL);
    }
    seen
}

fn field(status: &str, name: &str) -> u64 {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_ascii_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

/// The processes that run this program.
fn running(program: &Path) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let exe = fs::read_link(PathBuf::from(format!("/proc/{pid}/exe")));
            exe.is_ok_and(|exe| exe == program)
        })
        .collect()
}
