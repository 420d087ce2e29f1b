//! Why objects of an earlier version aren't moved.

use wombat_model::units::MIB;

use crate::StoreError;

/// Objects can't be moved into a store in which they can't be replaced. Nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// An access failed.
    #[error("can't upgrade `{bucket}`; run this again, which continues where it was")]
    Store {
        /// The bucket.
        bucket: &'static str,
        /// Why.
        source: StoreError,
    },
    /// Processes that write objects seem to be running.
    #[error(
        "`{bucket}` must be upgraded, but these are still running: {running}. Stop all services, builders and gateways \
         first; if these don't run any more, use --upgrade-while-running. Nothing was changed."
    )]
    Running {
        /// The bucket.
        bucket: &'static str,
        /// Their names and versions.
        running: String,
    },
    /// There is no room for a copy.
    #[error(
        "`{bucket}` must be copied once, so that its objects can't be replaced, and JetStream has no room for another \
         {} MiB. Raise `max_file` of nats-server or the limits of its account, or remove builds with `wombat purge`. \
         Nothing was changed.", .needed.div_ceil(MIB)
    )]
    NoRoom {
        /// The bucket.
        bucket: &'static str,
        /// Bytes of the copy.
        needed: u64,
        /// The server's refusal.
        source: StoreError,
    },
    /// A copy differs from its source.
    #[error(
        "the copy of `{name}` in `{bucket}` differs, so nothing was deleted; run this again, which copies it once more"
    )]
    Differs {
        /// The bucket.
        bucket: &'static str,
        /// The object.
        name: String,
    },
    /// Another process does the same.
    #[error("another `wombat setup` or `wombat up` is upgrading `{0}`; wait until it is done")]
    Locked(&'static str),
}

impl UpgradeError {
    /// For the errors of a bucket's accesses.
    pub(super) fn of(bucket: &'static str) -> impl Fn(StoreError) -> Self + Copy {
        move |source| Self::Store { bucket, source }
    }
}
