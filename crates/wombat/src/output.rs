//! The one place that writes results to standard output, and words beside them to standard error.

use std::io::{self, ErrorKind, Write};

use tracing::warn;

/// Prints a result and a line end. A reader that has gone away, such as `head`, ends us quietly; a result that can't be
/// written for another reason, such as a full disk, is an error.
pub(crate) fn print(text: &str) {
    print_bytes(&[text.as_bytes(), b"\n"].concat());
}

/// Prints a result as it is.
pub(crate) fn print_bytes(bytes: &[u8]) {
    let Err(error) = written(bytes) else { return };
    let code = if error.kind() == ErrorKind::BrokenPipe {
        0
    } else {
        note(&format!("error: can't write to standard output: {error}"));
        1
    };
    #[expect(clippy::exit, reason = "no more of the result can be handed over")]
    std::process::exit(code);
}

/// Prints where a server is found. It runs on without: its log says it, too.
pub(crate) fn announce(text: &str) {
    if let Err(error) = written(format!("{text}\n").as_bytes()) {
        warn!(%error, text, "can't write to standard output");
    }
}

/// Says something beside the result. That nobody can read it any more ends nothing.
pub(crate) fn note(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

fn written(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}
