//! The oldest Go that builds.

use wombat_model::GoVersion;

/// The oldest supported Go.
pub(super) const OLDEST_GO: &str = "1.26.0";

/// Whether a release is too old.
pub(super) fn is_too_old(version: GoVersion) -> bool {
    OLDEST_GO.parse().is_ok_and(|oldest| version < oldest)
}
