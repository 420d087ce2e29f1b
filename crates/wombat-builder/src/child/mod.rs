//! Child processes that never outlive us.
//!
//! Everything foreign starts through `wombat child -- <program> …`, a small helper process ([`helper`]) that owns
//! the program and all its descendants and kills them as soon as its standard input closes. A pipe closes whatever
//! way we end, `kill -9` included. Before the program starts, the helper puts it into its confinement
//! ([`crate::sandbox`]). [`ChildCommand`] is the side that starts the helper and reads the output;
//! [`LineCutter`] makes clean lines of what comes.

mod command;
#[cfg_attr(target_os = "linux", path = "family_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "family_group.rs")]
mod family;
mod helper;
mod limits;
mod lines;

pub use command::{ChildCommand, Ending, Output, Supervised};
pub use helper::{ChildArgs, main};
pub use lines::LineCutter;

/// The helper's exit status when the program and its descendants held more memory than allowed.
const EXIT_OUT_OF_MEMORY: u8 = 123;
/// The helper's exit status when the program and its descendants were more than allowed.
const EXIT_TOO_MANY_PROCESSES: u8 = 124;
/// The helper's exit status when it couldn't do its own work.
const EXIT_HELPER_FAILED: u8 = 125;
/// The helper's exit status when the program couldn't be started.
const EXIT_NOT_STARTED: u8 = 127;
