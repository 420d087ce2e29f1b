//! Namespaces: other processes can't be seen, all of one's own die with the first, and there may be no network.

use std::{fs, io};

use nix::sched::{CloneFlags, unshare};
use rustix::process::{getegid, geteuid};

/// Ids that the user has inside. Not 0: that would keep capabilities over the namespace.
const INSIDE: u32 = 1000;

/// A user namespace, in which an ordinary user may make the others. Works only while the process has one thread.
pub(super) fn leave_users() -> io::Result<()> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    // Without this the kernel lets nobody write the map of groups.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{INSIDE} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{INSIDE} {group} 1"))
}

/// The next child of this thread is the first process of a namespace of its own.
pub(super) fn leave_the_rest(network: bool) -> io::Result<()> {
    let mut flags = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    if network {
        flags |= CloneFlags::CLONE_NEWNET;
    }
    Ok(unshare(flags)?)
}
