//! Files that this process inherited.

use std::{fs, io};

/// Where the kernel lists the open files of a process.
const OPEN: &str = if cfg!(target_os = "linux") {
    "/proc/self/fd"
} else {
    "/dev/fd"
};

/// Closes every file but standard input, output and error, so that no child gets one that an ancestor of this process
/// left open. Must be called before this process opens any itself.
#[expect(
    clippy::disallowed_methods,
    reason = "called in the helper process before it has a runtime"
)]
pub(crate) fn close_inherited() -> io::Result<()> {
    let open: Vec<i32> = fs::read_dir(OPEN)?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in open {
        // Fails for the one that listed them, which is closed already.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}
