//! Limits: those that the helper sets on itself, since all its children inherit them, and the usage that it checks
//! itself, since the kernel limits memory only for each process, and processes only for each user.

use rustix::{
    io,
    process::{Resource, Rlimit, getrlimit, nice, setrlimit},
};

/// Files that a process may have open at once; the linker opens hundreds for a large program.
const OPEN_FILES: u64 = 8192;

/// What a program and its descendants use together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// Number of processes.
    pub(super) processes: usize,
    /// Resident memory, in bytes; pages that two of them share count twice.
    pub(super) memory: u64,
}

/// Lowers the priority of this thread and of everything it starts afterwards.
pub(super) fn yield_to_others(niceness: i32) -> io::Result<()> {
    if niceness != 0 {
        nice(niceness)?;
    }
    Ok(())
}

/// Forbids core dumps, and limits the number of open files and the size of written files.
pub(super) fn apply(file_size: Option<u64>) -> io::Result<()> {
    lower(Resource::Core, 0)?;
    lower(Resource::Nofile, OPEN_FILES)?;
    match file_size {
        Some(bytes) => lower(Resource::Fsize, bytes),
        None => Ok(()),
    }
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
