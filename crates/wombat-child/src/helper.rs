//! The helper process: starts one program, waits for it, and leaves none of its descendants behind.

use std::{
    ffi::OsString,
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, WaitStatus};
use tokio::{
    io::AsyncReadExt as _,
    net::unix::pipe,
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

use wombat_model::SandboxLevel;

use crate::{confinement::Confinement, exit, family::Family, limits, sandbox};

/// How often the descendants are counted and their memory is summed up.
const USAGE_CHECK: Duration = Duration::from_millis(200);

/// How often the machine's threads are counted. That costs next to nothing, and a fork bomb grows to thousands of
/// processes within the other interval.
const CROWD_CHECK: Duration = Duration::from_millis(20);

/// Arguments of `wombat child`.
#[derive(Clone, Debug, clap::Args)]
pub struct ChildArgs {
    /// `nice` value of the program.
    #[arg(long, default_value_t = 0)]
    pub nice: i32,
    /// Memory limit for the program and its descendants together.
    #[arg(long, value_name = "BYTES")]
    pub memory_limit: Option<u64>,
    /// Size limit for any file that the program writes.
    #[arg(long, value_name = "BYTES")]
    pub file_size_limit: Option<u64>,
    /// Process limit for the program and its descendants together.
    #[arg(long, value_name = "N")]
    pub process_limit: Option<usize>,
    /// What the program may access, as JSON.
    #[arg(long, value_name = "JSON", value_parser = confinement)]
    pub confine: Option<Confinement>,
    /// Milliseconds between SIGTERM and SIGKILL.
    #[arg(long, default_value_t = 0)]
    pub grace_ms: u64,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

fn confinement(text: &str) -> Result<Confinement, serde_json::Error> {
    serde_json::from_str(text)
}

/// Runs the program. Exits with its status, or with 128 plus the number of the signal that ended it.
///
/// On Linux the helper becomes the parent of every orphaned descendant, so that it also kills those that detached
/// themselves; elsewhere it kills the program's process group.
pub(crate) fn main(args: ChildArgs) -> ExitCode {
    let level = args
        .confine
        .as_ref()
        .map_or(SandboxLevel::None, |confinement| confinement.level);
    // First of all, since the runtime may start threads, and only a process with a single one can leave its user
    // namespace.
    if let Err(error) = sandbox::separate(level) {
        return helper_failed("leave the user namespace", &error);
    }
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
    ExitCode::from(exit::HELPER_FAILED)
}

enum Cause {
    Ended(WaitStatus),
    AskedTo,
    OutOfMemory,
    TooManyProcesses,
}

impl ChildArgs {
    /// The limit that the program and its descendants exceed, if any.
    fn exceeded(&self, family: &Family) -> Option<Cause> {
        let usage = family.usage(self.process_limit);
        if self.memory_limit.is_some_and(|limit| usage.memory > limit) {
            return Some(Cause::OutOfMemory);
        }
        if self
            .process_limit
            .is_some_and(|limit| usage.processes > limit)
        {
            return Some(Cause::TooManyProcesses);
        }
        None
    }
}

async fn supervise(args: ChildArgs) -> std::io::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut child_changed = signal(SignalKind::child())?;
    limits::apply(args.file_size_limit)?;
    Family::adopt_orphans()?;

    let crowd = Family::crowd();
    let family = match start(args.command.clone(), args.nice, args.confine.clone()) {
        Ok(child) => Family::of(Pid::from_child(&child)),
        Err(NotStarted::Program(program, error)) => {
            eprintln!("wombat child: can't start {}: {error}", program.display());
            return Ok(ExitCode::from(exit::NOT_STARTED));
        }
        Err(NotStarted::Confinement(error)) => {
            return Ok(helper_failed("confine the program", &error));
        }
    };
    let lifeline = lifeline();
    tokio::pin!(lifeline);
    let mut usage_check = interval_at(Instant::now() + USAGE_CHECK, USAGE_CHECK);
    usage_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let limited = args.memory_limit.is_some() || args.process_limit.is_some();
    let mut crowd_check = interval_at(Instant::now() + CROWD_CHECK, CROWD_CHECK);
    crowd_check.set_missed_tick_behavior(MissedTickBehavior::Delay);

    let cause = loop {
        tokio::select! {
            _ = child_changed.recv() => if let Some(status) = family.reap() {
                break Cause::Ended(status);
            },
            _ = terminate.recv() => break Cause::AskedTo,
            _ = interrupt.recv() => break Cause::AskedTo,
            () = &mut lifeline => break Cause::AskedTo,
            _ = usage_check.tick(), if limited => if let Some(cause) = args.exceeded(&family) {
                break cause;
            },
            _ = crowd_check.tick(), if args.process_limit.is_some() => {
                let more = Family::crowd().saturating_sub(crowd);
                if args.process_limit.is_some_and(|limit| more > limit)
                    && let Some(cause) = args.exceeded(&family)
                {
                    break cause;
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
        Cause::AskedTo | Cause::OutOfMemory | Cause::TooManyProcesses => None,
    };
    let killed = kill_all(&family, &mut child_changed).await;
    Ok(match (&cause, status.or(killed)) {
        (Cause::OutOfMemory, _) => ExitCode::from(exit::OUT_OF_MEMORY),
        (Cause::TooManyProcesses, _) => ExitCode::from(exit::TOO_MANY_PROCESSES),
        (Cause::Ended(_) | Cause::AskedTo, Some(status)) => exit_code(status),
        (Cause::Ended(_) | Cause::AskedTo, None) => ExitCode::from(exit::HELPER_FAILED),
    })
}

enum NotStarted {
    Program(OsString, std::io::Error),
    Confinement(std::io::Error),
}

/// Starts the program in its confinement.
///
/// The helper itself stays unconfined, since it has to see and kill all descendants. So a short-lived thread enters the
/// confinement and starts the program, which inherits it.
fn start(
    command: Vec<OsString>,
    niceness: i32,
    confinement: Option<Confinement>,
) -> Result<Child, NotStarted> {
    let mut words = command.into_iter();
    let program = words.next().unwrap_or_default();
    let starting = thread::spawn(move || {
        // The helper keeps its priority: it must get CPU time to kill a fork bomb.
        limits::yield_to_others(niceness).map_err(|error| NotStarted::Confinement(error.into()))?;
        if let Some(confinement) = confinement {
            sandbox::enter(&confinement).map_err(NotStarted::Confinement)?;
        }
        let started = Command::new(&program)
            .args(words)
            .stdin(Stdio::null())
            .process_group(0)
            .spawn();
        started.map_err(|error| NotStarted::Program(program, error))
    });
    starting.join().unwrap_or_else(|_| {
        let panicked = std::io::Error::other("a thread panicked");
        Err(NotStarted::Confinement(panicked))
    })
}

/// Resolves when standard input ends, because the parent closed it or is gone. Never resolves if standard input isn't a
/// pipe.
///
/// Read without a thread, since the helper must have only one: the kernel reports the end of a process before it has
/// cleaned up the last of several threads, and the lower the priority of the process, the longer its parent spins in
/// `wait` until that is done.
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

/// Kills until no descendant is left: each round, one may start another.
async fn kill_all(family: &Family, child_changed: &mut Signal) -> Option<WaitStatus> {
    /// A process that survives for so long hangs in the kernel, and the helper can't do anything about it.
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
        (None, None) => exit::HELPER_FAILED,
    };
    ExitCode::from(number)
}
