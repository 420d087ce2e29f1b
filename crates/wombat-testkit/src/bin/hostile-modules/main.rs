//! Has `wombat up` build hostile modules with real Go, one after another, each beside honest builds, and prints a line
//! for each: what came of it, how much memory the process occupied, and what the client is told. `--only WORD` tries
//! those whose names contain it; `--program PATH` another program than `target/debug/wombat`. Exits with 1 if a line
//! is wrong. With `WOMBAT_RENEW_DOCS=1`, the table of all goes into `docs/SECURITY.md`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a tool of its own, with nothing beside it"
)]

mod archive;
mod kinds;
mod memory;
mod scene;
mod trial;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use wombat_testkit::{Program, table_in_docs};

use scene::Scene;
use trial::{HEADS, Trial};

fn arguments() -> anyhow::Result<(Program, Vec<String>)> {
    let (mut program, mut only) = ("target/debug/wombat".to_owned(), Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next();
        let value = value.with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--only" => only.push(value?),
            "--program" => program = value?,
            _ => bail!("unknown option {word}; use --only WORD, --program PATH"),
        }
    }
    Ok((Program::at(std::path::absolute(program)?), only))
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let (program, only) = arguments()?;
    let chosen = |name: &str| only.is_empty() || only.iter().any(|word| name.contains(word));
    let scene = Scene::start(&program).await?;
    let mut all_is_well = true;
    let mut table = HEADS.to_owned();
    print!("{table}");
    for (n, kind) in kinds::ALL.iter().enumerate() {
        if !chosen(kind.name) {
            continue;
        }
        match Trial::run(&scene, n, kind).await {
            Ok(trial) => {
                let line = format!("{trial}\n");
                print!("{line}");
                table.push_str(&line);
                all_is_well &= trial.wrong.is_empty();
                for wrong in &trial.wrong {
                    eprintln!("{}: {wrong}", kind.name);
                }
            }
            Err(error) => {
                all_is_well = false;
                eprintln!("{}: aborted: {error:#}", kind.name);
            }
        }
    }
    if all_is_well && only.is_empty() && std::env::var_os("WOMBAT_RENEW_DOCS").is_some() {
        table_in_docs("SECURITY.md", "hostile modules", &table)?;
    }
    Ok(if all_is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
