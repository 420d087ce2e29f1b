//! The reports of all attempts as tables: outcomes, which are the same on every machine, and what was measured on this
//! one.

use std::fmt::Write as _;

use wombat_model::SandboxLevel;

use super::{
    attempts::{Attempt, Outcome},
    scene::Report,
};

/// An attempt at one level.
pub(super) struct Row {
    pub(super) attempt: Attempt,
    pub(super) level: SandboxLevel,
    pub(super) report: Report,
}

/// A line for each attempt, with a column for each level.
pub(super) fn outcomes(rows: &[Row], levels: &[SandboxLevel]) -> String {
    let mut table = "| attempt | namespaces | Landlock | none |\n|---|---|---|---|\n".to_owned();
    for of_one in rows.chunks(levels.len()) {
        let Some(first) = of_one.first() else {
            continue;
        };
        let _ = write!(table, "| {} |", first.attempt.what);
        for row in of_one {
            let _ = write!(table, " {} |", row.report.outcome());
        }
        table.push('\n');
    }
    table
}

/// A line for each attempt at each level that a limit or the caller ended, with what the host saw.
pub(super) fn measured(rows: &[Row]) -> String {
    let mut table = "| attempt | level | what the program got | peak memory | processes | threads | files changed | time |\n\
                     |---|---|---|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for row in rows {
        match row.report.outcome() {
            Outcome::Ended | Outcome::Stopped => table.push_str(&measured_line(row)),
            Outcome::Refused | Outcome::Done => {}
        }
    }
    table
}

/// The line of one of them.
pub(super) fn measured_line(row: &Row) -> String {
    let (seen, report) = (row.report.seen, &row.report);
    // It was over between two looks.
    let host = if seen.processes == 0 {
        "– | – | –".to_owned()
    } else {
        let mib = seen.memory >> 20;
        format!("{mib} MiB | {} | {}", seen.processes, seen.threads)
    };
    format!(
        "| {} | {} | {} | {host} | {} | {:.1} s |\n",
        row.attempt.name,
        row.level,
        report.got(),
        report.changed,
        report.took.as_secs_f64(),
    )
}
