//! nats-py and nats.js, with the key of each role: what a person does with them works, and what a thief tries doesn't.
//! `tests/clients` has the scripts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::json;
use tokio::process::Command;
use wombat_store::roles::NatsRole;

use crate::guarded_system::{GuardedSystem, changes};

/// Far more than a script takes.
const LIMIT: Duration = Duration::from_mins(2);
const ROLES: [NatsRole; 5] = [
    NatsRole::ReadOnly,
    NatsRole::Api,
    NatsRole::Builder,
    NatsRole::Service,
    NatsRole::Admin,
];

/// An operation, and the roles with whose keys it succeeds in Python and in JavaScript: their initials, and M for the
/// admin.
struct Operation(&'static str, [&'static str; 2]);

const OPERATIONS: [Operation; 13] = [
    // nats-py reads from any replica, nats.js from the leader.
    Operation("read a record", ["RM", "RABSM"]),
    // Both look at more than the stream: nats-py for its name, nats.js at the account.
    Operation("read a binary", ["RM", "RM"]),
    Operation("read a binary by its build", ["RM", "RM"]),
    Operation("list builds", ["RA", "RA"]),
    Operation("ping the services", ["R", "R"]),
    Operation("ask for hostile replies", ["RABSM", "RABSM"]),
    // nats.js adds the prefix of the API to the subject.
    Operation("write a record", ["BSM", "M"]),
    Operation("write an object", ["", ""]),
    Operation("replace a binary", ["", ""]),
    Operation("roll up", ["", ""]),
    Operation("delete a binary", ["", ""]),
    Operation("purge a stream", ["", ""]),
    Operation("delete a stream", ["", ""]),
];
/// The last ones, which are tried with keys that may not purge.
const DESTRUCTIVE: usize = 3;

fn initial(role: NatsRole) -> char {
    match role {
        NatsRole::ReadOnly => 'R',
        NatsRole::Api => 'A',
        NatsRole::Builder => 'B',
        NatsRole::Service => 'S',
        NatsRole::Admin | NatsRole::Publisher => 'M',
    }
}

fn may_purge(role: NatsRole) -> bool {
    matches!(role, NatsRole::Service | NatsRole::Admin)
}

/// What a script prints for an operation.
#[derive(Debug, Deserialize)]
struct Line {
    operation: String,
    outcome: String,
    words: String,
}

/// A library, by what runs its script.
struct Library {
    name: &'static str,
    interpreter: PathBuf,
    script: PathBuf,
}

impl Library {
    fn both() -> anyhow::Result<[Self; 2]> {
        let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let scripts = crate_folder.join("tests/clients");
        let python = crate_folder.join("../../target/tools/nats-py/bin/python");
        let installed = scripts.join("javascript/node_modules/@nats-io/transport-node");
        ensure!(
            python.is_file() && installed.is_dir(),
            "nats-py or nats.js is missing: run `make clients`, which installs them"
        );
        Ok([
            Self {
                name: "nats-py",
                interpreter: python,
                script: scripts.join("python/client.py"),
            },
            Self {
                name: "nats.js",
                interpreter: "node".into(),
                script: scripts.join("javascript/client.js"),
            },
        ])
    }

    /// Everything that the script says with the role's key.
    async fn run(&self, plan: &str) -> anyhow::Result<BTreeMap<String, Line>> {
        let child = Command::new(&self.interpreter)
            .arg(&self.script)
            .arg(plan)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} doesn't start", self.interpreter.display()))?;
        let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await;
        let output = output.with_context(|| format!("{} doesn't end", self.name))??;
        ensure!(output.status.success(), "{}: {output:?}", self.name);
        let lines = output.stdout.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.is_empty()).map(|line| {
            let line: Line = serde_json::from_slice(line)?;
            Ok((line.operation.clone(), line))
        });
        lines.collect()
    }
}

/// What a script is to do with the key of a role.
fn plan(system: &GuardedSystem, role: NatsRole) -> anyhow::Result<String> {
    let domain = (role != NatsRole::Admin).then_some("wombat");
    // An empty answer is a valid request to delete or to purge.
    let empty = match role {
        NatsRole::ReadOnly => Some("$JS.wombat.API.DIRECT.GET.KV_builds.$KV.builds.none"),
        NatsRole::Api => Some("$JS.wombat.API.DIRECT.GET.KV_publications.$KV.publications.none"),
        NatsRole::Builder => Some("$JS.wombat.API.DIRECT.GET.KV_gocache.$KV.gocache.none"),
        NatsRole::Service | NatsRole::Publisher | NatsRole::Admin => None,
    };
    let mut hostile = Vec::new();
    if role != NatsRole::Admin {
        let questions = [Some("$JS.wombat.API.STREAM.INFO.KV_builds"), empty];
        for question in questions.into_iter().flatten() {
            for reply in [
                "$JS.API.STREAM.DELETE.KV_gocache",
                "$JS.API.STREAM.PURGE.KV_builds",
                "$JS.wombat.API.STREAM.DELETE.KV_gocache",
                "$JS.wombat.API.STREAM.PURGE.KV_builds",
                "$KV.catalog.blocklist",
                "$O.artifacts.M.forged",
            ] {
                hostile.push([question, reply]);
            }
        }
    }
    let plan = json!({
        "url": system.url(),
        "seed": system.seed_file(role),
        "inbox": system.inbox_prefix(role)?,
        "domain": domain,
        "build": system.build,
        "object": system.object,
        "unused": system.unused_key(),
        "hostile": hostile,
        "may_purge": may_purge(role),
    });
    Ok(plan.to_string())
}

/// What differs from the table, and what is missing in a result.
fn wrong(
    system: &GuardedSystem,
    role: NatsRole,
    column: usize,
    said: &BTreeMap<String, Line>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let tried = OPERATIONS.len() - if may_purge(role) { DESTRUCTIVE } else { 0 };
    for Operation(name, who) in &OPERATIONS[..tried] {
        let expected = if who[column].contains(initial(role)) {
            "done"
        } else {
            "refused"
        };
        let result = match *name {
            "read a record" | "read a binary" | "read a binary by its build" => &system.sha256,
            "list builds" => &system.build,
            "ping the services" => "catalog",
            _ => "",
        };
        match said.get(*name) {
            Some(line) if line.outcome != expected => wrong.push(format!("{line:?}")),
            Some(line) if expected == "done" && !line.words.contains(result) => {
                wrong.push(format!("{line:?} without {result}"));
            }
            Some(_) => {}
            None => wrong.push(format!("{name} wasn't tried")),
        }
    }
    wrong
}

/// Whether a change is of what the role's own key may write.
fn is_own(role: NatsRole, change: &str) -> bool {
    match role {
        NatsRole::ReadOnly | NatsRole::Api | NatsRole::Publisher => false,
        NatsRole::Builder | NatsRole::Service => change.starts_with("KV_builds: last_seq"),
        NatsRole::Admin => {
            // The chunks of an object whose entry is refused.
            change.starts_with("KV_builds: last_seq") || change.starts_with("OBJ_artifacts: ")
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_py_and_nats_js_do_what_the_key_may() -> anyhow::Result<()> {
    let libraries = Library::both()?;
    let system = GuardedSystem::start(&[]).await?;
    let mut all_wrong = Vec::new();
    for role in ROLES {
        let before = system.streams()?;
        let plan = plan(&system, role)?;
        let said = futures::future::join_all(libraries.iter().map(|it| it.run(&plan))).await;
        for (column, (library, said)) in libraries.iter().zip(said).enumerate() {
            let said = said.with_context(|| format!("{} as {role}", library.name))?;
            for line in said.values() {
                println!("{} as {role}: {line:?}", library.name);
            }
            let wrong = wrong(&system, role, column, &said);
            all_wrong.extend(
                wrong
                    .iter()
                    .map(|it| format!("{} as {role}: {it}", library.name)),
            );
        }
        let mut changes = changes(&before, &system.streams()?);
        changes.retain(|it| !is_own(role, it));
        assert_eq!(changes, Vec::<String>::new(), "{role}");
    }
    assert_eq!(all_wrong, Vec::<String>::new());
    assert!(system.serves_the_binary().await?);
    Ok(())
}
