//! Processes of version 0.1.0 that are started against the upgraded store.

use std::time::{Duration, Instant};

use serde_json::Value;
use wombat_store::roles::NatsRole;
use wombat_testkit::{Wombat, a_distinct_request, wait_until};

use crate::{
    clients::Clients, load::until_finished, login::Login, snapshot::Snapshot, system::System,
};

/// How long a process may take to notice that it can't work.
const LIMIT: Duration = Duration::from_secs(20);
/// How long an old builder runs beside new ones: some leases.
const BESIDE: Duration = Duration::from_secs(25);
/// Seconds that builds take meanwhile.
const SECONDS: f64 = 12.0;
/// Numbers of requests that clients don't use.
const OWN: u32 = 4100;

/// Starts them, and checks that they change nothing.
pub(crate) async fn run(
    system: &System<'_>,
    before: &Snapshot,
    clients: &Clients,
) -> anyhow::Result<()> {
    match system.machines.login {
        Login::Keys(_) => locked_out(system).await?,
        Login::Open => beside(system).await?,
    }
    let site = &system.machines.sites[0];
    system
        .protocol
        .wrong("compared", &before.compared(site).await?);
    let mut failed = Vec::new();
    for id in clients.accepted() {
        let view = until_finished(site, &id).await?;
        if view["status"] != "success" {
            failed.push(format!("{id}: {} {}", view["status"], view["error"]));
        }
    }
    system
        .protocol
        .wrong("builds that an old process spoiled", &failed);
    let health = site.json("/api/health").await?;
    let is_tampered = health.get("tampered").is_some_and(|found| !found.is_null());
    system
        .protocol
        .holds(&format!("no alarm: {health}"), !is_tampered);
    system.protocol.step("everything is still as it was");
    Ok(())
}

/// With accounts, none of them reaches anything.
async fn locked_out(system: &System<'_>) -> anyhow::Result<()> {
    for role in [NatsRole::Service, NatsRole::Builder, NatsRole::Api] {
        let mut old = system.machines.one_more(&system.tools.old, role)?;
        let begun = Instant::now();
        let ended = wait_until("it to end", LIMIT, async || {
            Ok(old.has_ended()?.then_some(()))
        })
        .await;
        let took = begun.elapsed().as_secs_f64();
        let problem = format!("the old {role} ends: {}", old.log_text());
        system.protocol.holds(&problem, ended.is_ok());
        system.protocol.step(format!(
            "the {role} of version 0.1.0 ends after {took:.1} s, and says:"
        ));
        system.protocol.quote(&tail(&old, 3));
    }
    Ok(())
}

/// Without users, an old builder reaches everything. Builds of this version are unreadable for it; one of the first
/// template isn't.
async fn beside(system: &System<'_>) -> anyhow::Result<()> {
    let site = &system.machines.sites[0];
    system.machines.go.takes_seconds(SECONDS)?;
    let mut ids = Vec::new();
    for n in 0..6 {
        let mut request = a_distinct_request(OWN + n);
        if n % 2 == 0 {
            request["template"] = 1.into();
        }
        ids.push(site.asked(&request).await?);
    }
    let old = system
        .machines
        .one_more(&system.tools.old, NatsRole::Builder)?;
    let begun = Instant::now();
    wait_until("the time beside", BESIDE * 2, async || {
        Ok((begun.elapsed() > BESIDE).then_some(()))
    })
    .await?;
    system.machines.go.takes_seconds(0.0)?;
    let views = ended(system, &ids).await?;
    let mut spoiled = Vec::new();
    for view in &views {
        let (template, attempt) = (&view["template"], &view["attempt"]);
        if view["status"] != "success" || *attempt != 1 {
            let (status, error) = (&view["status"], &view["error"]);
            spoiled.push(format!(
                "template {template}: {status} at attempt {attempt}: {error}"
            ));
        }
    }
    system
        .protocol
        .wrong("builds beside an old builder", &spoiled);
    system.protocol.step(format!(
        "a builder of version 0.1.0 ran for {BESIDE:?} beside the new ones, and logged:"
    ));
    let log = old.log_text();
    let lines = log.lines().filter(|line| {
        line.contains("WARN") || line.contains("ERROR") || line.contains("recovered")
    });
    let lines: Vec<&str> = lines.collect();
    system
        .protocol
        .quote(&lines[..lines.len().min(8)].join("\n"));
    Ok(())
}

async fn ended(system: &System<'_>, ids: &[String]) -> anyhow::Result<Vec<Value>> {
    let mut views = Vec::new();
    for id in ids {
        views.push(until_finished(&system.machines.sites[0], id).await?);
    }
    Ok(views)
}

fn tail(process: &Wombat, lines: usize) -> String {
    let log = process.log_text();
    let all: Vec<&str> = log.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
