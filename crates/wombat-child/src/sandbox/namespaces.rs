//! Namespaces: the program can't see other processes or the machine's name, all its processes die with the first one,
//! and it may have no network.
#![expect(
    clippy::disallowed_methods,
    reason = "called in the helper process before it has a runtime"
)]

use std::{fs, io};

use nix::sched::{CloneFlags, unshare};
use rustix::process::{getegid, geteuid};

/// User and group id inside. Not 0, which would keep capabilities over the namespace.
const INSIDE: u32 = 1000;

/// Host name inside, so that the output of a program can't tell the machine's.
const HOST: &[u8] = b"sandbox";

/// Enters a new user namespace, in which an ordinary user may create the others. Works only while the process has one
/// thread.
pub(super) fn leave_users() -> io::Result<()> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    // Otherwise the kernel refuses an ordinary user's `gid_map`.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{INSIDE} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{INSIDE} {group} 1"))
}

/// Enters the other namespaces; the next child of this thread becomes the first process of a new PID namespace.
pub(super) fn leave_the_rest(network: bool) -> io::Result<()> {
    let mut flags = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    if network {
        flags |= CloneFlags::CLONE_NEWNET;
    }
    unshare(flags)?;
    Ok(rustix::system::sethostname(HOST)?)
}
