//! Measures Wombat Builder as people run it: separate release processes, a real nats-server, and real Go where Go is
//! the subject. Every figure has a limit beside it, measured in the same run.
//!
//! `measures` has one file per subject; each gives a [`Section`] of the report, which `report` writes.
#![expect(clippy::disallowed_methods, reason = "measurements may block")]

mod bench;
mod compare;
mod cores;
mod delay;
mod http;
mod limit;
mod load;
mod machine;
mod measures;
mod real_go;
mod records;
mod report;
mod samples;
mod stand_in;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand, ValueEnum as _};
use wombat_testkit::Program;

use bench::Bench;
use compare::Compare;
use limit::LimitCommand;
use measures::Measure;
use report::{Report, Section};

/// Measure Wombat Builder beside its limits
#[derive(Debug, Parser)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  make bench\n  make bench ARGS='--only rest,download'\n  make bench ARGS='--quick --only dispatch'"
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The release build of `wombat`
    #[arg(long, default_value = "target/release/wombat", value_name = "PATH")]
    wombat: PathBuf,
    /// Only these measures; their results are printed, not written
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<Measure>,
    /// Fewer repetitions; results are printed, not written
    #[arg(long)]
    quick: bool,
    /// File for the results
    #[arg(long, default_value = "bench/RESULTS.md", value_name = "FILE")]
    output: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare running servers side by side
    Compare(Compare),
    /// Run one of the programs that subjects are measured against
    #[command(subcommand, hide = true)]
    Limit(LimitCommand),
    /// Write finished builds into a server that `wombat setup` has prepared, to explore a large store
    Records {
        #[arg(value_name = "NATS_URL")]
        url: String,
        #[arg(value_parser = clap::value_parser!(u64).range(1..=records::MOST))]
        count: u64,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    if let Some(folder) = stand_in::folder() {
        return stand_in::main(&folder);
    }
    tokio::runtime::Runtime::new()?.block_on(run())?;
    Ok(ExitCode::SUCCESS)
}

async fn run() -> anyhow::Result<()> {
    let mut arguments = Arguments::parse();
    match arguments.command.take() {
        None => measure(arguments).await,
        Some(Command::Compare(compare)) => compare::run(compare).await,
        Some(Command::Limit(command)) => limit::run(command).await,
        Some(Command::Records { url, count }) => {
            records::write(async_nats::connect(url).await?, count).await
        }
    }
}

async fn measure(arguments: Arguments) -> anyhow::Result<()> {
    ensure!(
        arguments.wombat.is_file(),
        "there is no {}: `cargo build --release -p wombat` makes it",
        arguments.wombat.display()
    );
    let wombat = std::path::absolute(&arguments.wombat)?;
    let bench = Bench {
        program: Program::at(&wombat),
        wombat,
        quick: arguments.quick,
    };
    let complete = arguments.only.is_empty() && !arguments.quick;
    let wanted = if arguments.only.is_empty() {
        Measure::value_variants()
    } else {
        &arguments.only
    };
    let mut sections: Vec<Section> = Vec::new();
    for measure in wanted {
        eprintln!("measuring {} …", measure.name());
        let section = Box::pin(measure.run(&bench))
            .await
            .with_context(|| format!("measuring {}", measure.name()))?;
        eprintln!("{section}");
        sections.push(section);
    }
    if complete {
        let report = Report::new(machine::describe()?, sections);
        std::fs::write(&arguments.output, report.to_string())
            .with_context(|| format!("writing {}", arguments.output.display()))?;
        eprintln!("wrote {}", arguments.output.display());
    }
    Ok(())
}
