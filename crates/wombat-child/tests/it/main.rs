//! Real programs under the helper, and what the kernel refuses them.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "tests may block")]

mod child;
mod hostile;
mod sandbox;
mod support;
