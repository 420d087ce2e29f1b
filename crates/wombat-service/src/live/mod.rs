//! State that changes too often for a record: the queue, the live builders, and the phase of each build.

mod durations;
mod follow;
mod history;
mod phases;
mod queue;

pub(crate) use follow::Live;
