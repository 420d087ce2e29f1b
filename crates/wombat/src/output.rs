//! The only place that prints results to standard output, and notes to standard error.

use std::{
    io::{self, ErrorKind, Write},
    path::Path,
};

use serde::Serialize;
use tracing::warn;
use wombat_model::plain_text::{Form, plain, plain_json};

/// Prints a result as plain text, since a server may have sent it, and a line end. If the reader has gone away, as `head` does, the process ends quietly; if the result
/// can't be written for another reason, such as a full disk, that is an error.
pub(crate) fn print(text: &str) {
    print_exactly(&plain(text, Form::Page));
}

/// Prints a result as JSON of several lines.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print_exactly(&plain_json(&serde_json::to_string_pretty(value)?));
    Ok(())
}

/// Prints a result as JSON of one line.
pub(crate) fn print_json_line(value: &impl Serialize) -> anyhow::Result<()> {
    print_exactly(&plain_json(&serde_json::to_string(value)?));
    Ok(())
}

/// Prints the path of a file that this command wrote, as the command line names it.
pub(crate) fn print_path(path: &Path) {
    print_exactly(&path.display().to_string());
}

fn print_exactly(text: &str) {
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

/// Prints a server's address. A failure ends nothing: the log has the address, too.
pub(crate) fn announce(text: &str) {
    if let Err(error) = written(format!("{text}\n").as_bytes()) {
        warn!(%error, text, "can't write to standard output");
    }
}

/// Prints a note beside the result, as plain text. A closed standard error ends nothing.
pub(crate) fn note(text: &str) {
    let text = plain(text, Form::Page);
    drop(writeln!(io::stderr().lock(), "{text}"));
}

fn written(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}
