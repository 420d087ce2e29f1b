//! Starts the program in its confinement.

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    thread,
};

use wombat_model::SandboxLevel;

use crate::{
    confinement::{Calls, Confinement},
    limits,
    oom::KilledFirst,
    sandbox,
};

/// This very program, also if its file was replaced since it started.
const ITSELF: &str = "/proc/self/exe";

/// Why there is no program.
pub(crate) enum NotStarted {
    Program(OsString, io::Error),
    Confinement(io::Error),
}

/// Starts the program, whose name is the first word.
///
/// The helper itself stays unconfined, since it has to see and kill all descendants. So a short-lived thread enters the
/// confinement and starts the program, which inherits it.
pub(crate) fn start(
    words: Vec<OsString>,
    niceness: i32,
    confinement: Option<Confinement>,
) -> Result<Child, NotStarted> {
    let _killed_first = KilledFirst::begin();
    let starting = thread::spawn(move || {
        // The helper keeps its priority: it must get CPU time to kill a fork bomb.
        limits::yield_to_others(niceness).map_err(|error| NotStarted::Confinement(error.into()))?;
        let mut command = match confinement {
            None => direct(&words),
            Some(confinement) => confine(&words, &confinement).map_err(NotStarted::Confinement)?,
        };
        let started = command.stdin(Stdio::null()).process_group(0).spawn();
        started.map_err(|error| NotStarted::Program(name(&words), error))
    });
    starting.join().unwrap_or_else(|_| {
        let panicked = io::Error::other("a thread panicked");
        Err(NotStarted::Confinement(panicked))
    })
}

/// Confines this thread as far as it must be to start the program.
fn confine(words: &[OsString], confinement: &Confinement) -> io::Result<Command> {
    sandbox::leave(confinement)?;
    match (confinement.calls, confinement.level) {
        // From inside, this thread couldn't start anything.
        (Calls::Reader, SandboxLevel::Landlock | SandboxLevel::Namespaces) => {
            Ok(through_itself(words, confinement)?)
        }
        (Calls::Reader, SandboxLevel::None)
        | (
            Calls::Toolchain,
            SandboxLevel::None | SandboxLevel::Landlock | SandboxLevel::Namespaces,
        ) => {
            sandbox::restrict(confinement)?;
            Ok(direct(words))
        }
    }
}

fn direct(words: &[OsString]) -> Command {
    let mut command = Command::new(name(words));
    command.args(words.iter().skip(1));
    command
}

/// A process that confines itself and then becomes the program ([`crate::confined`]).
fn through_itself(words: &[OsString], confinement: &Confinement) -> serde_json::Result<Command> {
    let mut command = Command::new(ITSELF);
    command.args(["confined", "--confine", &confinement.to_json()?, "--"]);
    command.args(words);
    Ok(command)
}

fn name(words: &[OsString]) -> OsString {
    words.first().cloned().unwrap_or_default()
}
