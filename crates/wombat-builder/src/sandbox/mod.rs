//! What a child may touch, and how the kernel is told.
//!
//! A [`Confinement`] lists folders, a port, and a level. The helper process enters it right before it starts the
//! program (`enter`): Landlock for files, connections and signals, a filter of system calls for all other sockets, namespaces for
//! processes and the network where the machine has them. [`probe`] finds out at start what holds here, by trying to break out.

mod confinement;
#[cfg_attr(target_os = "linux", path = "enter_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "enter_elsewhere.rs")]
mod enter;
#[cfg(target_os = "linux")]
mod landlock;
#[cfg(target_os = "linux")]
mod namespaces;
mod options;
mod probe;
#[cfg(target_os = "linux")]
mod seccomp;

pub use confinement::{Confinement, Network};
pub(crate) use enter::{enter, separate};
pub use options::{Sandbox, SandboxOptions};
pub use probe::{CheckArgs, NoSandbox, check_main, probe};
