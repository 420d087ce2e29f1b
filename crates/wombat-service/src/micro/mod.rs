//! The NATS micro services: subjects, descriptions, one task per request, errors as headers and body.
//!
//! The protocol is ADR-32, and its messages are the client library's. The library's own `Service` isn't used: it
//! doesn't count errors that have a body, and at the end it drops requests that are on their way.

mod metadata;
mod queue_group;
mod serve;
mod tally;
mod verbs;

pub(crate) use serve::Micro;
