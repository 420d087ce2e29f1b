//! Times of imports.

use std::time::Duration;

/// Time that a builder may be missing before another one takes over its imports.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between attempts while NATS is unavailable.
pub(super) const PAUSE: Duration = Duration::from_millis(500);
