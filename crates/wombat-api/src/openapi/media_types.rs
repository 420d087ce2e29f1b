//! Media types of answers.

pub(super) const BINARY: &str = "application/octet-stream";
pub(super) const TEXT: &str = "text/plain";
pub(super) const EVENTS: &str = "text/event-stream";
pub(super) const JSON: &str = "application/json";
pub(super) const HTML: &str = "text/html";
