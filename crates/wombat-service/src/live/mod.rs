//! What changes too often for a record: the queue, who is there to work it off, and the phase that a build is in.

mod board;
mod follow;
mod history;
mod phases;

pub(crate) use follow::Live;
