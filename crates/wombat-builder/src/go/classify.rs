//! Reads what `go` says when it fails: whose fault it is, in words for the person who asked.
//!
//! The exit status doesn't tell, so the text has to. Every rule has its real message in the tests; what no rule
//! knows is `internal`.

use wombat_model::{Failure, FailureClass};

/// Why modules, packages or a toolchain couldn't be fetched or loaded. `text` is what `go` said.
pub(super) fn fetching(text: &str) -> Failure {
    exhausted(text)
        .or_else(|| distrusted(text))
        .or_else(|| unreachable(text))
        .or_else(|| refused(text))
        .or_else(|| unusable(text))
        .unwrap_or_else(|| {
            Failure::new(
                FailureClass::Internal,
                format!("Go failed with words that we don't know: {}", excerpt(text)),
            )
        })
}

/// Why the compiler or the linker failed, unless it was the source.
pub(super) fn exhausted(text: &str) -> Option<Failure> {
    let resource = |message: &str| Some(Failure::new(FailureClass::Resource, message));
    if contains(text, &["no space left on device", "disk quota exceeded"]) {
        // No fault of what is built: on another builder, or later, there is room.
        return Some(Failure::new(
            FailureClass::Infra,
            "The builder's disk is full.",
        ));
    }
    if contains(
        text,
        &["file too large", "signal: file size limit exceeded"],
    ) {
        return resource("The binary is larger than the limit.");
    }
    if contains(
        text,
        &[
            "signal: killed",
            "cannot allocate memory",
            "runtime: out of memory",
            "resource temporarily unavailable",
        ],
    ) {
        return resource("The build ran out of memory.");
    }
    None
}

fn distrusted(text: &str) -> Option<Failure> {
    let input = |message: String| Some(Failure::new(FailureClass::Input, message));
    let what = subject(text);
    if contains(text, &["checksum mismatch", "SECURITY ERROR"]) {
        return input(format!(
            "Security: {what} isn't what its checksum says, so it was not built. Somebody changed it after it was published. {}",
            excerpt(text)
        ));
    }
    let not_listed =
        text.contains("/sumdb/") && contains(text, &["404 Not Found", "410 Gone", "403 Forbidden"]);
    if not_listed || contains(text, &["missing go.sum entry"]) {
        return input(format!(
            "The checksum database doesn't know {what}, so it can't be verified and was not built."
        ));
    }
    None
}

fn unreachable(text: &str) -> Option<Failure> {
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
        "certificate",
        "Client.Timeout",
    ];
    contains(text, SIGNS).then(|| {
        Failure::new(
            FailureClass::Infra,
            format!(
                "The module proxy doesn't answer as it should: {}",
                excerpt(text)
            ),
        )
    })
}

fn refused(text: &str) -> Option<Failure> {
    let input = |message: String| Some(Failure::new(FailureClass::Input, message));
    let what = subject(text);
    if text.contains("golang.org/toolchain")
        && contains(text, &["404 Not Found", "410 Gone", "403 Forbidden"])
    {
        return input("The module proxy doesn't have this Go release.".to_owned());
    }
    if contains(text, &["403 Forbidden", "401 Unauthorized", "451 "]) {
        return input(
            format!("The module proxy refuses {what}. {}", server_words(text))
                .trim_end()
                .to_owned(),
        );
    }
    if contains(
        text,
        &[
            "404 Not Found",
            "410 Gone",
            "unknown revision",
            "invalid version",
            "no matching versions",
        ],
    ) {
        return input(
            format!(
                "The module proxy doesn't have {what}. {}",
                server_words(text)
            )
            .trim_end()
            .to_owned(),
        );
    }
    None
}

fn unusable(text: &str) -> Option<Failure> {
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
    if contains(
        text,
        &["requires go >=", "requires go1.", "invalid go version"],
    ) {
        return Some(Failure::new(
            FailureClass::Input,
            format!(
                "A module needs a newer Go release than the one asked for: {}",
                excerpt(text)
            ),
        ));
    }
    if contains(text, &["build constraints exclude all Go files"]) {
        return Some(Failure::new(
            FailureClass::Input,
            format!("A package has no file for this target: {}", excerpt(text)),
        ));
    }
    if contains(text, LAYOUT) {
        return Some(Failure::new(
            FailureClass::Input,
            format!("A package can't be imported: {}", excerpt(text)),
        ));
    }
    if contains(
        text,
        &[
            "updates to go.mod needed",
            "malformed module path",
            "invalid module path",
            "errors parsing ",
            "unknown directive",
        ],
    ) {
        return Some(Failure::new(
            FailureClass::Input,
            format!("The modules don't fit together: {}", excerpt(text)),
        ));
    }
    if contains(
        text,
        &[
            "syntax error",
            "expected 'package'",
            "expected declaration",
            "found packages ",
            "illegal character",
            "illegal UTF-8",
            "pattern ",
        ],
    ) {
        return Some(Failure::new(
            FailureClass::Compile,
            format!("A package doesn't compile: {}", excerpt(text)),
        ));
    }
    None
}

fn contains(text: &str, signs: &[&str]) -> bool {
    signs.iter().any(|sign| text.contains(sign))
}

/// The first `path@version` that is named, which is what the trouble is with.
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

/// What the proxy itself had to say.
fn server_words(text: &str) -> String {
    text.split_once("server response:")
        .map(|(_, rest)| format!("It says: {}", excerpt(rest)))
        .unwrap_or_default()
}

/// The text as one line of bounded length, without addresses of hosts and without lines that only tell of progress.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 600;
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("go: downloading "));
    let words = lines.flat_map(str::split_whitespace).map(without_host);
    let mut line = words.collect::<Vec<_>>().join(" ");
    if line.len() > LONGEST {
        line.truncate(line.floor_char_boundary(LONGEST));
        line.push('…');
    }
    line
}

/// Which proxy we use is nobody's business, and may hold a password.
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
