//! Upgrades systems of version 0.1.0 under load, by the steps of docs/NATS.md, and compares everything that they
//! answered and stored before and after: `upgrade OLD_PROGRAM`. `--program PATH` is another program than
//! `target/release/wombat`; `--builds N` is the number of builds before the upgrade (300, and a fifth of it without
//! keys); `--only keys`, `--only open` and `--only up` run one part. Exits with 1 if anything was wrong.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a tool of its own, with nothing beside it"
)]

mod after;
mod cli;
mod clients;
mod left_behind;
mod load;
mod login;
mod machines;
#[path = "../store-fixture/programs.rs"]
mod programs;
mod protocol;
mod room;
mod setup;
mod snapshot;
mod streams;
mod system;
mod up;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use wombat_testkit::Program;

use protocol::Protocol;

/// The two programs, and how much is built.
struct Tools {
    old: Program,
    new: Program,
    builds: usize,
}

/// A kind of system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Keys,
    Open,
    Up,
}

fn arguments() -> anyhow::Result<(Tools, Vec<Part>)> {
    let (mut old, mut new, mut builds) = (None, "target/release/wombat".to_owned(), 300);
    let mut parts = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || {
            let value = words.next();
            value.with_context(|| format!("{word} needs a value"))
        };
        match word.as_str() {
            "--program" => new = value()?,
            "--builds" => builds = value()?.parse()?,
            "--only" => parts.push(match value()?.as_str() {
                "keys" => Part::Keys,
                "open" => Part::Open,
                "up" => Part::Up,
                other => bail!("no part is called {other}; use keys, open, up"),
            }),
            _ if old.is_none() && !word.starts_with('-') => old = Some(word),
            _ => bail!("unknown option {word}; use --program PATH, --builds N, --only PART"),
        }
    }
    if parts.is_empty() {
        parts = vec![Part::Keys, Part::Open, Part::Up];
    }
    let at = |path: &str| anyhow::Ok(Program::at(std::path::absolute(path)?));
    let old = old.context("the program of version 0.1.0")?;
    let tools = Tools {
        old: at(&old)?,
        new: at(&new)?,
        builds,
    };
    Ok((tools, parts))
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let (tools, parts) = arguments()?;
    let protocol = Protocol::new();
    for part in parts {
        let done = match part {
            Part::Keys => Box::pin(system::run(&tools, &protocol, true)).await,
            Part::Open => Box::pin(system::run(&tools, &protocol, false)).await,
            Part::Up => Box::pin(up::run(&tools, &protocol)).await,
        };
        if let Err(error) = done {
            protocol.wrong("aborted", &[format!("{error:#}")]);
        }
    }
    Ok(if protocol.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
