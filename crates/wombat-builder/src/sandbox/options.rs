//! What the operator says about the sandbox, and what came of it.

use std::path::{Path, PathBuf};

use tracing::{info, warn};
use wombat_model::SandboxLevel;

use super::{Confinement, NoSandbox, probe};

/// What compilers may touch.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SandboxOptions {
    /// Run compilers on strangers' code with all rights that this process has
    #[arg(long, env = "WOMBAT_INSECURE_NO_SANDBOX")]
    pub insecure_no_sandbox: bool,
    /// A further folder that Go may use, for a Go that keeps something elsewhere; may be repeated
    #[arg(
        long,
        env = "WOMBAT_SANDBOX_ALLOW",
        value_name = "DIR",
        value_delimiter = ':'
    )]
    pub sandbox_allow: Vec<PathBuf>,
}

/// How children are confined here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    level: SandboxLevel,
    allowed: Vec<PathBuf>,
}

impl SandboxOptions {
    /// Finds out what holds on this machine. `folder` is one that the builder may fill.
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
    /// None at all.
    pub fn off() -> Self {
        Self {
            level: SandboxLevel::None,
            allowed: Vec::new(),
        }
    }

    /// How strict it is.
    pub fn level(&self) -> SandboxLevel {
        self.level
    }

    /// A confinement for this program, with what the operator allows beside.
    pub fn confine(&self, program: &Path) -> Confinement {
        let new = Confinement::new(self.level, program);
        self.allowed.iter().fold(new, |confinement, folder| {
            confinement.run(folder).write(folder)
        })
    }
}
