//! How far an import is.

use std::time::Duration;

use wombat_model::{BuilderId, catalog::ImportState};

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Packages that are done.
    pub(super) done: usize,
    /// Packages in all; 0 until they are known.
    pub(super) of: usize,
    /// Estimate of the time until its end.
    pub(super) left: Option<Duration>,
}

impl Progress {
    /// As the import's state.
    pub(super) fn state(self, builder: &BuilderId) -> ImportState {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let seconds = |left: Duration| u32::try_from(left.as_secs()).unwrap_or(u32::MAX);
        ImportState::Importing {
            builder: builder.clone(),
            done: number(self.done),
            of: number(self.of),
            seconds_left: self.left.map(seconds),
            shared: true,
        }
    }
}
