//! A builder in the test's own process, around a real NATS, with stand-ins for Go.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod go_releases;
mod imports;
mod no_go;
mod requirements;
mod scene;
mod uncatalogued;
