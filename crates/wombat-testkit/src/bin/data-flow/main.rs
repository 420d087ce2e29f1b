//! Runs pipelines with data between real servers: Postgres, Redis, NATS, Kafka, S3, HTTP and files. Each gets the
//! binary that `select` finds for it; what it prints must be what its file says, and it must fail with any of the
//! packages left out. Prints a line for each, with its packages and the size of its binary.
//!
//! `--only WORDS` runs those whose name contains the words; `--sizes` builds without running, for other versions of the
//! program; `--program PATH` is another program than `target/release/wombat`. Exits with 1 if anything was wrong.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a tool of its own, with nothing beside it"
)]

mod binaries;
mod pipeline;
mod runs;
mod servers;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, bail, ensure};
use wombat_testkit::Program;

use binaries::Binaries;
use pipeline::Pipeline;
use runs::{Runs, fails};
use servers::Servers;

struct Arguments {
    program: PathBuf,
    only: Option<String>,
    sizes: bool,
}

fn arguments() -> anyhow::Result<Arguments> {
    let mut arguments = Arguments {
        program: "target/release/wombat".into(),
        only: None,
        sizes: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || {
            let value = words.next();
            value.with_context(|| format!("{word} needs a value"))
        };
        match word.as_str() {
            "--program" => arguments.program = value()?.into(),
            "--only" => arguments.only = Some(value()?),
            "--sizes" => arguments.sizes = true,
            _ => bail!("unknown option {word}; use --program PATH, --only WORDS, --sizes"),
        }
    }
    Ok(arguments)
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = arguments()?;
    let mut pipelines = Pipeline::all()?;
    if let Some(only) = &arguments.only {
        pipelines.retain(|pipeline| pipeline.name.contains(only));
    }
    ensure!(!pipelines.is_empty(), "no pipeline is called so");
    let program = Program::at(std::path::absolute(&arguments.program)?);
    let mut binaries = Binaries::start(&program).await?;
    let servers = if arguments.sizes {
        None
    } else {
        Some(Servers::start().await?)
    };
    let mut wrong = 0;
    println!("| pipeline | packages | MB | result |\n|---|---|---|---|");
    for pipeline in &pipelines {
        let line = match &servers {
            None => sized(pipeline, &mut binaries).await,
            Some(servers) => checked(pipeline, &pipelines, servers, &mut binaries).await,
        };
        let line = line.unwrap_or_else(|error| {
            wrong += 1;
            format!("| | **{}**", format!("{error:#}").replace('\n', " "))
        });
        println!("| {} | {line} |", pipeline.name);
    }
    println!("\n{} pipelines, {wrong} wrong", pipelines.len());
    Ok(ExitCode::from(u8::from(wrong > 0)))
}

/// What its binary has, and its size.
async fn sized(pipeline: &Pipeline, binaries: &mut Binaries) -> anyhow::Result<String> {
    let packages = binaries.select(pipeline).await?;
    let binary = binaries.of(&packages).await?;
    Ok(format!("{} | {} | built", packages.shown(), binary.size()))
}

/// The same, after it has run as it should, and has failed with each package left out.
async fn checked(
    pipeline: &Pipeline,
    all: &[Pipeline],
    servers: &Servers,
    binaries: &mut Binaries,
) -> anyhow::Result<String> {
    let packages = binaries.select(pipeline).await?;
    let shown = packages.shown();
    ensure!(
        packages.names() == pipeline.needs,
        "it gets {shown}, and needs {:?}",
        pipeline.needs
    );
    let binary = binaries.of(&packages).await?;
    let line = format!("{shown} | {} | ", binary.size());
    if all
        .iter()
        .any(|other| other.beside.as_ref() == Some(&pipeline.name))
    {
        return Ok(line + "runs beside the next");
    }
    let beside = all
        .iter()
        .find(|other| pipeline.beside.as_ref() == Some(&other.name));
    let other = match beside {
        Some(beside) => {
            let packages = binaries.select(beside).await?;
            Some(Runs::start(
                &binaries.of(&packages).await?,
                beside,
                servers,
            )?)
        }
        None => None,
    };
    let run = Runs::start(&binary, pipeline, servers)?;
    match &pipeline.refused {
        Some(words) => ensure!(!run.says(words).await?, "it says: {words}"),
        None => run.prints(&pipeline.prints).await?,
    }
    if let (Some(other), Some(beside)) = (other, beside) {
        other.prints(&beside.prints).await?;
    }
    for package in packages.iter() {
        let rest = binaries.of(&packages.without(package)).await?;
        ensure!(
            fails(&rest, pipeline, servers).await?,
            "it doesn't need {package}"
        );
    }
    let lines = pipeline.prints.len();
    Ok(format!(
        "{line}ran, {lines} lines as they should be; fails without any"
    ))
}
