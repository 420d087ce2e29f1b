//! Real programs under the helper, and what the kernel refuses them.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod child;
mod sandbox;
mod support;
