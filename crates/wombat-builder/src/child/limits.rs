//! Limits: those that the helper sets on itself, so that everything it starts inherits them, and what it looks after
//! because the kernel counts it for each process or each user alone.

use rustix::{
    io,
    process::{Resource, Rlimit, getrlimit, nice, setrlimit},
};

/// Files that a process may have open at once; the linker of a large program has some hundreds.
const OPEN_FILES: u64 = 8192;

/// What a program and its descendants hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// How many they are.
    pub(super) processes: usize,
    /// Resident memory, in bytes; pages that two of them share count twice.
    pub(super) memory: u64,
}

/// Lowers the priority of this thread, and of what it starts from then on.
pub(super) fn yield_to_others(niceness: i32) -> io::Result<()> {
    if niceness != 0 {
        nice(niceness)?;
    }
    Ok(())
}

/// Forbids core dumps, and bounds how many files may be open, and the size of any file written.
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
