//! Puts a thread and everything it starts afterwards into a confinement, for good.

use std::io;

use wombat_model::SandboxLevel;

use super::{landlock, namespaces, seccomp};
use crate::confinement::{Confinement, Network};

/// Enters a new user namespace if the level needs one. Must be called while the process has a single thread.
pub(crate) fn separate(level: SandboxLevel) -> io::Result<()> {
    match level {
        SandboxLevel::None | SandboxLevel::Landlock => Ok(()),
        SandboxLevel::Namespaces => namespaces::leave_users(),
    }
}

/// Enters the other namespaces if the level has them. They are those of the next child of this thread.
pub(crate) fn leave(confinement: &Confinement) -> io::Result<()> {
    match confinement.level {
        SandboxLevel::None | SandboxLevel::Landlock => Ok(()),
        SandboxLevel::Namespaces => {
            namespaces::leave_the_rest(confinement.network == Network::None)
        }
    }
}

/// Confines this thread and everything it starts afterwards to files, connections and system calls.
pub(crate) fn restrict(confinement: &Confinement) -> io::Result<()> {
    match confinement.level {
        SandboxLevel::None => Ok(()),
        SandboxLevel::Landlock | SandboxLevel::Namespaces => {
            landlock::restrict(confinement)?;
            seccomp::restrict(confinement.calls, confinement.network)
        }
    }
}
