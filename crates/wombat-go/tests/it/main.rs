//! Real Go and real modules, on disks that are whole and on disks that aren't.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "tests may block")]

mod blocked;
mod build;
mod failed_go;
mod fetched_go;
mod go_releases;
mod go_scene;
mod half_killed;
mod half_scene;
mod half_written;
mod no_room_for_go;
mod other_binary;
mod poisoned_bucket;
mod requirements;
mod sizes;
mod stub_scene;
mod templates;
mod trimmed_modules;
mod weight;
