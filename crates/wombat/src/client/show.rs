//! Builds in words, and progress while one is under way: a moving line on a terminal, plain lines elsewhere.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use time::format_description::well_known::Rfc3339;
use wombat_model::{
    Status,
    log::{LogEvent, Phase, Progress as Counts},
    plain_text::{Form, plain},
    wire::{BuildView, LoggedEntry},
};

use crate::output::{note, print, print_json};

/// Shows the progress of a build on standard error.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    shown: String,
}

impl Progress {
    /// Draws only on a terminal.
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            bar,
            quiet,
            shown: String::new(),
        }
    }

    /// Shows a changed record.
    pub(crate) fn build(&mut self, view: &BuildView) {
        if view.build.status == Status::New {
            self.say(&waiting(view));
        }
    }

    /// Shows a log entry.
    pub(crate) fn log(&mut self, logged: &LoggedEntry, lines_too: bool) {
        match &logged.entry.event {
            LogEvent::Claimed { builder, .. } => self.say(&format!("{builder} builds it")),
            LogEvent::Phase { phase, progress } => self.say(&phase_words(*phase, *progress)),
            LogEvent::Lines { lines } if lines_too => {
                for line in lines {
                    self.line(&plain(line, Form::Line));
                }
            }
            LogEvent::Lines { .. } | LogEvent::Gap { .. } | LogEvent::End { .. } => {}
        }
    }

    /// Prints a line that stays.
    pub(crate) fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(line)),
            None if self.quiet => {}
            None => note(line),
        }
    }

    fn say(&mut self, words: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(plain(words, Form::Line).into_owned());
        } else if !self.quiet && self.shown != words {
            note(words);
        }
        words.clone_into(&mut self.shown);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn waiting(view: &BuildView) -> String {
    match view.queue {
        Some(queue) if queue.builders == 0 => {
            "no connected builder can build it; the build will start when one can".to_owned()
        }
        Some(queue) => format!(
            "waiting for a builder, {} of {}",
            queue.position, queue.length
        ),
        None => "waiting for a builder".to_owned(),
    }
}

fn phase_words(phase: Phase, counts: Option<Counts>) -> String {
    match counts {
        Some(counts) => format!(
            "{} {} of {} packages, {} from the cache",
            phase.as_str(),
            counts.done,
            counts.total,
            counts.cached
        ),
        None => phase.as_str().to_owned(),
    }
}

/// A build in a few lines.
pub(crate) fn describe(view: &BuildView) -> String {
    let build = &view.build;
    let mut text = format!("id        {}\nstatus    {}", view.id, build.status);
    // Writing to a `String` can't fail.
    let mut row = |name: &str, value: &str| {
        text.extend(["\n", &format!("{name:<9} "), value]);
    };
    if let Some(name) = &build.name {
        row("name", name.as_str());
    }
    if let Some(version) = &build.version {
        row("version", version.as_str());
    }
    if build.expired {
        row(
            "expired",
            "the binary was removed; request the build again to rebuild it",
        );
    }
    if let Some(hit) = &view.blocked {
        row(
            "blocked",
            &format!("the binary isn't served: the operator blocks {hit}"),
        );
    }
    row(
        "platform",
        &format!("{}/{} {}", build.goos, build.goarch, build.variant),
    );
    row("go", &build.go_version.to_string());
    for package in &build.packages {
        let version = build
            .modules
            .get(&package.module)
            .map(ToString::to_string)
            .unwrap_or_default();
        row(
            if package.base { "base" } else { "package" },
            &format!("{} {version}", package.url),
        );
    }
    if let Some(builder) = &build.builder {
        row("builder", builder.as_str());
    }
    if let (Some(size), Some(sha256)) = (build.size, &build.sha256) {
        row("size", &megabytes(size));
        row("sha256", sha256.as_str());
    }
    if let Some(error) = &build.error {
        // Below its name, so that no line of it looks like another row.
        row("error", &error.replace('\n', "\n          "));
    }
    if let Some(package) = build
        .failure
        .as_ref()
        .and_then(|failure| failure.package.as_ref())
    {
        row("blame", package.as_str());
    }
    if let Some(at) = view.retry_at {
        let at = at.format(&Rfc3339).unwrap_or_default();
        row(
            "retry",
            &format!(
                "a new request retries the build from {at} on; --force with an operator's token retries it at once"
            ),
        );
    }
    text
}

/// Prints a build, for people or as JSON.
pub(crate) fn print_build(view: &BuildView, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(view);
    }
    print(&describe(view));
    Ok(())
}

/// Bytes as megabytes with one digit.
pub(crate) fn megabytes(bytes: u64) -> String {
    let tenths = (bytes + 50_000) / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_digit() {
        assert_eq!(megabytes(28_123_456), "28.1 MB");
        assert_eq!(megabytes(49_999), "0.0 MB");
        assert_eq!(megabytes(999_960_000), "1000.0 MB");
    }
}
