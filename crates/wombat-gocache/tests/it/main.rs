//! Real Go with its cache on a real nats-server.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "tests may block")]

mod shared;
