//! The same figures of several servers, side by side.

use std::fmt;

use crate::{report::Unit, samples::Samples};

/// A column per server, and for all but the first its ratio to the first.
#[derive(Debug)]
pub(crate) struct Table {
    servers: Vec<String>,
    rows: Vec<TableRow>,
}

#[derive(Debug)]
struct TableRow {
    what: String,
    unit: Unit,
    of_each: Vec<Samples>,
}

impl Table {
    pub(crate) fn new(servers: Vec<String>) -> Self {
        Self {
            servers,
            rows: Vec::new(),
        }
    }

    /// Adds a line with the figures of each server, in their order.
    pub(crate) fn row(&mut self, what: impl Into<String>, unit: Unit, of_each: Vec<Samples>) {
        self.rows.push(TableRow {
            what: what.into(),
            unit,
            of_each,
        });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Medians, with the least and the most; × says how many times the figure of the first server.\n"
        )?;
        write!(f, "| what |")?;
        for server in &self.servers {
            write!(f, " {server} |")?;
        }
        writeln!(f, "\n|---|{}", "---:|".repeat(self.servers.len()))?;
        for row in &self.rows {
            write!(f, "| {} |", row.what)?;
            let first = row.of_each.first().map_or(f64::NAN, Samples::median);
            for (number, samples) in row.of_each.iter().enumerate() {
                let [median, least, most] = [samples.median(), samples.min(), samples.max()];
                write!(f, " {}", row.unit.show(median))?;
                if samples.len() > 1 {
                    write!(f, " ({} … {})", row.unit.show(least), row.unit.show(most))?;
                }
                let times = median / first;
                if number > 0 && times.is_finite() {
                    write!(f, " = {times:.2} ×")?;
                }
                write!(f, " |")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_held_against_the_first() {
        let mut table = Table::new(vec!["http://a:1".into(), "http://b:2".into()]);
        let samples = |values: &[f64]| values.iter().copied().collect();
        table.row(
            "list",
            Unit::PerSecond,
            vec![samples(&[10.0, 20.0, 30.0]), samples(&[50.0])],
        );
        table.row(
            "new build",
            Unit::Seconds,
            vec![samples(&[]), samples(&[2.0])],
        );
        let shown = table.to_string();
        let lines: Vec<&str> = shown.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| what | http://a:1 | http://b:2 |",
                "|---|---:|---:|",
                "| list | 20/s (10/s … 30/s) | 50/s = 2.50 × |",
                "| new build | – | 2.00 s |",
            ]
        );
    }
}
