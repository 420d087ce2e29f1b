#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! Every foreign program starts through a small helper process ([`HelperCommand`]) that owns the program and all its
//! descendants and kills them as soon as its standard input closes. This pipe closes however the parent ends, even by
//! `kill -9`. Before the program starts, the helper puts it into its [`Confinement`] ([`sandbox`]). No child gets a file
//! that its ancestors left open. [`ChildCommand`] is the side that starts the helper and reads the output; [`LineCutter`] splits it into clean lines.

pub mod cgroup;
mod command;
mod confined;
mod confinement;
mod descriptors;
mod exit;
#[cfg_attr(target_os = "linux", path = "family_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "family_group.rs")]
mod family;
mod helper;
mod helper_command;
mod libraries;
mod limits;
mod lines;
mod oom;
pub mod sandbox;
mod start;

pub use command::{ChildCommand, Ending, Output, Supervised};
pub use confined::ConfinedArgs;
pub use confinement::{Calls, Confinement, Network};
pub use helper::ChildArgs;
pub use helper_command::HelperCommand;
pub use lines::LineCutter;
