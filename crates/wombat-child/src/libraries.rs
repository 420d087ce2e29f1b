//! The system's libraries that a Go or Rust program may be linked with. Programs get these files alone: the folders
//! around them also say what the machine is and what is installed.

use std::{path::PathBuf, sync::LazyLock};

const FOLDERS: [&str; 8] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
];

/// Those of the C library, glibc's or musl's, and the one that unwinds stacks.
const NAMES: [&str; 13] = [
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "ld-musl-aarch64.so.1",
    "ld-musl-x86_64.so.1",
    "libc.musl-aarch64.so.1",
    "libc.musl-x86_64.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
];

static PRESENT: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
    let folders = FOLDERS.into_iter();
    folders
        .flat_map(|folder| NAMES.map(|name| PathBuf::from(folder).join(name)))
        .filter(|path| path.exists())
        .collect()
});

/// Those that this machine has.
pub(crate) fn present() -> &'static [PathBuf] {
    &PRESENT
}
