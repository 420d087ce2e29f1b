//! Asks a finished binary about itself. It is strangers' code that runs here, so only where it can touch nothing.

use std::{path::Path, time::Duration};

use tempfile::TempDir;
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

/// Most that it may say on its error output, in bytes; the rest is dropped.
const LONGEST_COMPLAINT: usize = 64 << 10;

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

impl From<std::io::Error> for AskError {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// What a binary said that isn't expected to succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// It ended well.
    pub(crate) accepted: bool,
    /// All that it printed.
    pub(crate) text: String,
}

/// A binary came to an end of its own.
struct Heard {
    code: u8,
    said: Vec<u8>,
    complained: String,
}

impl Workshop {
    /// What a binary for this machine prints when it is run with these arguments: without network, files, variables and
    /// input.
    pub async fn ask(&self, product: &Product, arguments: &[&str]) -> Result<Vec<u8>, AskError> {
        let folder = self.ask_folder()?;
        let level = self.settings().sandbox.level();
        let alone = Confinement::alone(level, &product.path);
        let heard = self.hear(&product.path, folder.path(), arguments, alone);
        match heard.await? {
            Heard { code: 0, said, .. } => Ok(said),
            Heard { complained, .. } => Err(AskError::Failed(complained)),
        }
    }

    /// The same for a binary that is given a file, which stands in its working directory, and that may refuse it.
    pub(crate) async fn ask_about(
        &self,
        binary: &Path,
        arguments: &[&str],
        (name, content): (&str, &str),
    ) -> Result<Said, AskError> {
        let folder = self.ask_folder()?;
        let file = folder.path().join(name);
        std::fs::write(&file, content)?;
        let level = self.settings().sandbox.level();
        let confinement = Confinement::alone(level, binary).read(&file);
        let heard = self.hear(binary, folder.path(), arguments, confinement);
        let Heard {
            code,
            said,
            complained,
        } = heard.await?;
        let text = String::from_utf8_lossy(&said).into_owned() + &complained;
        match code {
            0 | 1 => Ok(Said {
                accepted: code == 0,
                text,
            }),
            _ => Err(AskError::Failed(text)),
        }
    }

    fn ask_folder(&self) -> Result<TempDir, AskError> {
        if self.settings().sandbox.level() == SandboxLevel::Landlock {
            return Err(AskError::NotHere);
        }
        Ok(tempfile::tempdir_in(self.jobs_folder())?)
    }

    async fn hear(
        &self,
        binary: &Path,
        folder: &Path,
        arguments: &[&str],
        confinement: Confinement,
    ) -> Result<Heard, AskError> {
        let child = ChildCommand::new(&self.settings().helper, binary, folder)
            .args(arguments.iter().copied())
            .nice(10)
            .memory_limit(MEMORY)
            .file_size_limit(0)
            .process_limit(1)
            .confine(confinement)
            .spawn()?;
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
                if complained.len() < LONGEST_COMPLAINT {
                    complained.push_str(&line);
                    complained.push('\n');
                }
            }),
        });
        match ending.await? {
            Ending::Exited(code) => Ok(Heard {
                code,
                said,
                complained,
            }),
            Ending::OutOfMemory | Ending::TooManyProcesses => Err(AskError::Failed(complained)),
            Ending::NotStarted => Err(AskError::Broken(complained)),
            Ending::Stopped(()) => Err(AskError::Endless),
        }
    }
}
