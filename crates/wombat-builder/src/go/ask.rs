//! Asks a finished binary about itself. It is strangers' code that runs here, so only where it can touch nothing.

use std::time::Duration;

use wombat_model::SandboxLevel;

use super::{product::Product, workshop::Workshop};
use crate::{
    child::{ChildCommand, Ending, LineCutter, Output},
    sandbox::Confinement,
};

/// How long it may think.
const LIMIT: Duration = Duration::from_secs(30);
/// Most memory that it may take, in bytes.
const MEMORY: u64 = 1 << 30;
/// Most that it may say, in bytes.
const LONGEST: usize = 64 << 20;

/// A binary didn't answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// It isn't run here.
    #[error(
        "binaries are run only where they can be kept from everything, which takes user namespaces; this machine has none"
    )]
    NotHere,
    /// It can't be run.
    #[error("the binary can't be run: {0}")]
    Broken(String),
    /// It took too long, or said too much.
    #[error("the binary didn't answer within {} s and {} MiB", LIMIT.as_secs(), LONGEST >> 20)]
    Endless,
    /// It ended with an error.
    #[error("the binary failed: {0}")]
    Failed(String),
}

impl Workshop {
    /// What a binary for this machine prints when it is run with these arguments: without network, files, variables and
    /// input.
    pub async fn ask(&self, product: &Product, arguments: &[&str]) -> Result<Vec<u8>, AskError> {
        let settings = self.settings();
        let level = settings.sandbox.level();
        if level == SandboxLevel::Landlock {
            return Err(AskError::NotHere);
        }
        let broken = |error: std::io::Error| AskError::Broken(error.to_string());
        let folder = tempfile::tempdir_in(self.jobs_folder()).map_err(broken)?;
        let child = ChildCommand::new(&settings.helper, &product.path, folder.path())
            .args(arguments.iter().copied())
            .nice(10)
            .memory_limit(MEMORY)
            .file_size_limit(0)
            .process_limit(1)
            .confine(Confinement::alone(level, &product.path))
            .spawn()
            .map_err(broken)?;
        let (mut said, mut complained) = (Vec::new(), String::new());
        let mut cutter = LineCutter::default();
        let flood = tokio_util::sync::CancellationToken::new();
        let stop = async {
            drop(tokio::time::timeout(LIMIT, flood.cancelled()).await);
        };
        let ending = child.run(stop, |source, bytes| match source {
            Output::Stdout if said.len() + bytes.len() > LONGEST => flood.cancel(),
            Output::Stdout => said.extend_from_slice(bytes),
            Output::Stderr => cutter.push(bytes, |line| {
                if complained.len() < 2048 {
                    complained.push_str(&line);
                    complained.push(' ');
                }
            }),
        });
        match ending.await.map_err(broken)? {
            Ending::Exited(0) => Ok(said),
            Ending::Exited(_) | Ending::OutOfMemory | Ending::TooManyProcesses => {
                Err(AskError::Failed(complained))
            }
            Ending::NotStarted => Err(AskError::Broken(complained)),
            Ending::Stopped(()) => Err(AskError::Endless),
        }
    }
}
