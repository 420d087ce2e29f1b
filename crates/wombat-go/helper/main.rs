//! The helper process of this crate's tests.

use std::process::ExitCode;

use clap::Parser;
use wombat_go::HelperCommand;

#[derive(Parser)]
enum Cli {
    #[command(flatten)]
    Helper(HelperCommand),
}

fn main() -> ExitCode {
    let Cli::Helper(command) = Cli::parse();
    command.run()
}
