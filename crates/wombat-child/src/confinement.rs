//! What a child process may access.

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

/// What a child and its descendants may access; the kernel refuses everything else. Paths that don't exist are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// How strictly the kernel confines; [`SandboxLevel::None`] doesn't confine at all.
    pub level: SandboxLevel,
    /// Files and folders whose programs may be started.
    pub run: Vec<PathBuf>,
    /// Files and folders that may be read.
    pub read: Vec<PathBuf>,
    /// Folders whose files may be read, created, changed and removed. Links, sockets and devices can't be created: the
    /// builder reads these folders afterwards with all its rights, and would follow a link.
    pub write: Vec<PathBuf>,
    /// Connections that may be made.
    pub network: Network,
}

/// Where systems keep the programs and libraries that every user may read.
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
    /// Allows this program and the system's programs, nothing else.
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

    /// Allows only this program, which must need no libraries.
    pub fn alone(level: SandboxLevel, program: &Path) -> Self {
        Self {
            run: vec![program.to_owned()],
            ..Self::new(level, program)
        }
    }

    /// Also allows starting this program, or the programs in this folder.
    #[must_use]
    pub fn run(mut self, path: impl Into<PathBuf>) -> Self {
        self.run.push(path.into());
        self
    }

    /// Also allows reading this file or folder.
    #[must_use]
    pub fn read(mut self, path: impl Into<PathBuf>) -> Self {
        self.read.push(path.into());
        self
    }

    /// Also allows writing in this folder.
    #[must_use]
    pub fn write(mut self, path: impl Into<PathBuf>) -> Self {
        self.write.push(path.into());
        self
    }

    /// Allows connections to this port of the loopback interface.
    #[must_use]
    pub fn connect(mut self, port: u16) -> Self {
        self.network = Network::Loopback(port);
        self
    }
}
