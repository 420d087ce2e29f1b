//! The result of a build, and checks before it is offered.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use sha2::Digest as _;
use tokio::time::Instant;
use wombat_binary::{BuildInfo, ReadError};
use wombat_model::{
    BuildSpec, CompiledModule, Failure, FailureClass, SandboxLevel, Sha256, Timings, log::Phase,
    wire::Recipe,
};

use super::{
    binary,
    blocking::blocking,
    build_info::{Difference, compare, compiled_modules},
    compile::Milestones,
    error::BuildError,
    graph_store::GraphFiles,
    job_folder::JobFolder,
    limit::Limit,
    size_limit,
};

/// A binary that is ready to be uploaded. Its folder goes away with this value.
#[derive(Debug)]
pub struct Product {
    /// The file.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Digest.
    pub sha256: Sha256,
    /// How to build the same binary by hand.
    pub recipe: Recipe,
    /// The sandbox of the compilers.
    pub sandbox: SandboxLevel,
    /// Duration of each phase.
    pub timings: Timings,
    /// The folder of the build. `None` until the build has succeeded.
    pub(super) folder: Option<JobFolder>,
}

impl Product {
    /// Fails if the binary is larger than this, in bytes: it may have been built under another limit.
    pub fn check_size(&self, limit: Limit<u64>) -> Result<(), BuildError> {
        Ok(size_limit::check_binary(self.size, limit)?)
    }

    /// Removes the binary, and waits until it is gone.
    pub async fn remove(self) {
        if let Some(folder) = self.folder {
            folder.remove().await;
        }
    }
}

/// What the inspection of a binary gave.
pub(super) struct Inspected {
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    pub(super) modules: Vec<CompiledModule>,
}

/// Size, digest and modules of the binary. Fails if it isn't for the target, too large, or anything else than the spec and its
/// module graph name.
pub(super) async fn inspect(
    path: PathBuf,
    spec: &BuildSpec,
    graph: &GraphFiles,
    limit: Limit<u64>,
) -> Result<Inspected, BuildError> {
    let platform = spec.target().platform();
    let read = blocking(move || read_through(&path)).await;
    let Contents {
        size,
        head,
        sha256,
        info,
    } = read.map_err(|error| BuildError::local("read the binary", &error))?;
    size_limit::check_binary(size, limit)?;
    binary::check(&head, platform).map_err(|problem| {
        Failure::new(
            FailureClass::Internal,
            format!("The linker's output is invalid: {problem}."),
        )
    })?;
    let compared = info
        .ok_or(Difference::Unreadable)
        .and_then(|info| compare(&info, spec, graph).map(|()| compiled_modules(info)));
    match compared {
        Ok(modules) => Ok(Inspected {
            size,
            sha256,
            modules,
        }),
        Err(difference) => {
            // The service raises the alarm when it sees the failure.
            tracing::error!(
                build = %spec.key(),
                %difference,
                "the linked binary isn't what was requested; it isn't used"
            );
            Err(Failure::other_binary(difference).into())
        }
    }
}

/// What a binary says about itself, and what it is.
struct Contents {
    size: u64,
    head: Vec<u8>,
    sha256: Sha256,
    info: Option<BuildInfo>,
}

/// Reads a file to its end.
#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn read_through(path: &Path) -> io::Result<Contents> {
    let mut file = File::open(path)?;
    let mut hasher = sha2::Sha256::new();
    let mut head = Vec::with_capacity(binary::HEAD);
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        let room = binary::HEAD - head.len();
        head.extend_from_slice(&buffer[..count.min(room)]);
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
    let info = match BuildInfo::of(&mut file) {
        Ok(info) => Some(info),
        Err(ReadError::Unknown(_) | ReadError::TooLarge { .. }) => None,
        Err(ReadError::Read(error)) => return Err(error),
    };
    Ok(Contents {
        size,
        head,
        sha256: Sha256::from_bytes(hasher.finalize().into()),
        info,
    })
}

pub(super) fn timings(
    begun: Instant,
    download: Instant,
    milestones: Milestones,
    linked: Instant,
) -> Timings {
    let steps = [
        (Phase::Resolve, begun, download),
        (Phase::Download, download, milestones.compile),
        (Phase::Compile, milestones.compile, milestones.link),
        (Phase::Link, milestones.link, linked),
    ];
    let milliseconds = |from: Instant, to: Instant| {
        u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
    };
    steps
        .into_iter()
        .map(|(phase, from, to)| (phase, milliseconds(from, to)))
        .collect()
}
