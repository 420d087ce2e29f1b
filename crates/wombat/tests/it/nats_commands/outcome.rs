//! Tries a command with a key, and judges what became of it.

use std::time::Duration;

use wombat_store::roles::NatsRole;

use super::{
    commands::{Command, Course, filled},
    shell::{Nats, Said},
};
use crate::guarded_system::GuardedSystem;

/// Words of a refusal. Most refused commands say only that they waited in vain; then the server's log has the reason.
const REASONS: [&str; 6] = [
    "rollup not permitted",
    "maximum messages per subject exceeded",
    "Permissions Violation",
    "No responders are available",
    "no service instances found",
    "not permitted",
];
/// How long a command that should be refused waits for an answer: long enough to reach the server on a machine that
/// isn't busy, and then longer.
const IN_VAIN: [Duration; 3] = waits([400, 3_000, 10_000]);
/// The same for one that takes all its time, although it works.
const ALL_ITS_TIME: [Duration; 3] = waits([1_000, 4_000, 15_000]);
pub(super) const USUAL: [Duration; 1] = [Duration::from_secs(15)];

const fn waits(milliseconds: [u64; 3]) -> [Duration; 3] {
    let [short, longer, long] = milliseconds;
    [
        Duration::from_millis(short),
        Duration::from_millis(longer),
        Duration::from_millis(long),
    ]
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Works,
    Refused,
    NoEffect,
    Unclear(String),
}

impl Outcome {
    pub(super) fn expected(command: &Command, role: NatsRole) -> Self {
        match command.course {
            Course::HasNoEffect => Self::NoEffect,
            Course::Ends | Course::GoesOn if command.may(role) => Self::Works,
            Course::Ends | Course::GoesOn => Self::Refused,
        }
    }

    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Works => "yes",
            Self::Refused => "–",
            Self::NoEffect => "no effect",
            Self::Unclear(_) => "?",
        }
    }
}

/// The names that stand in commands, for this key.
fn names(system: &GuardedSystem, role: NatsRole) -> Vec<(&'static str, String)> {
    let [stream, keys, objects] = if role == NatsRole::Admin {
        ["mine"; 3]
    } else {
        ["KV_gocache", "builds", "artifacts"]
    };
    vec![
        ("build", system.build.clone()),
        ("object", system.object.clone()),
        ("sha256", system.sha256.clone()),
        ("unused", system.unused_key()),
        ("stream", stream.to_owned()),
        ("keys", keys.to_owned()),
        ("objects", objects.to_owned()),
    ]
}

/// Tries a command, more patiently each time until the outcome is the expected one.
pub(super) async fn try_out(
    system: &GuardedSystem,
    role: NatsRole,
    command: &Command,
) -> anyhow::Result<Outcome> {
    let names = names(system, role);
    let (line, proof) = (command.filled(&names), filled(command.proof, &names));
    let expected = Outcome::expected(command, role);
    let waits = match &expected {
        Outcome::Refused => &IN_VAIN[..],
        _ if command.takes_all_its_time() => &ALL_ITS_TIME[..],
        Outcome::Works | Outcome::NoEffect | Outcome::Unclear(_) => &USUAL[..],
    };
    let mut outcome = Outcome::Unclear(String::new());
    for wait in waits {
        let nats = Nats::of(system, role);
        let said = if command.course == Course::GoesOn {
            nats.run_until(&line, &proof).await?
        } else {
            nats.run(&line, *wait).await?
        };
        outcome = judge(command, &said, &proof, nats.was_refused()?);
        if outcome == expected {
            break;
        }
    }
    Ok(outcome)
}

fn judge(command: &Command, said: &Said, proof: &str, is_violation: bool) -> Outcome {
    let works = said.succeeded && said.text.contains(proof);
    if REASONS.iter().any(|reason| said.text.contains(reason)) {
        Outcome::Refused
    } else if works && command.course == Course::HasNoEffect && !is_violation {
        Outcome::NoEffect
    } else if works {
        Outcome::Works
    // The services aren't in the account of the store: no answer, and no error.
    } else if is_violation || (said.succeeded && said.text.trim().is_empty()) {
        Outcome::Refused
    } else {
        Outcome::Unclear(said.text.clone())
    }
}
