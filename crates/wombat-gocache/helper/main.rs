//! The helper process of this crate's tests.

use std::process::ExitCode;

use clap::Parser;
use wombat_gocache::HelperArgs;

#[derive(Parser)]
enum Cli {
    CacheHelper(HelperArgs),
}

fn main() -> ExitCode {
    let Cli::CacheHelper(args) = Cli::parse();
    wombat_gocache::main(args)
}
