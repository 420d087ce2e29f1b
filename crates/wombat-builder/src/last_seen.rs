//! The last state of a record that the watch of builds showed.

use wombat_model::Status;
use wombat_store::Revision;

/// The last seen state of a record, for the worker that has claimed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastSeen {
    pub(crate) revision: Revision,
    /// `None` if the record is gone.
    pub(crate) status: Option<Status>,
}
