//! What a child process may access.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wombat_model::SandboxLevel;

use crate::libraries;

/// Which connections a child may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// None.
    None,
    /// To this TCP port of the loopback interface.
    Loopback(u16),
}

/// Which system calls a child and its descendants may make. Which files and connections these reach is decided by the
/// other fields of a [`Confinement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Calls {
    /// All but those that Go's toolchain doesn't need: sockets other than streams, shared memory, and whatever looks
    /// into other processes or changes the machine.
    Toolchain,
    /// Only those of a Go program that reads files and prints: no processes, sockets and shared memory, and no changes
    /// of files, not even of their modes, owners and times.
    Reader,
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
    /// System calls that may be made.
    pub calls: Calls,
}

/// Where systems keep their programs, and the libraries and files that these need.
const SYSTEM_FOLDERS: [&str; 7] = [
    "/bin",
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
];

impl Confinement {
    /// Allows this program and the libraries of the system that a Go or Rust program may be linked with, nothing else.
    pub fn new(level: SandboxLevel, program: &Path) -> Self {
        let mut run = libraries::present().to_vec();
        run.push(program.to_owned());
        Self {
            level,
            run,
            read: Vec::new(),
            write: Vec::new(),
            network: Network::None,
            calls: Calls::Toolchain,
        }
    }

    /// Allows only this program, which must need no libraries, and only the calls of [`Calls::Reader`].
    pub fn alone(level: SandboxLevel, program: &Path) -> Self {
        Self {
            run: vec![program.to_owned()],
            calls: Calls::Reader,
            ..Self::new(level, program)
        }
    }

    /// Also allows the system's own programs, which a script needs. Their folders hold files such as `os-release`, too.
    #[must_use]
    pub fn system_programs(mut self) -> Self {
        self.run.extend(SYSTEM_FOLDERS.map(PathBuf::from));
        self
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

    /// As an argument of the helper.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// From an argument of the helper.
    pub(crate) fn from_json(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
}
