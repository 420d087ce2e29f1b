//! The last step before a program that may start no processes: this process confines itself, and becomes the program.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
};

use crate::{confinement::Confinement, exit, sandbox};

/// Arguments of `wombat confined`.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfinedArgs {
    /// What the program may access, as JSON. Namespaces aren't entered here.
    #[arg(long, value_name = "JSON", value_parser = Confinement::from_json)]
    confine: Confinement,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Returns only if it fails.
pub(crate) fn main(args: ConfinedArgs) -> ExitCode {
    let mut words = args.command.into_iter();
    let program = words.next().unwrap_or_default();
    let mut command = Command::new(&program);
    command.args(words);
    if let Err(error) = sandbox::restrict(&args.confine) {
        eprintln!("wombat child: can't confine the program: {error}");
        return ExitCode::from(exit::HELPER_FAILED);
    }
    let error = command.exec();
    eprintln!("wombat child: can't start {}: {error}", program.display());
    ExitCode::from(exit::NOT_STARTED)
}
