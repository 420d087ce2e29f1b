//! The operator's options for the sandbox, and the resulting [`Sandbox`].

use std::path::{Path, PathBuf};

use tracing::{info, warn};
use wombat_model::SandboxLevel;

use super::probe::{NoSandbox, probe};
use crate::confinement::Confinement;

/// Options of the sandbox for compilers.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SandboxOptions {
    /// Run compilers without a sandbox, with all rights of this process
    #[arg(long, env = "WOMBAT_INSECURE_NO_SANDBOX")]
    pub insecure_no_sandbox: bool,
    /// Additional folder that compilers may read, write and run programs from (repeatable)
    #[arg(
        long,
        env = "WOMBAT_SANDBOX_ALLOW",
        value_name = "DIR",
        value_delimiter = ':'
    )]
    pub sandbox_allow: Vec<PathBuf>,
}

/// How this process confines its children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    level: SandboxLevel,
    allowed: Vec<PathBuf>,
}

impl SandboxOptions {
    /// Finds the strictest level that works on this machine. `folder` must be writable.
    pub async fn set_up(&self, helper: &Path, folder: &Path) -> Result<Sandbox, NoSandbox> {
        let level = if self.insecure_no_sandbox {
            warn!(
                "compilers run without a sandbox: they can read and change what this process can"
            );
            SandboxLevel::None
        } else {
            probe(helper, folder).await?
        };
        info!(%level, "sandbox");
        Ok(Sandbox {
            level,
            allowed: self.sandbox_allow.clone(),
        })
    }
}

impl Sandbox {
    /// No sandbox.
    pub fn off() -> Self {
        Self {
            level: SandboxLevel::None,
            allowed: Vec::new(),
        }
    }

    /// How strict the sandbox is.
    pub fn level(&self) -> SandboxLevel {
        self.level
    }

    /// A confinement for this program, with the folders that the operator allows.
    pub fn confine(&self, program: &Path) -> Confinement {
        let new = Confinement::new(self.level, program);
        self.allowed.iter().fold(new, |confinement, folder| {
            confinement.run(folder).write(folder)
        })
    }
}
