//! Limits: those that the helper sets on itself, since all its children inherit them, and the usage that it checks
//! itself, since the kernel limits memory only for each process, and processes only for each user.

use rustix::{
    io,
    process::{Resource, Rlimit, getrlimit, nice, setrlimit},
};

/// Files that a process may have open at once; the linker opens hundreds for a large program.
const OPEN_FILES: u64 = 8192;

/// Threads of the helper in the namespace of its program: its own, and the one that starts the program. Some more, so
/// that the helper notices an excess before the kernel refuses more.
const HELPER_THREADS: u64 = 8;

/// What a program and its descendants use together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// Number of processes.
    pub(super) processes: usize,
    /// Number of threads in them.
    pub(super) threads: usize,
    /// Memory that they occupy, in bytes: resident pages, also of shared memory, what was swapped out, and page tables.
    /// Pages that two of them share count twice.
    pub(super) memory: u64,
}

/// Lowers the priority of this thread and of everything it starts afterwards.
pub(super) fn yield_to_others(niceness: i32) -> io::Result<()> {
    if niceness != 0 {
        nice(niceness)?;
    }
    Ok(())
}

/// Forbids core dumps, and limits the number of open files, the size of written files, and the private memory that a
/// process maps for writing.
pub(super) fn apply(file_size: Option<u64>, data: Option<u64>) -> io::Result<()> {
    lower(Resource::Core, 0)?;
    lower(Resource::Nofile, OPEN_FILES)?;
    if let Some(bytes) = file_size {
        lower(Resource::Fsize, bytes)?;
    }
    match data {
        Some(bytes) => lower(Resource::Data, bytes),
        None => Ok(()),
    }
}

/// Limits the number of threads in the user namespace that this process made, which holds nothing but this process and
/// its descendants. The kernel doesn't hold root to it.
pub(super) fn limit_threads(threads: usize) -> io::Result<()> {
    lower(Resource::Nproc, threads as u64 + HELPER_THREADS)
}

fn lower(resource: Resource, value: u64) -> io::Result<()> {
    let ceiling = getrlimit(resource).maximum;
    let value = ceiling.map_or(value, |ceiling| ceiling.min(value));
    setrlimit(
        resource,
        Rlimit {
            current: Some(value),
            maximum: Some(value),
        },
    )
}
