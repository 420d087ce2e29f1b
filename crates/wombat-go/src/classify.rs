//! Classifies failures of `go` by its output, and explains them to the client.
//!
//! The exit status isn't enough, so the text decides. Every rule has a real message in the tests; a text without a rule
//! is `internal`.

use wombat_model::{
    Failure, FailureClass,
    plain_text::{Form, plain, shortened},
};

use super::{limit::Limit, size_limit::too_large_to_write};

/// The output of `go`, and the part of it that gives a reason.
struct Text<'a> {
    said: &'a str,
    reason: String,
}

impl<'a> Text<'a> {
    /// Removes names from the reason, since a package may be called `certificate`. The body of the proxy's answer isn't
    /// part of the reason either; its status is.
    fn of(said: &'a str) -> Self {
        let mut in_answer = false;
        let own = said.lines().filter(|line| {
            let text = line.trim_start();
            // `go` indents every line of the answer.
            in_answer =
                text.starts_with("server response:") || (in_answer && text.len() < line.len());
            !in_answer && !text.starts_with("go: downloading ")
        });
        let mut reason = String::with_capacity(said.len());
        for line in own {
            for word in line.split_inclusive(char::is_whitespace) {
                let name = word.trim_end_matches(|c: char| c.is_whitespace() || ":;,".contains(c));
                if name.contains(['/', '@']) && !WORDS_WITH_SLASH.contains(&name) {
                    reason.push_str(&word[name.len()..]);
                } else {
                    reason.push_str(word);
                }
            }
            reason.push('\n');
        }
        Self { said, reason }
    }

    fn gives(&self, signs: &[&str]) -> bool {
        signs.iter().any(|sign| self.reason.contains(sign))
    }
}

/// Words of reasons that look like names.
const WORDS_WITH_SLASH: [&str; 1] = ["i/o"];

/// What a program prints that wrote a larger file than it may.
const TOO_LARGE: [&str; 2] = ["file too large", "signal: file size limit exceeded"];

type Rule = fn(&Text<'_>) -> Option<Failure>;

/// The first rule that matches decides, in this order: archives that no `go` unpacks, whose reasons quote names and
/// sizes, resources of the machine, untrusted modules (whatever else is wrong), temporary failures, refusals of the
/// proxy, faults of the modules.
const RULES: [Rule; 6] = [
    unpackable,
    out_of_resources,
    distrusted,
    unreachable,
    refused,
    unusable,
];

/// Why modules, packages or a toolchain couldn't be fetched or loaded. `said` is the standard error of `go`.
pub(super) fn fetching(said: &str) -> Failure {
    let text = Text::of(said);
    let known = RULES.iter().find_map(|rule| rule(&text));
    known.unwrap_or_else(|| {
        Failure::new(
            FailureClass::Internal,
            format!("Go failed with an unknown error: {}", excerpt(said)),
        )
    })
}

/// Why the compiler or the linker failed, if not because of the source. `output` is the limit on what they write.
pub(super) fn exhausted(said: &str, output: Limit<u64>) -> Option<Failure> {
    let text = Text::of(said);
    if text.gives(&TOO_LARGE) {
        return Some(too_large_to_write(output));
    }
    out_of_resources(&text)
}

/// A module whose archive breaks the rules for names and sizes.
fn unpackable(text: &Text<'_>) -> Option<Failure> {
    const SIGNS: &[&str] = &[
        "malformed file path",
        "case-insensitive file name collision",
        "module contents too large",
        "module zip file is too large",
        "file too large (max size is",
        "larger than declared size",
        "path does not have prefix",
        "irregular file",
        "multiple entries for file",
        "go.mod file not in module root directory",
    ];
    let line = text.said.lines().find(|line| line.contains("unzip "))?;
    if !SIGNS.iter().any(|sign| text.said.contains(sign)) {
        return None;
    }
    let what = of_archive(line).unwrap_or_else(|| subject(line));
    let reason = line.split_once(".zip: ").map_or(line, |(_, reason)| reason);
    let rest = text.said.split_once(line).map_or("", |(_, rest)| rest);
    let message = format!(
        "The archive of {what} can't be unpacked: {}",
        excerpt(&format!("{reason}\n{rest}"))
    );
    Some(Failure::new(FailureClass::Input, message))
}

/// The module whose archive in the module cache is named.
fn of_archive(line: &str) -> Option<String> {
    let (before, after) = line.split_once("/@v/")?;
    let (_, path) = before.rsplit_once("cache/download/")?;
    let (version, _) = after.split_once(".zip")?;
    Some(format!("{path} {version}"))
}

fn out_of_resources(text: &Text<'_>) -> Option<Failure> {
    let resource = |message: &str| Some(Failure::new(FailureClass::Resource, message));
    if text.gives(&["no space left on device", "disk quota exceeded"]) {
        // Not a fault of the build: another builder, or this one later, has room.
        return Some(Failure::new(
            FailureClass::Infra,
            "The builder's disk is full.",
        ));
    }
    if text.gives(&TOO_LARGE) {
        return resource("A file is larger than the limit.");
    }
    if text.gives(&[
        "signal: killed",
        "cannot allocate memory",
        "runtime: out of memory",
        "resource temporarily unavailable",
    ]) {
        return resource("The build ran out of memory.");
    }
    None
}

fn distrusted(text: &Text<'_>) -> Option<Failure> {
    let input = |message: String| Some(Failure::new(FailureClass::Input, message));
    let what = subject(text.said);
    if text.gives(&["checksum mismatch", "SECURITY ERROR"]) {
        return input(format!(
            "Security: {what} doesn't match its checksum, so it was not built. It was changed after it was published. {}",
            excerpt(text.said)
        ));
    }
    let not_listed = text.said.contains("/sumdb/")
        && text.gives(&["404 Not Found", "410 Gone", "403 Forbidden"]);
    if not_listed || text.gives(&["missing go.sum entry"]) {
        let message = format!(
            "The checksum database doesn't know {what}, so it can't be verified and was not built."
        );
        return input(message).map(|failure| failure.without(&what));
    }
    None
}

fn unreachable(text: &Text<'_>) -> Option<Failure> {
    const SIGNS: &[&str] = &[
        "429 Too Many Requests",
        "408 Request Timeout",
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
        "connection refused",
        "connection reset",
        "i/o timeout",
        "TLS handshake timeout",
        "no such host",
        "server misbehaving",
        "network is unreachable",
        "no route to host",
        "context deadline exceeded",
        "unexpected EOF",
        ": EOF",
        "not a valid zip file",
        "broken pipe",
        "http2: ",
        "stream error",
        "x509: ",
        "tls: ",
        "Client.Timeout",
    ];
    text.gives(SIGNS).then(|| {
        Failure::new(
            FailureClass::Infra,
            format!("The module proxy failed: {}", excerpt(text.said)),
        )
    })
}

fn refused(text: &Text<'_>) -> Option<Failure> {
    let what = subject(text.said);
    let lacking = |message: String| {
        let failure = Failure::new(FailureClass::Input, message);
        Some(failure.without(&what))
    };
    if text.said.contains("golang.org/toolchain")
        && text.gives(&["404 Not Found", "410 Gone", "403 Forbidden"])
    {
        return lacking("The module proxy doesn't have this Go release.".to_owned());
    }
    if text.gives(&["403 Forbidden", "401 Unauthorized", "451 "]) {
        return lacking(
            format!(
                "The module proxy refuses {what}. {}",
                server_words(text.said)
            )
            .trim_end()
            .to_owned(),
        );
    }
    if text.gives(&[
        "404 Not Found",
        "410 Gone",
        "unknown revision",
        "invalid version",
        "no matching versions",
    ]) {
        return lacking(
            format!(
                "The module proxy doesn't have {what}. {}",
                server_words(text.said)
            )
            .trim_end()
            .to_owned(),
        );
    }
    None
}

fn unusable(text: &Text<'_>) -> Option<Failure> {
    const LAYOUT: &[&str] = &[
        "does not contain package",
        "no required module provides package",
        "cannot find module providing package",
        "is not in std",
        "no Go files in",
        "no non-test Go files in",
        "use of internal package",
        "is a program, not an importable package",
        "import cycle not allowed",
        "ambiguous import",
        "cannot find package",
        "module declares its path as",
        "missing dot in first path element",
    ];
    if text.gives(&["requires go >=", "requires go1.", "invalid go version"]) {
        return Some(Failure::new(
            FailureClass::Input,
            format!(
                "A module needs a newer Go release than the requested one: {}",
                excerpt(text.said)
            ),
        ));
    }
    if text.gives(&["build constraints exclude all Go files"]) {
        return Some(Failure::new(
            FailureClass::Input,
            format!(
                "A package has no file for this target: {}",
                excerpt(text.said)
            ),
        ));
    }
    if text.gives(LAYOUT) {
        return Some(Failure::new(
            FailureClass::Input,
            format!("A package can't be imported: {}", excerpt(text.said)),
        ));
    }
    if text.gives(&[
        "updates to go.mod needed",
        "malformed module path",
        "invalid module path",
        "errors parsing ",
        "unknown directive",
    ]) {
        return Some(Failure::new(
            FailureClass::Input,
            format!("The modules don't fit together: {}", excerpt(text.said)),
        ));
    }
    if text.gives(&[
        "syntax error",
        "expected 'package'",
        "expected declaration",
        "found packages ",
        "illegal character",
        "illegal UTF-8",
        "pattern ",
    ]) {
        return Some(Failure::new(
            FailureClass::Compile,
            format!("A package doesn't compile: {}", excerpt(text.said)),
        ));
    }
    None
}

/// The first `path@version` in the text, which is the cause.
fn subject(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c == '"')
        .map(|word| word.trim_end_matches([':', ',']));
    let mut named = words
        .filter(|word| !word.contains("://"))
        .filter_map(|word| {
            let (path, version) = word.split_once('@')?;
            let version = version.trim_end_matches("/go.mod");
            (path.contains('.') && version.starts_with('v')).then(|| format!("{path} {version}"))
        });
    named.next().unwrap_or_else(|| "a module".to_owned())
}

/// The body of the proxy's answer.
fn server_words(text: &str) -> String {
    text.split_once("server response:")
        .map(|(_, rest)| format!("It says: {}", excerpt(rest)))
        .unwrap_or_default()
}

/// The text as one plain line of bounded length, without host names and without progress messages.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 600;
    let text = plain(text, Form::Lines);
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("go: downloading "));
    let words = lines.flat_map(str::split_whitespace).map(without_host);
    shortened(&words.collect::<Vec<_>>().join(" "), LONGEST).into_owned()
}

/// The proxy's address is the operator's, and may contain a password.
fn without_host(word: &str) -> String {
    match word.split_once("://") {
        Some((before, rest)) => {
            let opening = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric());
            let path = rest.find('/').map_or("", |start| &rest[start..]);
            format!("{opening}proxy:{path}")
        }
        None => word.to_owned(),
    }
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
