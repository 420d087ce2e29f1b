//! `wombat`: the servers of Wombat Builder, and a client for them, in one program.
//!
//! This file reads the command line and turns an error into words and an exit code; each command has a file below
//! `cmd`. The servers themselves are libraries.

mod client;
mod cmd;
mod embedded;
mod exit;
mod nats_config;
mod output;
mod secrets;
mod signals;
mod state_directory;
mod telemetry;

use std::{process::ExitCode, time::Duration};

use clap::{CommandFactory, FromArgMatches as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    client::ClientError,
    output::{note, print_bytes},
    telemetry::LogArgs,
};

/// Longest time for background threads to end once the command is done.
const LAST_THREADS: Duration = Duration::from_secs(1);

/// Records are parsed in one thread and indexed in others: with the system's allocator they wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Go binaries with exactly the Redpanda Connect and Benthos components that you pick
#[derive(Debug, Parser)]
#[command(name = "wombat", version, after_help = exit::EXIT_CODES, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logs: LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(Box<cmd::up::UpArgs>),
    Service(cmd::roles::ServiceCommand),
    Builder(cmd::roles::BuilderCommand),
    Api(cmd::roles::ApiCommand),
    Setup(cmd::setup::SetupArgs),
    Doctor(cmd::doctor::DoctorArgs),
    Build(cmd::build::BuildArgs),
    List(cmd::list::ListArgs),
    Get(cmd::get::GetArgs),
    Logs(cmd::logs::LogsArgs),
    Cancel(cmd::cancel::CancelArgs),
    Purge(cmd::purge::PurgeArgs),
    Blocklist(cmd::blocklist::BlocklistArgs),
    Download(cmd::download::DownloadArgs),
    Catalog(cmd::catalog::CatalogArgs),
    Token(cmd::token::TokenArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    #[command(flatten)]
    Helper(wombat_go::HelperCommand),
}

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    // One provider for every TLS connection; two in one process would make the first connection panic.
    drop(rustls::crypto::ring::default_provider().install_default());
    match cli.command {
        // Runs in the leanest possible process, with a runtime of its own.
        Command::Helper(command) => command.run(),
        command => {
            secrets::warn(&matches);
            ended(run(command, &cli.logs))
        }
    }
}

/// The exit code, and the words of a failure.
fn ended(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    if error.is::<exit::Interrupted>() {
        note(&error.to_string());
    } else {
        note(&format!("error: {error:#}"));
    }
    if let Some(ClientError::Unreachable { .. }) = error.downcast_ref() {
        note(
            "       Is it running? `wombat up` starts everything; --server names another gateway.",
        );
    }
    exit::code(&error)
}

fn run(command: Command, logs: &LogArgs) -> anyhow::Result<()> {
    telemetry::start(logs)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(async {
        match command {
            Command::Up(args) => Box::pin(cmd::up::run(*args)).await,
            Command::Service(command) => Box::pin(cmd::roles::service(command)).await,
            Command::Builder(command) => Box::pin(cmd::roles::builder(command)).await,
            Command::Api(command) => Box::pin(cmd::roles::api(command)).await,
            Command::Token(args) => cmd::token::run(args),
            Command::Blocklist(args) => cmd::blocklist::run(args).await,
            Command::Purge(args) => cmd::purge::run(args).await,
            Command::Setup(args) => cmd::setup::run(args).await,
            Command::Doctor(args) => Box::pin(cmd::doctor::run(args)).await,
            Command::Build(args) => cmd::build::run(args).await,
            Command::List(args) => cmd::list::run(args).await,
            Command::Get(args) => cmd::get::run(args).await,
            Command::Logs(args) => cmd::logs::run(args).await,
            Command::Cancel(args) => cmd::cancel::run(args).await,
            Command::Download(args) => cmd::download::run(args).await,
            Command::Catalog(args) => cmd::catalog::run(args).await,
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "wombat", &mut script);
                print_bytes(&script);
                Ok(())
            }
            Command::Helper(_) => Ok(()),
        }
    });
    // Doesn't wait for a thread that hangs on an unavailable disk.
    runtime.shutdown_timeout(LAST_THREADS);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
