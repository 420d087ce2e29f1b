//! The gateway over a real socket, in front of a real nats-server.

mod away;
mod builds;
mod control;
mod door;
mod downloads;
mod event_stream;
mod events;
mod feed;
mod problems;
mod service;
mod support;
mod website;
