#![doc = include_str!("../README.md")]
#![expect(
    clippy::disallowed_methods,
    reason = "all of it blocks; async callers use blocking threads"
)]

mod seal;
mod store;

pub use seal::{read_sealed, store_sealed};
pub use store::{is_blank, remove, settle, settle_at, store_file, store_file_as};
