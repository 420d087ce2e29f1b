//! The report: figures, beside their limits and targets.

use std::fmt;

use crate::{machine::Machine, samples::Samples};

/// The unit of a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Seconds; shown as milliseconds where they are few.
    Seconds,
    /// Operations per second.
    PerSecond,
    /// Bytes; shown as kB where they are few, else as MB.
    Bytes,
    /// A plain number.
    Count,
    /// One figure over another.
    Ratio,
}

impl Unit {
    /// As it is displayed.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            _ if value.is_nan() => "–".to_owned(),
            Self::Seconds if value < 1.0 => format!("{:.1} ms", value * 1000.0),
            Self::Seconds => format!("{value:.2} s"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Bytes if value < 1e6 => format!("{:.1} kB", value / 1e3),
            Self::Bytes => format!("{:.1} MB", value / 1e6),
            Self::Count if value.fract() == 0.0 => format!("{value:.0}"),
            Self::Count | Self::Ratio => format!("{value:.2}"),
        }
    }
}

/// One line of figures.
#[derive(Clone, Debug)]
struct Row {
    what: String,
    unit: Unit,
    samples: Samples,
}

/// Which side of a target is good.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Clone, Debug)]
struct Target {
    what: String,
    bound: Bound,
    unit: Unit,
    measured: f64,
}

impl Target {
    fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(limit) => self.measured <= limit,
            Bound::AtLeast(limit) => self.measured >= limit,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, limit) = match self.bound {
            Bound::AtMost(limit) => ("≤", limit),
            Bound::AtLeast(limit) => ("≥", limit),
        };
        write!(
            f,
            "| {} | {sign} {} | {} | {} |",
            self.what,
            self.unit.show(limit),
            self.unit.show(self.measured),
            if self.is_met() { "yes" } else { "**no**" }
        )
    }
}

/// The results of one measure.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    title: &'static str,
    about: &'static str,
    rows: Vec<Row>,
    targets: Vec<Target>,
    notes: Vec<String>,
}

impl Section {
    /// An empty section. `about` says how it was measured, and what the limit is.
    pub(crate) fn new(title: &'static str, about: &'static str) -> Self {
        Self {
            title,
            about,
            rows: Vec::new(),
            targets: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a line of figures.
    pub(crate) fn row(&mut self, what: impl Into<String>, unit: Unit, samples: Samples) {
        self.rows.push(Row {
            what: what.into(),
            unit,
            samples,
        });
    }

    /// Adds a single figure.
    pub(crate) fn value(&mut self, what: impl Into<String>, unit: Unit, value: f64) {
        self.row(what, unit, [value].into_iter().collect());
    }

    /// Adds a target, and the measured value.
    pub(crate) fn target(
        &mut self,
        what: impl Into<String>,
        unit: Unit,
        bound: Bound,
        measured: f64,
    ) {
        self.targets.push(Target {
            what: what.into(),
            bound,
            unit,
            measured,
        });
    }

    /// Adds a sentence below the figures.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n\n{}\n", self.title, self.about)?;
        writeln!(f, "| what | min | median | max | runs |")?;
        writeln!(f, "|---|---:|---:|---:|---:|")?;
        for Row {
            what,
            unit,
            samples,
        } in &self.rows
        {
            let [min, median, max] =
                [samples.min(), samples.median(), samples.max()].map(|value| unit.show(value));
            writeln!(
                f,
                "| {what} | {min} | {median} | {max} | {} |",
                samples.len()
            )?;
        }
        if !self.targets.is_empty() {
            writeln!(
                f,
                "\n| target | bound | measured | met |\n|---|---:|---:|---|"
            )?;
            for target in &self.targets {
                writeln!(f, "{target}")?;
            }
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

/// All sections of one run.
#[derive(Debug)]
pub(crate) struct Report {
    machine: Machine,
    sections: Vec<Section>,
}

impl Report {
    pub(crate) fn new(machine: Machine, sections: Vec<Section>) -> Self {
        Self { machine, sections }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Measured\n")?;
        writeln!(
            f,
            "Written by `make bench`; all figures are of one run. Times on a shared machine are noisy: ratios count.\n"
        )?;
        writeln!(f, "{}", self.machine)?;
        let targets = self.sections.iter().flat_map(|section| &section.targets);
        let (met, all) = targets.clone().fold((0, 0), |(met, all), target| {
            (met + usize::from(target.is_met()), all + 1)
        });
        writeln!(f, "## Targets: {met} of {all} met\n")?;
        writeln!(
            f,
            "| target | bound | measured | met |\n|---|---:|---:|---|"
        )?;
        for target in targets {
            writeln!(f, "{target}")?;
        }
        for section in &self.sections {
            write!(f, "\n{section}")?;
        }
        Ok(())
    }
}
