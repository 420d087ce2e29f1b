//! What a person does with the `nats` command line and the key of a role, and what it refuses. The table in
//! docs/NATS.md is made here.

mod commands;
mod shell;

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use wombat_store::roles::NatsRole;
use wombat_testkit::table_in_docs;

use crate::guarded_system::{GuardedSystem, changes};
use commands::{Command, Course, ENDPOINTS, KEYS, commands, filled};
use shell::{Nats, Said, lines_of_a_person};

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
/// Commands in flight: most of them wait.
const AT_ONCE: usize = 8;
const USUAL: [Duration; 1] = [Duration::from_secs(15)];

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
enum Outcome {
    Works,
    Refused,
    NoEffect,
    Unclear(String),
}

impl Outcome {
    fn expected(command: &Command, role: NatsRole) -> Self {
        match command.course {
            Course::HasNoEffect => Self::NoEffect,
            Course::Ends | Course::GoesOn if command.may(role) => Self::Works,
            Course::Ends | Course::GoesOn => Self::Refused,
        }
    }

    fn shown(&self) -> &str {
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
    let stream = if role == NatsRole::Admin {
        "mine"
    } else {
        "KV_gocache"
    };
    vec![
        ("build", system.build.clone()),
        ("object", system.object.clone()),
        ("sha256", system.sha256.clone()),
        ("unused", system.unused_key()),
        ("stream", stream.to_owned()),
    ]
}

/// Tries a command, more patiently each time until the outcome is the expected one.
async fn try_out(
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
        println!("{role}: {line}: {wait:?}: {outcome:?}");
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

/// What differs from what is expected of a command.
async fn difference(
    system: &GuardedSystem,
    role: NatsRole,
    command: &Command,
) -> anyhow::Result<Option<String>> {
    let outcome = try_out(system, role, command).await?;
    let differs = outcome != Outcome::expected(command, role);
    Ok(differs.then(|| format!("{role}: {}: {outcome:?}", command.shown())))
}

/// Tries the commands that work with a key, one after the other.
async fn try_the_allowed(system: &GuardedSystem, role: NatsRole) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for command in commands() {
        if Outcome::expected(&command, role) == Outcome::Works {
            wrong.extend(difference(system, role, &command).await?);
        }
    }
    Ok(wrong)
}

/// Tries all commands that shouldn't change anything with these keys, many at the same time.
async fn try_the_others(system: &GuardedSystem, keys: &[NatsRole]) -> anyhow::Result<Vec<String>> {
    let all = commands();
    let tries = keys
        .iter()
        .flat_map(|role| all.iter().map(|it| (*role, it)));
    let tries = tries.filter(|(role, it)| Outcome::expected(it, *role) != Outcome::Works);
    let tries = tries.map(|(role, command)| difference(system, role, command));
    let wrong: Vec<_> = stream::iter(tries)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(wrong.into_iter().flatten().collect())
}

fn table() -> anyhow::Result<String> {
    let (mut table, mut rule) = (String::from("| command |"), String::from("\n|---|"));
    for role in KEYS {
        write!(table, " {role} |")?;
        rule.push_str("---|");
    }
    table.push_str(&rule);
    let mut requests = String::new();
    let commands = commands();
    for (n, command) in commands.iter().enumerate() {
        let cells = |command: &Command| KEYS.map(|role| Outcome::expected(command, role));
        let mut shown = format!("`{}`", command.shown());
        // Requests with the same keys share a line.
        if let Some(endpoint) = command.endpoint() {
            write!(
                requests,
                "{}`{endpoint}`",
                if requests.is_empty() { "" } else { ", " }
            )?;
            let next = commands.get(n + 1).filter(|it| it.endpoint().is_some());
            if next.is_some_and(|next| cells(next) == cells(command)) {
                continue;
            }
            shown = format!("`nats request` to {}", std::mem::take(&mut requests));
        }
        write!(table, "\n| {shown} |")?;
        for cell in cells(command) {
            write!(table, " {} |", cell.shown())?;
        }
    }
    table.push('\n');
    Ok(table)
}

/// The endpoints that the services say they have.
async fn described_endpoints(system: &GuardedSystem) -> anyhow::Result<BTreeSet<String>> {
    let nats = Nats::of(system, NatsRole::ReadOnly);
    let mut all = BTreeSet::new();
    for service in ["build", "catalog"] {
        let said = nats
            .run(&format!("micro info {service} --json"), USUAL[0])
            .await?;
        let info: Value = serde_json::from_str(&said.text).with_context(|| said.text.clone())?;
        let info = info.get("info").unwrap_or(&info);
        for endpoint in info["endpoints"].as_array().context("endpoints")? {
            all.insert(
                endpoint["subject"]
                    .as_str()
                    .context("a subject")?
                    .to_owned(),
            );
        }
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_work_with_the_keys_that_the_documentation_names() -> anyhow::Result<()> {
    let system = GuardedSystem::start(&[]).await?;
    let known: BTreeSet<String> = ENDPOINTS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(described_endpoints(&system).await?, known);

    let before = system.streams()?;
    let changed = || anyhow::Ok(changes(&before, &system.streams()?));
    let (admin, keys) = KEYS.split_last().context("there are keys")?;
    let mut wrong = try_the_others(&system, keys).await?;
    assert_eq!(changed()?, Vec::<String>::new(), "{wrong:#?}");
    wrong.extend(try_the_others(&system, &[*admin]).await?);
    let mut by_admin = changed()?;
    // `object put` stores chunks, and purges them when the entry is refused.
    by_admin.retain(|it| !it.starts_with("OBJ_artifacts: last_seq"));
    assert_eq!(by_admin, Vec::<String>::new(), "{wrong:#?}");
    let before = system.streams()?;
    wrong.extend(try_the_allowed(&system, NatsRole::ReadOnly).await?);
    assert_eq!(changes(&before, &system.streams()?), Vec::<String>::new());
    let others = [NatsRole::Api, NatsRole::Builder, NatsRole::Service];
    let others = others.map(|role| try_the_allowed(&system, role));
    wrong.extend(futures::future::try_join_all(others).await?.concat());
    assert!(system.serves_the_binary().await?);
    wrong.extend(try_the_allowed(&system, *admin).await?);
    assert_eq!(wrong, Vec::<String>::new());
    // Why the documentation warns of `edit`.
    let edited = system.streams()?;
    assert_eq!(edited["KV_catalog"]["config"]["allow_rollup_hdrs"], true);
    assert_ne!(edited["OBJ_artifacts"]["config"]["max_msgs_per_subject"], 1);
    table_in_docs("NATS.md", "commands", &table()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_connects_with_the_lines_of_the_documentation() -> anyhow::Result<()> {
    let system = GuardedSystem::start(&["--reader", "alice"]).await?;
    let docs = include_str!("../../../../../docs/NATS.md");
    let (_, section) = docs
        .split_once("## Connecting as a person\n")
        .context("a section")?;
    let (_, block) = section.split_once("```\n").context("a block")?;
    let (lines, _) = block.split_once("```").context("the end of the block")?;
    assert_eq!(lines.lines().count(), 3, "{lines}");
    let key = system.folder().join("read-only-alice/user.nk");
    let mut own = lines.to_owned();
    for (documented, ours) in [
        ("nats://nats:4222", system.url()),
        (
            "/etc/wombat/nats/read-only-alice/user.nk",
            key.display().to_string(),
        ),
        ("<id>", system.build.clone()),
    ] {
        ensure!(own.contains(documented), "{documented} isn't in {lines}");
        own = own.replace(documented, &ours);
    }
    let said = lines_of_a_person(&own).await?;
    ensure!(said.succeeded, "{}", said.text);
    for proof in ["catalog", "Received with rtt", &system.build] {
        assert!(said.text.contains(proof), "{proof}: {}", said.text);
    }
    assert!(
        said.text.contains(&format!("sha256 {}", system.sha256)),
        "{}",
        said.text
    );
    Ok(())
}
