//! Finds the strictest sandbox that works on this machine: starts a confined program that tries to break out.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use tempfile::TempDir;
use tokio::task::spawn_blocking;
use wombat_model::SandboxLevel;

use crate::{
    command::{ChildCommand, Ending, Output},
    confinement::Confinement,
};

/// Time limit of one attempt, which does next to nothing.
const LIMIT: Duration = Duration::from_secs(20);

/// Children can't be confined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "programs can't be confined on this machine ({problem}). The sandbox for compilers needs Linux 6.7 or newer with Landlock. \
     If all clients that may request builds are trusted, turn the sandbox off with --insecure-no-sandbox (WOMBAT_INSECURE_NO_SANDBOX=true)"
)]
pub struct NoSandbox {
    problem: String,
}

/// The strictest level that works here. `helper` is an executable that offers [`HelperCommand`](crate::HelperCommand);
/// `folder` must be writable.
pub async fn probe(helper: &Path, folder: &Path) -> Result<SandboxLevel, NoSandbox> {
    match attempt(SandboxLevel::Namespaces, helper, folder).await {
        Ok(()) => return Ok(SandboxLevel::Namespaces),
        Err(problem) => tracing::debug!(problem, "no namespaces"),
    }
    match attempt(SandboxLevel::Landlock, helper, folder).await {
        Ok(()) => Ok(SandboxLevel::Landlock),
        Err(problem) => Err(NoSandbox { problem }),
    }
}

async fn attempt(level: SandboxLevel, helper: &Path, folder: &Path) -> Result<(), String> {
    let failed = |error: io::Error| error.to_string();
    let folder = folder.to_owned();
    let made = spawn_blocking(move || make_place(&folder)).await;
    let made = made.unwrap_or_else(|error| Err(error.into()));
    let (_place, inside, outside) = made.map_err(failed)?;
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (open, closed) = (listen().map_err(failed)?, listen().map_err(failed)?);
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    let (open, closed_port) = (port(&open).map_err(failed)?, port(&closed).map_err(failed)?);

    let confinement = Confinement::new(level, helper).write(&inside);
    let with_port = confinement.clone().connect(open);
    for confinement in [confinement, with_port] {
        let check = ChildCommand::new(helper, helper, &inside)
            .args([
                "sandbox-check".as_ref(),
                "--inside".as_ref(),
                inside.as_os_str(),
            ])
            .args(["--outside".as_ref(), outside.as_os_str()])
            .args(["--closed-port", &closed_port.to_string()])
            .confine(confinement);
        let mut said = Vec::new();
        let child = check.spawn().map_err(failed)?;
        let ending = child
            .run(tokio::time::sleep(LIMIT), |_: Output, bytes| {
                said.extend_from_slice(bytes);
            })
            .await
            .map_err(failed)?;
        if ending != Ending::Exited(0) {
            return Err(String::from_utf8_lossy(&said).trim().to_owned());
        }
    }
    Ok(())
}

/// A folder with one that the program may write in, and a file that it may not open.
#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn make_place(folder: &Path) -> io::Result<(TempDir, PathBuf, PathBuf)> {
    let place = tempfile::Builder::new()
        .prefix("sandbox-")
        .tempdir_in(folder)?;
    let inside = place.path().join("inside");
    fs::create_dir(&inside)?;
    let outside = place.path().join("outside");
    fs::write(&outside, "outside")?;
    Ok((place, inside, outside))
}

/// Arguments of `wombat sandbox-check`.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckArgs {
    /// Folder that the program must be able to write in.
    #[arg(long, value_name = "DIR")]
    inside: PathBuf,
    /// File that the program must not be able to open.
    #[arg(long, value_name = "FILE")]
    outside: PathBuf,
    /// Port with a listener that the program must not be able to connect to.
    #[arg(long, value_name = "PORT")]
    closed_port: u16,
}

/// Tries what a confined program must be able to do, and what it must not.
#[expect(
    clippy::disallowed_methods,
    reason = "runs in a process that does nothing else"
)]
pub(crate) fn check_main(args: &CheckArgs) -> ExitCode {
    let file = args.inside.join("file");
    let works = fs::write(&file, "inside").and_then(|()| fs::read(&file));
    if let Err(error) = works {
        eprintln!("a confined program can't use its own folder: {error}");
        return ExitCode::FAILURE;
    }
    let connected = TcpStream::connect((Ipv4Addr::LOCALHOST, args.closed_port));
    let escapes = [
        ("read a file", fs::read(&args.outside).is_ok()),
        ("write a file", fs::write(&args.outside, "changed").is_ok()),
        ("follow a link", linked(args).is_ok()),
        ("connect", connected.is_ok()),
        (
            "listen",
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).is_ok(),
        ),
        (
            "send a packet",
            UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).is_ok(),
        ),
    ];
    let mut code = ExitCode::SUCCESS;
    for (what, _) in escapes.into_iter().filter(|(_, escaped)| *escaped) {
        eprintln!("the sandbox lets a program {what} outside of it");
        code = ExitCode::FAILURE;
    }
    code
}

fn linked(args: &CheckArgs) -> io::Result<()> {
    std::os::unix::fs::symlink(&args.outside, args.inside.join("link"))
}
