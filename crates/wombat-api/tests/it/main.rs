//! The gateway over a real socket, in front of a real nats-server.
#![expect(clippy::disallowed_methods, reason = "tests may block")]

mod away;
mod blocked;
mod browsers;
mod builds;
mod cache;
mod contents;
mod control;
mod door;
mod downloads;
mod event_stream;
mod events;
mod feed;
mod health;
mod lint;
mod log_end;
mod no_disk;
mod places;
mod problems;
mod published;
mod raw;
mod select;
mod service;
mod support;
mod unread;
mod website;
