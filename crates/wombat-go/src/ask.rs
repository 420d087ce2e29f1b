//! Runs a finished binary to ask it about itself. This runs untrusted code, so only in a sandbox that lets it touch
//! nothing: it may read itself and the file that it is asked about, and print.

use std::{path::Path, time::Duration};

use wombat_model::{
    SandboxLevel,
    plain_text::{Form, plain},
};

use super::{job_folder::JobFolder, product::Product, workshop::Workshop};
use wombat_child::Confinement;
use wombat_child::{ChildCommand, Ending, LineCutter, Output};

/// Time limit for a listing of its components.
const LISTING_LIMIT: Duration = Duration::from_secs(30);
/// Memory limit in bytes.
const MEMORY: u64 = 1 << 30;
/// Limit of the memory that it maps, in bytes: Go's runtime maps more than it uses.
const DATA: u64 = 2 * MEMORY;
/// Go code that runs at once. By itself, the runtime takes all CPUs.
const PARALLEL: &str = "4";
/// Thread limit. Each system call that takes long has one more than [`PARALLEL`] code.
const THREADS: u32 = 64;
/// Longest standard output in bytes.
const LONGEST: usize = 64 << 20;
/// What is kept of a verdict, in bytes; the rest is dropped. Clients are told less.
const LONGEST_VERDICT: usize = 1 << 20;

/// Longest standard error in bytes; the rest is dropped.
const LONGEST_COMPLAINT: usize = 64 << 10;

/// Why a binary gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The machine has no sandbox that is strict enough.
    #[error(
        "binaries are run only in a sandbox with user namespaces, which this machine doesn't have"
    )]
    NotHere,
    /// It can't be run.
    #[error("the binary can't be run: {0}")]
    Broken(String),
    /// It took too long, or printed too much.
    #[error("the binary took over {:.0} s or printed over {} MiB", .0.as_secs_f64(), LONGEST >> 20)]
    Endless(Duration),
    /// It ended with an error.
    #[error("the binary failed: {0}")]
    Failed(String),
}

impl From<std::io::Error> for AskError {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// A binary's verdict on a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it exited with 0.
    pub accepted: bool,
    /// The beginning of its output, as plain text.
    pub text: String,
}

/// The output of a binary that ended by itself.
struct ProgramOutput {
    code: u8,
    said: Vec<u8>,
    complained: String,
}

impl Workshop {
    /// What a binary for this machine prints when it is run with these arguments, without network, files, input, and
    /// variables but one for Go's runtime.
    pub async fn ask(&self, product: &Product, arguments: &[&str]) -> Result<Vec<u8>, AskError> {
        let folder = self.ask_folder().await?;
        let level = self.settings().sandbox.level();
        let alone = Confinement::alone(level, &product.path);
        let heard = self.hear(
            &product.path,
            folder.path(),
            arguments,
            alone,
            LISTING_LIMIT,
            LONGEST,
        );
        match heard.await? {
            ProgramOutput { code: 0, said, .. } => Ok(said),
            ProgramOutput { complained, .. } => {
                Err(AskError::Failed(self.public(&complained, folder.path())))
            }
        }
    }

    /// What a binary printed, as plain text without this machine's names.
    fn public(&self, text: &str, folder: &Path) -> String {
        let names = self.settings().names.clone().root(folder, "$WORK");
        names.hidden_in(&plain(text, Form::Lines)).into_owned()
    }

    /// The verdict of a binary on a file, which is in its working directory.
    pub async fn ask_about(
        &self,
        binary: &Path,
        arguments: &[&str],
        (name, content): (&str, &str),
        limit: Duration,
    ) -> Result<Verdict, AskError> {
        let folder = self.ask_folder().await?;
        let file = folder.path().join(name);
        tokio::fs::write(&file, content).await?;
        let level = self.settings().sandbox.level();
        let confinement = Confinement::alone(level, binary).read(&file);
        let heard = self.hear(
            binary,
            folder.path(),
            arguments,
            confinement,
            limit,
            LONGEST_VERDICT,
        );
        let ProgramOutput {
            code,
            said,
            complained,
        } = heard.await?;
        let text = String::from_utf8_lossy(&said).into_owned() + &complained;
        let text = self.public(&text, folder.path());
        match code {
            0 | 1 => Ok(Verdict {
                accepted: code == 0,
                text,
            }),
            _ => Err(AskError::Failed(text)),
        }
    }

    async fn ask_folder(&self) -> Result<JobFolder, AskError> {
        if self.settings().sandbox.level() == SandboxLevel::Landlock {
            return Err(AskError::NotHere);
        }
        Ok(self.empty_folder().await?)
    }

    /// Keeps the beginning of its standard output.
    async fn hear(
        &self,
        binary: &Path,
        folder: &Path,
        arguments: &[&str],
        confinement: Confinement,
        limit: Duration,
        kept: usize,
    ) -> Result<ProgramOutput, AskError> {
        let child = ChildCommand::new(&self.settings().helper, binary, folder)
            .args(arguments.iter().copied())
            .envs([("GOMAXPROCS", PARALLEL)])
            .nice(10)
            .memory_limit(MEMORY)
            .data_limit(DATA)
            .file_size_limit(0)
            .process_limit(1)
            .thread_limit(THREADS)
            .confine(confinement)
            .spawn()?;
        let (mut said, mut complained, mut printed) = (Vec::new(), String::new(), 0);
        let mut cutter = LineCutter::default();
        let flood = tokio_util::sync::CancellationToken::new();
        let stop = async {
            drop(tokio::time::timeout(limit, flood.cancelled()).await);
        };
        let ending = child.run(stop, |source, bytes| match source {
            Output::Stdout if printed + bytes.len() > LONGEST => flood.cancel(),
            Output::Stdout => {
                printed += bytes.len();
                let room = kept.saturating_sub(said.len()).min(bytes.len());
                said.extend_from_slice(&bytes[..room]);
            }
            Output::Stderr => cutter.push(bytes, |line| {
                if complained.len() < LONGEST_COMPLAINT {
                    complained.push_str(&line);
                    complained.push('\n');
                }
            }),
        });
        match ending.await? {
            Ending::Exited(code) => Ok(ProgramOutput {
                code,
                said,
                complained,
            }),
            Ending::OutOfMemory | Ending::TooManyProcesses => Err(AskError::Failed(complained)),
            Ending::NotStarted => Err(AskError::Broken(complained)),
            Ending::Stopped(()) => Err(AskError::Endless(limit)),
        }
    }
}
