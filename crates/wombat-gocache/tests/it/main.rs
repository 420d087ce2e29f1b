//! Real Go with its cache on a real nats-server.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod shared;
