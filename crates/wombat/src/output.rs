//! The one place that writes results to standard output.

use std::io::Write;

/// Prints a result and a line end. A reader that has gone away, such as `head`, ends us quietly.
pub(crate) fn print(text: &str) {
    if writeln!(std::io::stdout().lock(), "{text}").is_err() {
        #[expect(clippy::exit, reason = "nobody reads on, so nothing is left to do")]
        std::process::exit(0);
    }
}
