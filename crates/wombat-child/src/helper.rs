//! The helper process: starts one program, waits for it, and leaves none of its descendants behind.

use std::{ffi::OsString, os::fd::AsFd as _, process::ExitCode, time::Duration};

use rustix::process::{Pid, WaitStatus};
use tokio::{
    io::AsyncReadExt as _,
    net::unix::pipe,
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

use wombat_model::SandboxLevel;

use crate::{
    cgroup::{Cgroup, Delegated},
    confinement::Confinement,
    descriptors, exit,
    family::Family,
    limits, sandbox,
    start::{NotStarted, start},
};

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
    /// Thread limit for the program and its descendants together.
    #[arg(long, value_name = "N")]
    pub thread_limit: Option<usize>,
    /// Limit of the memory that each process maps for writing, whether it uses it or not.
    #[arg(long, value_name = "BYTES")]
    pub data_limit: Option<u64>,
    /// What the program may access, as JSON.
    #[arg(long, value_name = "JSON", value_parser = Confinement::from_json)]
    pub confine: Option<Confinement>,
    /// Milliseconds between SIGTERM and SIGKILL.
    #[arg(long, default_value_t = 0)]
    pub grace_ms: u64,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
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
    if let Err(error) = descriptors::close_inherited() {
        return helper_failed("close inherited files", &error);
    }
    // Early, since the runtime may start threads, and only a process with a single one can leave its user
    // namespace.
    if let Err(error) = sandbox::separate(level) {
        return helper_failed("leave the user namespace", &error);
    }
    if level == SandboxLevel::Namespaces
        && let Some(threads) = args.thread_limit
        && let Err(error) = limits::limit_threads(threads)
    {
        return helper_failed("limit threads", &error.into());
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
        if self.thread_limit.is_some_and(|limit| usage.threads > limit) {
            return Some(Cause::TooManyProcesses);
        }
        None
    }

    /// How often the usage of the program and its descendants is compared with the limits. A program whose threads are
    /// limited is one that starts no others, so that looking at it costs next to nothing.
    fn usage_check(&self) -> Duration {
        match self.thread_limit {
            Some(_) => CROWD_CHECK,
            None => USAGE_CHECK,
        }
    }

    /// A cgroup with these limits, if one can be made.
    fn cgroup(&self) -> Option<Cgroup> {
        let place = Delegated::find().ok()?;
        let group = place.child(std::process::id(), self.memory_limit, self.thread_limit);
        group.ok()
    }

    fn limited(&self) -> bool {
        self.memory_limit.is_some() || self.process_limit.is_some() || self.thread_limit.is_some()
    }
}

async fn supervise(args: ChildArgs) -> std::io::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut child_changed = signal(SignalKind::child())?;
    limits::apply(args.file_size_limit, args.data_limit)?;
    Family::adopt_orphans()?;

    let crowd = Family::crowd();
    let group = args.cgroup().filter(|group| group.enter().is_ok());
    let started = start(args.command.clone(), args.nice, args.confine.clone());
    if let Some(group) = &group {
        // If it stays, it ends with all others once they exceed the limit, which is as good.
        let _ = group.leave();
    }
    let family = match started {
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
    let between = args.usage_check();
    let mut usage_check = interval_at(Instant::now() + between, between);
    usage_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
            _ = usage_check.tick(), if args.limited() => if let Some(cause) = args.exceeded(&family) {
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
    if group.is_some_and(|group| group.ran_out_of_memory()) {
        return Ok(ExitCode::from(exit::OUT_OF_MEMORY));
    }
    Ok(match (&cause, status.or(killed)) {
        (Cause::OutOfMemory, _) => ExitCode::from(exit::OUT_OF_MEMORY),
        (Cause::TooManyProcesses, _) => ExitCode::from(exit::TOO_MANY_PROCESSES),
        (Cause::Ended(_) | Cause::AskedTo, Some(status)) => exit_code(status),
        (Cause::Ended(_) | Cause::AskedTo, None) => ExitCode::from(exit::HELPER_FAILED),
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
