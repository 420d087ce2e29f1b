//! Has the kernel enforce what a child may access.
//!
//! A [`Confinement`](crate::Confinement) lists folders, a port, and a level. The helper process enters it right before
//! it starts the program (`enter`): Landlock for files, connections and signals, a system call filter for everything
//! else (`seccomp`), namespaces for processes and the network if the machine supports them. At start, [`probe`] finds
//! the strictest level that works on this machine, by trying to break out.

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

pub(crate) use enter::{leave, restrict, separate};
pub use options::{Sandbox, SandboxOptions};
pub(crate) use probe::check_main;
pub use probe::{CheckArgs, NoSandbox, probe};
