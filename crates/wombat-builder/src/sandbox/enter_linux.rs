//! Puts a thread, and what it starts from then on, into a confinement. There is no way back out.

use std::io;

use wombat_model::SandboxLevel;

use super::{Confinement, Network, landlock, namespaces, seccomp};

/// To be done first, while the process has a single thread: leaves the user namespace, if the level asks for that.
pub(crate) fn separate(level: SandboxLevel) -> io::Result<()> {
    match level {
        SandboxLevel::None | SandboxLevel::Landlock => Ok(()),
        SandboxLevel::Namespaces => namespaces::leave_users(),
    }
}

/// Confines this thread and what it will start.
pub(crate) fn enter(confinement: &Confinement) -> io::Result<()> {
    match confinement.level {
        SandboxLevel::None => return Ok(()),
        SandboxLevel::Landlock => {}
        SandboxLevel::Namespaces => {
            namespaces::leave_the_rest(confinement.network == Network::None)?;
        }
    }
    landlock::restrict(confinement)?;
    seccomp::restrict(confinement.network)
}
