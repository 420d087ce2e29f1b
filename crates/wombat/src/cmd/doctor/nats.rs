//! nats-server, its buckets, and the builders.

use std::time::Duration;

use wombat_model::{
    Blocklist, Presence, catalog::GoReleases, names::BUILDERS_BUCKET, wire::HealthAnswer,
};
use wombat_store::{
    Connection, NatsArgs, Store, StoreError, WatchEvent, Weight, audit, restart_nats,
};

use super::{
    finding::{Finding, Verdict},
    unreadable,
};
use crate::embedded::{NATS_SERVER_MODULE, installed_nats_server, pinned_version};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn server(args: &NatsArgs) -> Finding {
    if args.url.is_some() {
        return (
            Verdict::Good,
            "nats-server: not needed, NATS_URL names one".to_owned(),
        );
    }
    match installed_nats_server() {
        Some(program) => (Verdict::Good, format!("nats-server: {}", program.display())),
        None => (
            Verdict::Note,
            format!(
                "nats-server: not installed; `wombat up` builds {NATS_SERVER_MODULE} {} once",
                pinned_version()
            ),
        ),
    }
}

/// What is found in NATS.
#[derive(Default)]
pub(super) struct Found {
    pub(super) findings: Vec<Finding>,
    /// The Go releases that builders have learnt of, if they can be read.
    pub(super) go_releases: GoReleases,
}

impl Found {
    fn only(verdict: Verdict, words: String) -> Self {
        Self {
            findings: vec![(verdict, words)],
            ..Self::default()
        }
    }
}

pub(super) async fn look(args: &NatsArgs) -> Found {
    if args.url.is_none() {
        return Found::only(
            Verdict::Note,
            "NATS: NATS_URL isn't set; `wombat up` starts its own, but separate roles need one"
                .to_owned(),
        );
    }
    let connection = match Connection::open(args, "doctor", TIMEOUT).await {
        Ok(connection) => connection,
        Err(error) => return Found::only(Verdict::Missing, format!("NATS: {error}")),
    };
    let found = match Box::pin(Store::open(&connection)).await {
        Err(error) => Found::only(Verdict::Missing, format!("NATS: connected, but {error}")),
        Ok(store) => {
            let mut findings = buckets(&connection).await;
            findings.extend(service(&connection, &store).await);
            findings.extend(unfit_builders(&store).await);
            findings.extend(Box::pin(unreadable::findings(&store)).await);
            // Another user may not be permitted to read them.
            let go_releases = store.catalog.go_releases().await.ok().flatten();
            Found {
                findings,
                go_releases: go_releases.unwrap_or_default(),
            }
        }
    };
    connection.close().await;
    found
}

/// The settings and the room of every bucket.
async fn buckets(connection: &Connection) -> Vec<Finding> {
    match Box::pin(audit(connection)).await {
        Err(error) => vec![(Verdict::Missing, format!("NATS: {error}"))],
        Ok(found) if found.is_empty() => vec![(
            Verdict::Good,
            "NATS: connected, every bucket exists with the right settings".to_owned(),
        )],
        Ok(found) => found
            .into_iter()
            .map(|finding| {
                let verdict = match finding.weight {
                    Weight::Fault | Weight::Fixed => Verdict::Missing,
                    Weight::Note => Verdict::Note,
                };
                let words = format!("`{}`: {}", finding.bucket, finding.words);
                (verdict, words)
            })
            .collect(),
    }
}

/// The service's own report: whether writes are acknowledged, the blocklist can be read, its index, and records that were
/// changed without permission. Without a service, a write, the blocklist and the list of those records are tried.
async fn service(connection: &Connection, store: &Store) -> Vec<Finding> {
    let asked = connection.client().request("build.health", "".into());
    let found = match tokio::time::timeout(TIMEOUT, asked).await {
        Ok(Ok(answer)) => serde_json::from_slice::<HealthAnswer>(&answer.payload).ok(),
        Ok(Err(_)) | Err(_) => None,
    };
    if let Some(found) = found {
        let writes = found.unacknowledged.map(|words| (Verdict::Missing, words));
        let blocklist = found.blocklist.map(|words| (Verdict::Missing, words));
        let index = found.index.map(|words| (Verdict::Note, words));
        let tampered = found.tampered.map(|words| (Verdict::Missing, words));
        let missing = writes.into_iter().chain(blocklist).chain(tampered);
        return missing.chain(index).collect();
    }
    let is_stored = store.builders.acknowledges().await;
    // A write that isn't permitted isn't acknowledged either.
    let is_denied = connection.health().borrow().denied_lately().is_some();
    let unacknowledged = matches!(is_stored, Ok(false)) && !is_denied;
    let builders = [BUILDERS_BUCKET.to_owned()];
    let writes = unacknowledged.then(|| (Verdict::Missing, restart_nats(&builders)));
    let found = writes.into_iter().chain(blocklist(store).await);
    // Another user may not be permitted to read it.
    let tampered = store.builds.alarm().await.ok().flatten();
    let tampered = tampered.map(|words| (Verdict::Missing, words));
    found.chain(tampered).collect()
}

async fn blocklist(store: &Store) -> Option<Finding> {
    match store.catalog.blocklist().await {
        Err(StoreError::Corrupt { problem, .. }) => {
            Some((Verdict::Missing, Blocklist::words_if_unreadable(&problem)))
        }
        // Another user may not be permitted to read it.
        Ok(_) | Err(_) => None,
    }
}

/// Live builders that can't build.
async fn unfit_builders(store: &Store) -> Vec<Finding> {
    let mut watcher = store.builders.watch();
    let mut unfit = Vec::new();
    loop {
        match tokio::time::timeout(TIMEOUT, watcher.next()).await {
            Ok(WatchEvent::Value { record, .. }) => {
                let Presence { host, problem, .. } = record.value;
                unfit.extend(problem.map(|problem| {
                    let words = format!("builder on {host}: it can't build: {problem}");
                    (Verdict::Missing, words)
                }));
            }
            Ok(WatchEvent::Removed { .. } | WatchEvent::Unreadable { .. } | WatchEvent::Reset) => {}
            Ok(WatchEvent::Ready) | Err(_) => return unfit,
        }
    }
}
