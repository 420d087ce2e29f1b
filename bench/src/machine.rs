//! The machine of a run, and the versions that were measured.

use std::{fmt, fs, process::Command};

use anyhow::Context as _;
use time::OffsetDateTime;

/// The machine, the date and the versions of a run.
#[derive(Debug)]
pub(crate) struct Machine {
    facts: Vec<(&'static str, String)>,
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | |\n|---|---|")?;
        for (name, value) in &self.facts {
            writeln!(f, "| {name} | {value} |")?;
        }
        Ok(())
    }
}

/// Describes this machine.
pub(crate) fn describe() -> anyhow::Result<Machine> {
    let now = OffsetDateTime::now_utc();
    let processors = std::thread::available_parallelism()?.get();
    let model = first_field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let memory = first_field("/proc/meminfo", "MemTotal").unwrap_or_else(|| "unknown".to_owned());
    let facts = vec![
        ("date", now.date().to_string()),
        ("processors", format!("{processors} × {model}")),
        ("memory", memory),
        ("system", said("uname", &["-sr"])?),
        ("Go", said("go", &["version"])?),
        ("Rust", said("rustc", &["--version"])?),
        ("commit", said("git", &["describe", "--always", "--dirty"])?),
    ];
    Ok(Machine { facts })
}

fn first_field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn said(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("running {program}"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
