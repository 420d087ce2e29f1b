//! Systems on which children can't be confined.

use std::io;

use wombat_model::SandboxLevel;

use super::Confinement;

/// Nothing to do before.
#[expect(clippy::unnecessary_wraps, reason = "the Linux twin can fail")]
pub(crate) fn separate(_level: SandboxLevel) -> io::Result<()> {
    Ok(())
}

/// Refuses everything but no confinement at all.
pub(crate) fn enter(confinement: &Confinement) -> io::Result<()> {
    match confinement.level {
        SandboxLevel::None => Ok(()),
        SandboxLevel::Landlock | SandboxLevel::Namespaces => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this system has no Landlock",
        )),
    }
}
