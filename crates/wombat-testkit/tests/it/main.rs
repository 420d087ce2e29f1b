//! What tests rely on.

mod clock;
