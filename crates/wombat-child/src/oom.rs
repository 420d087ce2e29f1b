//! Which process the kernel kills when the machine has no memory left.

#![expect(
    clippy::disallowed_methods,
    reason = "called in the helper process, which does nothing else"
)]

use std::fs;

const SCORE: &str = "/proc/self/oom_score_adj";
/// Before all others. A build can be repeated, other than the work of the builder or of nats-server.
const FIRST: &str = "1000";

/// While this is held, this process and the children that it starts are killed first. The children stay so; this
/// process goes back to what it was, since it has to outlive them.
pub(crate) struct KilledFirst {
    before: Option<String>,
}

impl KilledFirst {
    /// Does nothing where the system has no such setting.
    pub(crate) fn begin() -> Self {
        let before = fs::read_to_string(SCORE).ok();
        let _ = fs::write(SCORE, FIRST);
        Self { before }
    }
}

impl Drop for KilledFirst {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = fs::write(SCORE, before.trim_end());
        }
    }
}
