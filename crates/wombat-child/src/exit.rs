//! Exit statuses of the helper itself; all others are the program's.

/// The program and its descendants exceeded the memory limit.
pub(crate) const OUT_OF_MEMORY: u8 = 123;
/// The program and its descendants exceeded the process limit.
pub(crate) const TOO_MANY_PROCESSES: u8 = 124;
/// The helper couldn't do its own work.
pub(crate) const HELPER_FAILED: u8 = 125;
/// The program couldn't be started.
pub(crate) const NOT_STARTED: u8 = 127;
