//! What a person does with the `nats` command line and the key of a role, and what it refuses. The table in
//! docs/NATS.md is made here.

mod commands;
mod outcome;
mod shell;

use std::{collections::BTreeSet, fmt::Write as _};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use wombat_store::roles::NatsRole;
use wombat_testkit::table_in_docs;

use crate::guarded_system::{GuardedSystem, Streams, changes};
use commands::{Command, ENDPOINTS, KEYS, commands};
use outcome::{Outcome, USUAL, try_out};
use shell::{Nats, lines_of_a_person};

/// Commands in flight: most of them wait.
const AT_ONCE: usize = 8;

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

fn allows_rollups(streams: &Streams, stream: &str) -> bool {
    streams[stream]["config"]["allow_rollup_hdrs"] == true
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
    // Why the documentation warns of `edit`, and what it says about that.
    let edited = system.streams()?;
    assert!(allows_rollups(&edited, "KV_catalog") && allows_rollups(&edited, "OBJ_artifacts"));
    system.set_up()?;
    let restored = system.streams()?;
    assert!(
        !allows_rollups(&restored, "KV_catalog") && !allows_rollups(&restored, "OBJ_artifacts")
    );
    assert_eq!(
        restored["OBJ_artifacts"]["config"]["max_msgs_per_subject"],
        1
    );
    assert!(system.serves_the_binary().await?);
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
