#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! Every foreign program starts through a small helper process ([`HelperCommand`]) that owns the program and all its
//! descendants and kills them as soon as its standard input closes. This pipe closes however the parent ends, even by
//! `kill -9`. Before the program starts, the helper puts it into its [`Confinement`] ([`sandbox`]). [`ChildCommand`] is
//! the side that starts the helper and reads the output; [`LineCutter`] splits it into clean lines.

mod command;
mod confinement;
mod exit;
#[cfg_attr(target_os = "linux", path = "family_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "family_group.rs")]
mod family;
mod helper;
mod helper_command;
mod limits;
mod lines;
pub mod sandbox;

pub use command::{ChildCommand, Ending, Output, Supervised};
pub use confinement::{Confinement, Network};
pub use helper::ChildArgs;
pub use helper_command::HelperCommand;
pub use lines::LineCutter;
