//! The queue group of every endpoint.

/// The queue group that all instances share: the default of micro services.
pub(super) const QUEUE_GROUP: &str = "q";
