//! The helper process of this crate's tests.

use std::process::ExitCode;

use clap::Parser as _;
use wombat_go::HelperCommand;

fn main() -> ExitCode {
    HelperCommand::parse().run()
}
