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

/// Confines this thread and everything it starts afterwards.
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
