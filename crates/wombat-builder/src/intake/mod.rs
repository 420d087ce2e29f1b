//! Decides what this builder does next: which waiting build a free worker tries to claim, and whose builds have to
//! be taken back because their builder is dead.
//!
//! One task owns all of it and never waits for NATS; workers and recoveries run beside it. What it knows comes from
//! two watches ([`board`], [`roster`]), which are hints: every write is checked by revision.

mod board;
mod dispatcher;
mod recovery;
mod roster;

pub(crate) use dispatcher::{Dispatcher, Seen};
