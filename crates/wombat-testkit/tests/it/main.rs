//! What tests rely on.

mod clock;
mod cluster;
