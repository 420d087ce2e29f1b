//! The real key of each role in the hands of an attacker, against a running system: on one server, and on a cluster of
//! three. The table of what becomes of each attack is in the documentation.
//!
//! *layout*: the servers, with the configuration of `wombat setup --write-config` · *scene*: the system around them, with
//! builds (*finished*) ·
//! *thief*: a client with a stolen key · *stored*: what streams hold, and how it differs · *allowed*: what may differ ·
//! the other modules: attacks, by subject.

mod allowed;
mod catalog;
mod compile_cache;
mod consumers;
mod finished;
mod layout;
mod names;
mod overhearing;
mod records;
mod replies;
mod scene;
mod stored;
mod streams;
mod thief;
mod uploads;
mod verdict;

use std::{fmt::Write as _, time::Instant};

use anyhow::ensure;
use wombat_store::roles::NatsRole;
use wombat_testkit::{Site, table_in_docs};

use allowed::may_differ;
use layout::Layout;
use scene::Scene;
use stored::Stored;
use thief::Thief;
use verdict::Verdict;

/// In the order of the table. What a service's key leaves behind would be in the way of the others.
const ROLES: [NatsRole; 4] = [
    NatsRole::ReadOnly,
    NatsRole::Api,
    NatsRole::Builder,
    NatsRole::Service,
];

type Row = (&'static str, Verdict);

#[tokio::test(flavor = "multi_thread")]
async fn stolen_keys_do_what_their_roles_do_on_one_server() -> anyhow::Result<()> {
    let table = Box::pin(tried(Layout::one()?)).await?;
    table_in_docs("NATS.md", "stolen-keys", &table)
}

#[tokio::test(flavor = "multi_thread")]
async fn stolen_keys_do_what_their_roles_do_on_three_servers() -> anyhow::Result<()> {
    let table = Box::pin(tried(Layout::three().await?)).await?;
    table_in_docs("NATS.md", "stolen-keys", &table)
}

/// Tries every attack with every key, and returns the table of what became of them.
async fn tried(layout: Layout) -> anyhow::Result<String> {
    let start = Instant::now();
    let scene = Box::pin(Scene::start(layout)).await?;
    eprintln!("the system runs after {:?}", start.elapsed());
    let mut columns = Vec::new();
    for role in ROLES {
        let thief = Thief::of(&scene.layout, role).await?;
        let before = Stored::read(&scene.admin).await?;
        let rows = Box::pin(attacks(&scene, &thief)).await.inspect_err(|_| {
            eprintln!("{}\n{}", scene.service_log(), scene.builder_log());
        })?;
        let requested = scene.until_quiet().await?;
        let after = Stored::read(&scene.admin).await?;
        let changes = before.changes(&after)?;
        let (count, mut other) = (changes.len(), changes);
        other.retain(|change| !may_differ(&scene, &thief, &requested, change));
        ensure!(other.is_empty(), "{role} changes {other:#?}");
        are_served(&scene, &scene.site).await?;
        eprintln!(
            "{role}: {count} subjects differ, as documented; {:?}",
            start.elapsed()
        );
        for (what, verdict) in &rows {
            eprintln!("{role}: {verdict}: {what}");
        }
        columns.push(rows);
    }
    // Nothing is in the cache of this one.
    let (_api, site) = scene.another_gateway().await?;
    are_served(&scene, &site).await?;
    let table = table(&columns)?;
    eprintln!("{table}{:?}", start.elapsed());
    Ok(table)
}

/// Checks that each official address gives what it always gave.
async fn are_served(scene: &Scene, site: &Site) -> anyhow::Result<()> {
    for build in scene.finished.iter().chain([&scene.of_stolen]) {
        ensure!(scene.agrees(build).await?, "{}: another record", build.key);
        let served = site.bytes(&build.path()).await?;
        ensure!(served == build.bytes, "{}: other bytes", build.key);
        let link = scene.store.artifacts.find(build.key.as_str()).await?;
        let target = link.and_then(|link| link.link);
        let is_same = target.as_deref() == build.record["artifact"].as_str();
        ensure!(is_same, "{}: the link names {target:?}", build.key);
    }
    Ok(())
}

fn table(columns: &[Vec<Row>]) -> anyhow::Result<String> {
    let mut table = String::from("| attack | ");
    table.push_str(&ROLES.map(|role| role.to_string()).join(" | "));
    table.push_str(" |\n|---|---|---|---|---|\n");
    for (n, (what, _)) in columns[0].iter().enumerate() {
        write!(table, "| {what} |")?;
        for rows in columns {
            write!(table, " {} |", rows[n].1)?;
        }
        table.push('\n');
    }
    Ok(table)
}

async fn attacks(scene: &Scene, thief: &Thief) -> anyhow::Result<Vec<Row>> {
    let mut rows = of_messages(scene, thief).await?;
    rows.extend(of_objects(scene, thief).await?);
    rows.extend(of_builds(scene, thief).await?);
    rows.extend(of_the_catalog(scene, thief).await?);
    Ok(rows)
}

async fn of_messages(scene: &Scene, thief: &Thief) -> anyhow::Result<Vec<Row>> {
    Ok(vec![
        (
            "delete, purge or write by the reply to a request (`$JS.API…`, `$KV…`, `$O…`, endpoints)",
            replies::aimed(scene, thief).await?,
        ),
        (
            "have endpoints work by requests without a reply subject",
            replies::missing(scene, thief).await?,
        ),
        (
            "have consumers deliver to endpoints, JetStream, streams or inboxes",
            consumers::delivering(scene, thief).await?,
        ),
        (
            "read what the role doesn't read, find consumers of others",
            consumers::reading(thief).await?,
        ),
        (
            "receive requests to services",
            overhearing::of_services(thief).await?,
        ),
        (
            "receive requests to builders",
            overhearing::of_builders(thief).await?,
        ),
        (
            "receive answers to other roles",
            overhearing::of_other_roles(thief).await?,
        ),
        (
            "receive answers to all users of its role",
            overhearing::of_own_role(thief).await?,
        ),
        (
            "fill the limit on consumers",
            consumers::flood(thief).await?,
        ),
    ])
}

async fn of_objects(scene: &Scene, thief: &Thief) -> anyhow::Result<Vec<Row>> {
    Ok(vec![
        (
            "delete, change, copy or make a stream; delete a message",
            streams::administer(thief).await?,
        ),
        ("purge a stream", streams::purge(thief).await?),
        (
            "roll up, batch, schedule or count messages",
            streams::headers(thief).await?,
        ),
        (
            "replace a binary, link, result, document or compiled package",
            streams::replace(scene, thief).await?,
        ),
        (
            "name another object's chunks in an entry",
            names::anothers_chunks(scene, thief).await?,
        ),
        (
            "write another builder's presence or chunks, receive its answers",
            names::another_builder(scene, thief).await?,
        ),
        (
            "present another builder under its own key",
            names::in_anothers_name(scene, thief).await?,
        ),
        ("take a lock", names::locks(thief).await?),
        (
            "make honest builders build a fork by a module graph",
            compile_cache::module_graphs(scene, thief).await?,
        ),
        (
            "store a compiled package that no builder has stored",
            compile_cache::new_package(thief).await?,
        ),
    ])
}

async fn of_builds(scene: &Scene, thief: &Thief) -> anyhow::Result<Vec<Row>> {
    Ok(vec![
        (
            "put another binary behind a finished build",
            records::another_binary(scene, thief).await?,
        ),
        (
            "have a finished build fail, expire or open again",
            records::another_state(scene, thief).await?,
        ),
        (
            "write another build's record, or nonsense, in place of a record",
            records::not_its_record(scene, thief).await?,
        ),
        (
            "write a record of a newer version, which older programs leave alone",
            records::of_a_newer_version(scene, thief).await?,
        ),
        (
            "remove a record, or have it expire",
            records::removed(scene, thief).await?,
        ),
        (
            "write a success that no service granted",
            records::not_granted(scene, thief).await?,
        ),
        (
            "write grants and results",
            records::publications(scene, thief).await?,
        ),
        (
            "write the link of an unfinished build",
            names::link(scene, thief).await?,
        ),
        (
            "end an unfinished build with its own binary",
            records::unfinished(scene, thief).await?,
        ),
        (
            "spoil what its own builder uploaded earlier, for `nats object get`",
            names::own_uploads(scene, thief).await?,
        ),
    ])
}

async fn of_the_catalog(scene: &Scene, thief: &Thief) -> anyhow::Result<Vec<Row>> {
    Ok(vec![
        (
            "write releases, or requests of imports",
            catalog::release(scene, thief).await?,
        ),
        (
            "write the result of an import without a request",
            catalog::unrequested_import(scene, thief).await?,
        ),
        (
            "remove or spoil the blocklist",
            catalog::blocklist(scene, thief).await?,
        ),
        (
            "request, cancel and purge builds, block modules, import releases",
            catalog::operate(scene, thief).await?,
        ),
    ])
}
