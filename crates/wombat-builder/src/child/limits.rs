//! Limits that the helper sets on itself, so that everything it starts inherits them.

use rustix::{
    io,
    process::{Resource, Rlimit, getrlimit, nice, setrlimit},
};

/// Lowers the priority by `niceness`, forbids core dumps, and bounds the size of any file written.
pub(super) fn apply(niceness: i32, file_size: Option<u64>) -> io::Result<()> {
    if niceness != 0 {
        nice(niceness)?;
    }
    lower(Resource::Core, 0)?;
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
