//! Paths that Go accepts and we refuse, since no public module can have them.

use super::go_rules::{NO_DOT, NOT_A_HOST, is_host};
use crate::names::MAX_PATH;

/// Top-level domains of private hosts.
const PRIVATE_ZONES: &[&str] = &[
    "local",
    "localhost",
    "internal",
    "arpa",
    "test",
    "invalid",
    "lan",
    "intranet",
    "onion",
];

/// Rules for modules and packages.
pub(super) fn check(path: &str) -> Result<(), &'static str> {
    if path.len() > MAX_PATH {
        return Err("it is longer than 256 characters");
    }
    let host = path.split('/').next().unwrap_or(path);
    if !host.contains('.') {
        return Err(NO_DOT);
    }
    if !is_host(host) {
        return Err(NOT_A_HOST);
    }
    let zone = host.rsplit('.').next().unwrap_or(host);
    if zone.bytes().all(|byte| byte.is_ascii_digit()) || zone.starts_with("0x") {
        return Err("its first element is an address, not a host name");
    }
    if PRIVATE_ZONES.contains(&zone) || host.split('.').any(|label| label == "localhost") {
        return Err("its host is a private name");
    }
    if path == "golang.org/toolchain" || path.starts_with("golang.org/toolchain/") {
        return Err("toolchains aren't packages; use goVersion");
    }
    Ok(())
}

/// Rules for packages that a main package imports.
pub(super) fn check_importable(path: &str) -> Result<(), &'static str> {
    if path.split('/').any(|element| element == "internal") {
        return Err("an `internal` package can't be imported from outside its module");
    }
    Ok(())
}
