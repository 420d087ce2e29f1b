//! The commands that a program must offer to be the helper of `go`.

use std::process::ExitCode;

use clap::Parser;

/// Flatten these into the program's own commands, and call [`Self::run`] before anything else is started.
#[derive(Debug, Parser)]
pub enum HelperCommand {
    /// Children and their confinement
    #[command(flatten)]
    Child(wombat_child::HelperCommand),
    /// Serve Go's compile cache (as GOCACHEPROG)
    #[command(hide = true)]
    CacheHelper(wombat_gocache::HelperArgs),
}

impl HelperCommand {
    /// Does the helper's work in this process, with a runtime of its own.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Child(command) => command.run(),
            Self::CacheHelper(args) => wombat_gocache::main(args),
        }
    }
}
