//! Real Go behind the relay, and a module proxy that fails.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod relay;
