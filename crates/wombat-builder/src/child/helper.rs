//! The helper process: starts one program, waits for it, and leaves none of its descendants behind.

use std::{
    ffi::OsString,
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use rustix::process::{Pid, WaitStatus};
use tokio::{
    io::AsyncReadExt as _,
    net::unix::pipe,
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

use super::{EXIT_HELPER_FAILED, EXIT_NOT_STARTED, EXIT_OUT_OF_MEMORY, family::Family, limits};

/// How often the memory of all descendants is summed up.
const MEMORY_CHECK: Duration = Duration::from_millis(200);

/// What `wombat child` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct ChildArgs {
    /// How much lower the priority is.
    #[arg(long, default_value_t = 0)]
    pub nice: i32,
    /// Most memory that the program and its descendants may hold together.
    #[arg(long, value_name = "BYTES")]
    pub memory_limit: Option<u64>,
    /// Largest file that may be written.
    #[arg(long, value_name = "BYTES")]
    pub file_size_limit: Option<u64>,
    /// Milliseconds between asking the program to end and killing it.
    #[arg(long, default_value_t = 0)]
    pub grace_ms: u64,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

/// Runs the program. Ends with its status, or 128 and the number of the signal that ended it.
///
/// On Linux the helper becomes the parent of every orphaned descendant, so that not even one that detached itself
/// gets away; elsewhere the program's process group is what is killed.
pub fn main(args: ChildArgs) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return helper_failed("start", &error),
    };
    runtime
        .block_on(supervise(args))
        .unwrap_or_else(|error| helper_failed("watch the program", &error))
}

fn helper_failed(what: &str, error: &std::io::Error) -> ExitCode {
    eprintln!("wombat child: can't {what}: {error}");
    ExitCode::from(EXIT_HELPER_FAILED)
}

enum Cause {
    Ended(WaitStatus),
    AskedTo,
    OutOfMemory,
}

async fn supervise(args: ChildArgs) -> std::io::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut child_changed = signal(SignalKind::child())?;
    limits::apply(args.nice, args.file_size_limit)?;
    Family::adopt_orphans()?;

    let mut words = args.command.into_iter();
    let program = words.next().unwrap_or_default();
    let started = Command::new(&program)
        .args(words)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn();
    let family = match started {
        Ok(child) => Family::of(Pid::from_child(&child)),
        Err(error) => {
            eprintln!("wombat child: can't start {}: {error}", program.display());
            return Ok(ExitCode::from(EXIT_NOT_STARTED));
        }
    };
    let lifeline = lifeline();
    tokio::pin!(lifeline);
    let mut memory_check = interval_at(Instant::now() + MEMORY_CHECK, MEMORY_CHECK);
    memory_check.set_missed_tick_behavior(MissedTickBehavior::Delay);

    let cause = loop {
        tokio::select! {
            _ = child_changed.recv() => if let Some(status) = family.reap() {
                break Cause::Ended(status);
            },
            _ = terminate.recv() => break Cause::AskedTo,
            _ = interrupt.recv() => break Cause::AskedTo,
            () = &mut lifeline => break Cause::AskedTo,
            _ = memory_check.tick(), if args.memory_limit.is_some() => {
                if args.memory_limit.is_some_and(|limit| family.memory() > limit) {
                    break Cause::OutOfMemory;
                }
            }
        }
    };
    let status = match cause {
        Cause::Ended(status) => Some(status),
        Cause::AskedTo if args.grace_ms > 0 => {
            family.ask_to_end();
            let wait = ended(&family, &mut child_changed);
            timeout(Duration::from_millis(args.grace_ms), wait)
                .await
                .ok()
        }
        Cause::AskedTo | Cause::OutOfMemory => None,
    };
    let killed = kill_all(&family, &mut child_changed).await;
    Ok(match (&cause, status.or(killed)) {
        (Cause::OutOfMemory, _) => ExitCode::from(EXIT_OUT_OF_MEMORY),
        (Cause::Ended(_) | Cause::AskedTo, Some(status)) => exit_code(status),
        (Cause::Ended(_) | Cause::AskedTo, None) => ExitCode::from(EXIT_HELPER_FAILED),
    })
}

/// Resolves when standard input ends: our parent closed it, or is no more. Of anything but a pipe nothing is expected.
///
/// No thread reads it, since we must have only one: a parent is told of our end before the kernel has tidied up after the
/// last of several threads, and the lower our priority is, the longer the parent spins in `wait` until that is done.
async fn lifeline() {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    let Ok(mut pipe) = stdin.and_then(pipe::Receiver::from_owned_fd) else {
        return std::future::pending().await;
    };
    let mut buffer = [0; 64];
    while pipe.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}

async fn ended(family: &Family, child_changed: &mut Signal) -> WaitStatus {
    loop {
        if let Some(status) = family.reap() {
            return status;
        }
        child_changed.recv().await;
    }
}

/// Kills until nobody is left: while we look, a descendant may start another.
async fn kill_all(family: &Family, child_changed: &mut Signal) -> Option<WaitStatus> {
    /// A process that can't be killed for so long hangs in the kernel; nothing can be done about it from here.
    const LONGEST: Duration = Duration::from_secs(30);
    let begun = Instant::now();
    let mut status = None;
    loop {
        let left = family.kill();
        status = status.or(family.reap());
        if left == 0 || begun.elapsed() > LONGEST {
            return status;
        }
        // A grandchild's end doesn't signal us before it becomes our child, so don't rely on the signal alone.
        drop(timeout(Duration::from_millis(5), child_changed.recv()).await);
    }
}

fn exit_code(status: WaitStatus) -> ExitCode {
    let number = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
        (None, Some(signal)) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        (None, None) => EXIT_HELPER_FAILED,
    };
    ExitCode::from(number)
}
