//! The NATS micro services: subjects, descriptions, one task a request, errors as headers and body.

mod endpoints;
mod metadata;
mod serve;
mod tally;

pub(crate) use endpoints::Endpoint;
pub(crate) use serve::Micro;
