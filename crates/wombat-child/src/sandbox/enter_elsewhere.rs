//! Systems on which children can't be confined.

use std::io;

use wombat_model::SandboxLevel;

use crate::confinement::Confinement;

/// Nothing to do.
#[expect(clippy::unnecessary_wraps, reason = "the Linux twin can fail")]
pub(crate) fn separate(_level: SandboxLevel) -> io::Result<()> {
    Ok(())
}

/// Nothing to do.
#[expect(clippy::unnecessary_wraps, reason = "the Linux twin can fail")]
pub(crate) fn leave(_confinement: &Confinement) -> io::Result<()> {
    Ok(())
}

/// Fails unless the level is [`SandboxLevel::None`].
pub(crate) fn restrict(confinement: &Confinement) -> io::Result<()> {
    match confinement.level {
        SandboxLevel::None => Ok(()),
        SandboxLevel::Landlock | SandboxLevel::Namespaces => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this system has no Landlock",
        )),
    }
}
