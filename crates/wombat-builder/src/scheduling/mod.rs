//! Decides what this builder does next: which waiting builds to claim, and which builds of dead builders to recover.
//!
//! One task owns this state and never waits for NATS; workers and recoveries run concurrently. Its knowledge comes from
//! two watches ([`board`], [`roster`]), which are hints: every write is checked by revision.

mod board;
mod dispatcher;
mod recovery;
mod roster;

pub(crate) use dispatcher::Dispatcher;
