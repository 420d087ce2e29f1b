//! Which services and builders seem to be running. Gateways can't be told; they only read.

use std::time::Duration;

use futures::StreamExt as _;
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout};
use tracing::info;
use wombat_model::names::{BUILD_SERVICE, CATALOG_SERVICE};

use crate::{Builders, Connection, StoreError, WatchEvent};

/// How long services may take to respond.
const QUIET: Duration = Duration::from_millis(500);
/// Longest wait for the next entry of the list of builders.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between looks.
const PAUSE: Duration = Duration::from_secs(1);

/// A service's response to `$SRV.PING`.
#[derive(Deserialize)]
struct Ping {
    name: String,
    version: String,
}

/// Waits until none is running. After `until`, returns those that still are.
pub(super) async fn until_stopped(
    connection: &Connection,
    until: Instant,
) -> Result<Vec<String>, StoreError> {
    let mut is_logged = false;
    loop {
        let running = running(connection).await?;
        if running.is_empty() || Instant::now() + PAUSE > until {
            return Ok(running);
        }
        if !is_logged {
            info!(running = running.join(", "), "waiting until these stop");
            is_logged = true;
        }
        sleep(PAUSE).await;
    }
}

async fn running(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut running = services(connection).await?;
    running.extend(builders(connection).await?);
    running.sort();
    running.dedup();
    Ok(running)
}

async fn services(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let client = connection.client();
    let inbox = client.new_inbox();
    let subscribed = client.subscribe(inbox.clone()).await;
    let mut answers = subscribed.map_err(|error| StoreError::of(&error))?;
    let sent = client.publish_with_reply("$SRV.PING", inbox, "".into());
    sent.await.map_err(|error| StoreError::of(&error))?;
    let mut services = Vec::new();
    while let Ok(Some(answer)) = timeout(QUIET, answers.next()).await {
        // The server's own response, if there are no services, isn't JSON.
        let Ok(Ping { name, version }) = serde_json::from_slice(&answer.payload) else {
            continue;
        };
        if [BUILD_SERVICE, CATALOG_SERVICE].contains(&name.as_str()) {
            services.push(format!("a service ({version})"));
        }
    }
    Ok(services)
}

async fn builders(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut watcher = match Builders::open(connection).await {
        Ok(builders) => builders.watch(),
        Err(StoreError::Missing(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut builders = Vec::new();
    loop {
        match timeout(PATIENCE, watcher.next()).await {
            Ok(WatchEvent::Value { record, .. }) => {
                let builder = record.value;
                builders.push(format!("builder {} ({})", builder.builder, builder.version));
            }
            Ok(WatchEvent::Removed { .. } | WatchEvent::Unreadable { .. }) => {}
            Ok(WatchEvent::Reset) => builders.clear(),
            Ok(WatchEvent::Ready) => return Ok(builders),
            Err(_) => {
                let problem = "the list of builders timed out".to_owned();
                return Err(StoreError::Unavailable(problem));
            }
        }
    }
}
