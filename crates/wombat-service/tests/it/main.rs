//! The service against a real nats-server.

mod micro;
mod requests;
mod support;
