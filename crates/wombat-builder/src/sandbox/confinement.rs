//! The list of what a child may touch.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wombat_model::SandboxLevel;

/// Which connections a child may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// None.
    None,
    /// To this TCP port of the loopback interface.
    Loopback(u16),
}

/// What a child and its descendants may touch; everything else is refused by the kernel. Paths that don't exist are
/// left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// How strictly; [`SandboxLevel::None`] doesn't confine at all.
    pub level: SandboxLevel,
    /// Files and folders whose programs may be started.
    pub run: Vec<PathBuf>,
    /// Files and folders that may be read.
    pub read: Vec<PathBuf>,
    /// Folders whose files may be read, made, changed and removed. No links, sockets or devices: the builder reads such
    /// folders afterwards with all its rights, and would follow them.
    pub write: Vec<PathBuf>,
    /// Connections that may be made.
    pub network: Network,
}

/// Where systems keep the programs and libraries that anybody may read.
const SYSTEM_FOLDERS: [&str; 8] = [
    "/bin",
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
];

impl Confinement {
    /// Nothing but this program and the system's own ones.
    pub fn new(level: SandboxLevel, program: &Path) -> Self {
        let system = SYSTEM_FOLDERS.into_iter().map(PathBuf::from);
        Self {
            level,
            run: system.chain([program.to_owned()]).collect(),
            read: Vec::new(),
            write: Vec::new(),
            network: Network::None,
        }
    }

    /// Nothing but this program, which needs no libraries.
    pub fn alone(level: SandboxLevel, program: &Path) -> Self {
        Self {
            run: vec![program.to_owned()],
            ..Self::new(level, program)
        }
    }

    /// Programs in there may be started, too.
    #[must_use]
    pub fn run(mut self, path: impl Into<PathBuf>) -> Self {
        self.run.push(path.into());
        self
    }

    /// This may be read, too.
    #[must_use]
    pub fn read(mut self, path: impl Into<PathBuf>) -> Self {
        self.read.push(path.into());
        self
    }

    /// This may be written, too.
    #[must_use]
    pub fn write(mut self, path: impl Into<PathBuf>) -> Self {
        self.write.push(path.into());
        self
    }

    /// This port may be connected to.
    #[must_use]
    pub fn connect(mut self, port: u16) -> Self {
        self.network = Network::Loopback(port);
        self
    }
}
