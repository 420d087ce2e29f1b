//! This machine, in Go's words.

/// `goos/goarch` of what this program runs on.
pub(crate) fn this_machine() -> String {
    let goos = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let goarch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    };
    format!("{goos}/{goarch}")
}
