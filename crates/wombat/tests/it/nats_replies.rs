//! Replies aimed at what a role may not do: JetStream answers to any reply subject, in the account that asked.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use anyhow::Context as _;
use serde_json::Value;
use wombat_store::roles::{NatsRole, Permissions, RoleKeys, UserName};
use wombat_testkit::{Cluster, NatsServer, Wire, login_as};

use crate::{
    nats_accounts::old_roles,
    nats_roles::{seed_file, set_up_as_admin, user_name, written},
};

/// Where the attacker wants the answer.
pub(crate) const TARGETS: [&str; 12] = [
    "$JS.API.STREAM.DELETE.KV_gocache",
    "$JS.API.STREAM.PURGE.KV_catalog",
    "$JS.API.STREAM.CREATE.MINE",
    "$JS.wombat.API.STREAM.DELETE.KV_gocache",
    "$JS.wombat.API.STREAM.PURGE.KV_catalog",
    "$KV.catalog.blocklist",
    "$KV.builds.build.forged",
    "$KV.builders.another.id",
    "$KV.publications.result.forged.1",
    "$O.artifacts.M.forged",
    "$O.artifacts.C.another.id.0",
    "build.cancel",
];
/// Streams that a role writes by publishing.
const WRITTEN: [(&str, &str); 8] = [
    ("$KV.builds.", "KV_builds"),
    ("$KV.builders.", "KV_builders"),
    ("$KV.catalog.", "KV_catalog"),
    ("$KV.gocache.", "KV_gocache"),
    ("$KV.publications.", "KV_publications"),
    ("$O.artifacts.", "OBJ_artifacts"),
    ("$O.catalog-docs.", "OBJ_catalog-docs"),
    ("build.logs.", "BUILD_LOGS"),
];

fn written_stream(subject: &str) -> Option<&'static str> {
    let mut all = WRITTEN.iter();
    all.find_map(|(prefix, stream)| subject.starts_with(prefix).then_some(*stream))
}

/// The subjects that the first user of each role may publish to.
fn publishable(roles: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut role, mut is_listed) = (String::new(), false);
    for line in roles.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("# ").filter(|it| !it.contains(' ')) {
            name.clone_into(&mut role);
        } else if line.starts_with("publish: {") {
            is_listed = true;
        } else if line.starts_with("] }") {
            is_listed = false;
        } else if is_listed {
            let subject = line.trim_matches('"').to_owned();
            all.entry(role.clone()).or_default().push(subject);
        }
    }
    all
}

/// A subject that matches this one.
pub(crate) fn literal(subject: &str) -> String {
    subject.replace(['*', '>'], "x")
}

/// What a stream is, and how much was ever stored in it.
type Streams = BTreeMap<String, (Value, u64)>;

fn streams(admin: &mut Wire) -> anyhow::Result<Streams> {
    let answer = admin.ask("$JS.API.STREAM.LIST", "")?;
    let all = answer["streams"].as_array().context("streams")?;
    let stream = |stream: &Value| {
        let name = stream["config"]["name"].as_str()?.to_owned();
        let last = stream["state"]["last_seq"].as_u64()?;
        let first = stream["state"]["first_seq"].as_u64()?;
        let described = serde_json::json!({"config": stream["config"], "created": stream["created"], "first": first});
        Some((name, (described, last)))
    };
    all.iter()
        .map(|it| stream(it).context("a stream"))
        .collect()
}

/// Asks at each subject that the role may publish to for an answer at each target. Returns what changed that the role
/// didn't write itself.
fn attack(admin: &mut Wire, user: &mut Wire, subjects: &[String]) -> anyhow::Result<Vec<String>> {
    let mut changed = Vec::new();
    for subject in subjects {
        // A purge is the service's to do, and the flow of its own consumers everybody's.
        if subject.contains("STREAM.PURGE") {
            continue;
        }
        let before = streams(admin)?;
        let mut lines = String::new();
        for target in TARGETS {
            write!(lines, "PUB {} {target} 0\r\n\r\n", literal(subject))?;
        }
        let refused = user.refused(&lines)?;
        anyhow::ensure!(refused.is_empty(), "{subject}: {refused:?}");
        let stream = written_stream(subject).filter(|it| before.contains_key(*it));
        if stream.is_some() {
            // A stream stores in order, so all that was sent before is stored when this is acknowledged.
            user.ask(&literal(subject), "")?;
        }
        // The API answers in order.
        let inquiry = subjects.iter().find(|it| it.contains("STREAM.INFO"));
        user.ask(
            inquiry.context("every role may ask for a stream's info")?,
            "",
        )?;
        let after = streams(admin)?;
        for (name, (was, last)) in &before {
            let own = if stream == Some(name) {
                TARGETS.len() as u64 + 1
            } else {
                0
            };
            match after.get(name) {
                None => changed.push(format!("{subject}: {name} is deleted")),
                Some((is, _))
                    if was["config"] != is["config"] || was["created"] != is["created"] =>
                {
                    changed.push(format!("{subject}: {name} is another"));
                }
                Some((is, now)) if *now > last + own || (own == 0 && is != was) => {
                    changed.push(format!("{subject}: {name} is written or purged"));
                }
                Some(_) => {}
            }
        }
        let made = after.keys().filter(|name| !before.contains_key(*name));
        changed.extend(made.map(|name| format!("{subject}: {name} is made")));
        if !changed.is_empty() {
            return Ok(changed);
        }
    }
    Ok(changed)
}

/// What each role's key changes; `login` is that of a user, at a server with all buckets.
fn attack_by_all(
    login: impl Fn(NatsRole) -> anyhow::Result<Wire>,
    builder: &UserName,
    publishable: impl Fn(NatsRole) -> anyhow::Result<Vec<String>>,
) -> anyhow::Result<BTreeMap<NatsRole, Vec<String>>> {
    let mut admin = login(NatsRole::Admin)?;
    // Something to lose.
    admin.ask("$KV.catalog.blocklist", "{\"entries\":[]}")?;
    let mut all = BTreeMap::new();
    for role in [
        NatsRole::ReadOnly,
        NatsRole::Api,
        NatsRole::Builder,
        NatsRole::Service,
    ] {
        let inbox = if role == NatsRole::Builder {
            format!("builder.{builder}")
        } else {
            role.name().to_owned()
        };
        let mut user = login(role)?.inbox(&format!("_INBOX_{inbox}.wire"));
        let subjects = publishable(role)?;
        let changed = attack(&mut admin, &mut user, &subjects)?;
        all.insert(role, changed);
    }
    Ok(all)
}

/// The attack on a server with the configuration in this folder.
fn attack_configured(folder: &Path) -> anyhow::Result<BTreeMap<NatsRole, Vec<String>>> {
    let nats = NatsServer::of_config(&folder.join("server/nats-server.conf"))?.tolerant();
    set_up_as_admin(&nats, folder)?;
    let roles = fs::read_to_string(folder.join("server/roles.conf"))?;
    let publishable = publishable(&roles);
    attack_by_all(
        |role| Wire::login(&nats.url(), &fs::read_to_string(seed_file(folder, role))?),
        &user_name(folder, NatsRole::Builder)?,
        |role| Ok(publishable.get(role.name()).context("a role")?.clone()),
    )
}

#[test]
fn no_reply_reaches_what_the_role_may_not_do() -> anyhow::Result<()> {
    let folder = written(&[])?;
    for (role, changed) in attack_configured(folder.path())? {
        println!(
            "{role}: {} replies at each subject change {changed:?}",
            TARGETS.len()
        );
        assert_eq!(changed, Vec::<String>::new(), "{role}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reply_reaches_it_on_three_servers() -> anyhow::Result<()> {
    let cluster = Cluster::start()?;
    let nats = NatsServer::of_cluster(&cluster)?.tolerant();
    Box::pin(nats.store()).await?;
    let seed = |role| login_as(&nats.url(), role).seed.context("a key");
    let keys = RoleKeys::generate().with_seed(NatsRole::Builder, &seed(NatsRole::Builder)?)?;
    let builder = UserName::of_key(&keys.public(NatsRole::Builder).context("a key")?);
    let changed = attack_by_all(
        |role| Wire::login(&cluster.url_of(1), &seed(role)?),
        &builder,
        |role| Ok(Permissions::of(role, &builder).publish),
    )?;
    for (role, changed) in changed {
        assert_eq!(changed, Vec::<String>::new(), "{role}");
    }
    Ok(())
}

/// The same attack shows what one account for all allowed, so it would show it here, too.
#[test]
fn in_one_account_a_reply_reaches_everything() -> anyhow::Result<()> {
    let folder = written(&[])?;
    fs::write(
        folder.path().join("server/roles.conf"),
        old_roles(folder.path())?,
    )?;
    let changed = attack_configured(folder.path())?;
    assert!(!changed[&NatsRole::ReadOnly].is_empty(), "{changed:?}");
    Ok(())
}
