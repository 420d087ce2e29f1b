//! The helper, and processes by their program.

use std::{fs, path::Path};

pub(crate) fn helper() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wombat-child-helper"))
}

/// How many processes run this program.
pub(crate) fn running(program: &Path) -> usize {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path().join("exe")).ok())
        .filter(|running| running == program)
        .count()
}
