//! Processes of version 0.1.0 that are started against the upgraded store.

use std::time::{Duration, Instant};

use wombat_store::roles::NatsRole;
use wombat_testkit::{Site, Wombat, a_distinct_request, wait_until};

use crate::{
    clients::Clients,
    load::{self, until_finished},
    login::Login,
    protocol::{quote, quote_log},
    snapshot::Snapshot,
    system::System,
};

/// How long a process may take to notice that it can't work.
const LIMIT: Duration = Duration::from_secs(20);
/// How long a forced build may take.
const PATIENCE: Duration = Duration::from_mins(2);
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
    let mut problems = before.compared(site).await?;
    problems.extend(load::unsuccessful(site, clients).await?);
    let health = site.json("/api/health").await?;
    let is_tampered = health.get("tampered").is_some_and(|found| !found.is_null());
    system
        .protocol
        .holds(&format!("no alarm: {health}"), !is_tampered);
    system
        .protocol
        .compared(&problems, "everything is still as it was");
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
        quote(&tail(&old, 3));
    }
    Ok(())
}

/// Without users, nothing keeps an old builder out. It can't read builds of this version, but those of the first
/// template, whose binaries it can't store.
async fn beside(system: &System<'_>) -> anyhow::Result<()> {
    let (machines, protocol) = (&system.machines, system.protocol);
    let site = &machines.sites[0];
    machines.go.takes_seconds(SECONDS)?;
    let asked = async |n: u32, template: u32, force: bool| {
        let mut request = a_distinct_request(OWN + n);
        request["template"] = template.into();
        request["force"] = force.into();
        site.asked(&request).await
    };
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for n in 0..3 {
        first.push(asked(n, 1, false).await?);
        second.push(asked(n, 2, false).await?);
    }
    let old = machines.one_more(&system.tools.old, NatsRole::Builder)?;
    let begun = Instant::now();
    let mut is_shown = false;
    wait_until("the time beside", BESIDE * 2, async || {
        let builders = site.bytes("/api/builders").await;
        is_shown |= builders.is_ok_and(|body| String::from_utf8_lossy(&body).contains("0.1.0"));
        Ok((begun.elapsed() > BESIDE).then_some(()))
    })
    .await?;
    protocol.holds("the fleet page shows a builder of version 0.1.0", is_shown);
    machines.go.takes_seconds(0.0)?;
    let spoiled = self::spoiled(site, &second).await?;
    protocol.wrong("builds of this version beside an old builder", &spoiled);
    let spoiled = self::spoiled(site, &first).await?;
    protocol.step(format!(
        "a builder of version 0.1.0 ran for {BESIDE:?} beside the new ones; {} of {} builds of the first template suffered, none of this version; it logged:",
        spoiled.len(),
        first.len()
    ));
    let log = old.log_text();
    let lines = log
        .lines()
        .filter(|line| line.contains("WARN") || line.contains("ERROR"));
    for line in lines.take(6) {
        quote_log(&line.chars().take(200).collect::<String>());
    }
    quote(&spoiled.join("\n"));
    drop(old);
    for n in 0..3 {
        let id = asked(n, 1, true).await?;
        site.until(&id, "success", PATIENCE).await?;
    }
    protocol.step("it is stopped; its builds are forced, and succeed");
    Ok(())
}

/// Builds that didn't succeed at their first attempt.
async fn spoiled(site: &Site, ids: &[String]) -> anyhow::Result<Vec<String>> {
    let mut spoiled = Vec::new();
    for id in ids {
        let view = until_finished(site, id).await?;
        if view["status"] != "success" || view["attempt"] != 1 {
            let (status, attempt, error) = (&view["status"], &view["attempt"], &view["error"]);
            spoiled.push(format!("{status} at attempt {attempt}: {error}"));
        }
    }
    Ok(spoiled)
}

fn tail(process: &Wombat, lines: usize) -> String {
    let log = process.log_text();
    let all: Vec<&str> = log.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
