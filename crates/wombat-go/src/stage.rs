//! The two stages of a build.

/// The purpose of a run of `go`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Fetching modules: it may connect to the relay, and writes the module cache.
    Fetch,
    /// Using them: it has no network, and only reads the module cache.
    Compile,
}
