//! The helper process of this crate's tests.

use std::process::ExitCode;

use clap::Parser as _;
use wombat_child::HelperCommand;

fn main() -> ExitCode {
    HelperCommand::parse().run()
}
