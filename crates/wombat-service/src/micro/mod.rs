//! The NATS micro services: subjects, descriptions, one task a request, errors as headers and body.
//!
//! The protocol is that of ADR-32, and its messages are the client library's. The library's own `Service` isn't used: it counts
//! no errors that have a body, and at the end it drops requests that are on their way to it.

mod endpoints;
mod metadata;
mod serve;
mod tally;
mod verbs;

pub(crate) use endpoints::Endpoint;
pub(crate) use serve::Micro;
