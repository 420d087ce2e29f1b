//! The commands that a program must offer to be its own helper.

use std::process::ExitCode;

use clap::Parser;

use crate::{
    confined, confined::ConfinedArgs, helper, helper::ChildArgs, sandbox, sandbox::CheckArgs,
};

/// Flatten these into the program's own commands, and call [`Self::run`] before anything else is started.
#[derive(Debug, Parser)]
pub enum HelperCommand {
    /// Run a program and leave none of its descendants behind
    #[command(hide = true)]
    Child(ChildArgs),
    /// Become a program that may start no processes
    #[command(hide = true)]
    Confined(ConfinedArgs),
    /// Try to break out of the confinement that this runs in
    #[command(hide = true)]
    SandboxCheck(CheckArgs),
}

impl HelperCommand {
    /// Does the helper's work in this process, with a runtime of its own.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Child(args) => helper::main(args),
            Self::Confined(args) => confined::main(args),
            Self::SandboxCheck(args) => sandbox::check_main(&args),
        }
    }
}
