//! Requirements on a nats-server, as far as it reports them on connecting.

use async_nats::ServerInfo;

/// The oldest release with a time to live for single messages, which leases need.
pub const OLDEST_NATS: (u64, u64) = (2, 11);
/// The largest message in bytes: a response, a chunk of a binary, the description of a service.
pub const LARGEST_MESSAGE: usize = 512 * 1024;

/// A nats-server that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitServer {
    /// It is too old.
    #[error(
        "the nats-server at {url} is version {found}, and Wombat Builder needs {}.{} or newer: install a newer one",
        OLDEST_NATS.0, OLDEST_NATS.1
    )]
    TooOld {
        /// The address, without user and password.
        url: String,
        /// Its version.
        found: String,
    },
    /// It accepts small messages only.
    #[error(
        "the nats-server at {url} accepts messages of {found} bytes at most, but Wombat Builder needs {LARGEST_MESSAGE}: \
         set `max_payload: {}KB` or more in its configuration, or remove that setting", LARGEST_MESSAGE / 1024
    )]
    SmallMessages {
        /// The address, without user and password.
        url: String,
        /// Its limit, in bytes.
        found: usize,
    },
}

/// Refuses a server that can't be used.
pub(crate) fn check(info: &ServerInfo, url: &str) -> Result<(), UnfitServer> {
    if is_too_old(&info.version) {
        return Err(UnfitServer::TooOld {
            url: url.to_owned(),
            found: info.version.clone(),
        });
    }
    if info.max_payload < LARGEST_MESSAGE {
        return Err(UnfitServer::SmallMessages {
            url: url.to_owned(),
            found: info.max_payload,
        });
    }
    Ok(())
}

/// Whether a version, such as `2.10.4` or `v2.9`, is older than [`OLDEST_NATS`]. One that can't be parsed counts as
/// new.
pub fn is_too_old(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.');
    let mut next = || numbers.next()?.parse::<u64>().ok();
    match (next(), next()) {
        (Some(major), Some(minor)) => (major, minor) < OLDEST_NATS,
        (_, None) | (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (version, old) in [
            ("2.9.25", true),
            ("v2.10.29", true),
            ("1.4.1", true),
            ("2.11.0", false),
            ("2.11.0-preview.1", false),
            ("v2.15.2", false),
            ("3.0.0", false),
            ("dev", false),
        ] {
            assert_eq!(is_too_old(version), old, "{version}");
        }
    }
}
