//! What a gateway answers about finished builds, the blocklist and imports, to be compared with later answers.

use anyhow::ensure;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::StatusCode;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wombat_testkit::{Site, artifact_path, wait_until};

use crate::machines::LIMIT;

/// Builds that are asked for at the same time.
const AT_ONCE: usize = 4;
/// Fields that follow from the time of the answer.
const VOLATILE: [&str; 4] = ["queue", "etaSeconds", "phase", "progress"];

/// A finished build.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) view: Value,
    pub(crate) log: String,
    pub(crate) recipe: Value,
}

/// The answers at one time.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) builds: Vec<Known>,
    pub(crate) blocklist: Value,
    pub(crate) imports: Value,
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub(crate) fn is_finished(view: &Value) -> bool {
    ["success", "failed", "cancelled"]
        .iter()
        .any(|status| view["status"] == *status)
}

/// The body of a path, which succeeds at the latest when the service has time again.
async fn bytes(site: &Site, path: &str) -> anyhow::Result<Bytes> {
    wait_until(&format!("{path} to be answered"), LIMIT, async || {
        let response = site.get(path).await?;
        let status = response.status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return Ok(None);
        }
        let body = response.bytes().await?;
        let said = || String::from_utf8_lossy(&body).into_owned();
        ensure!(status.is_success(), "{path}: {status} {}", said());
        Ok(Some(body))
    })
    .await
}

async fn json(site: &Site, path: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&bytes(site, path).await?)?)
}

impl Known {
    pub(crate) async fn read(site: &Site, id: &str) -> anyhow::Result<Self> {
        let view = json(site, &format!("/api/builds/{id}")).await?;
        let log = bytes(site, &format!("/api/builds/{id}/log")).await?;
        let recipe = if view["status"] == "success" {
            json(site, &format!("/api/builds/{id}/recipe")).await?
        } else {
            Value::Null
        };
        Ok(Self {
            id: id.to_owned(),
            view,
            log: String::from_utf8_lossy(&log).into_owned(),
            recipe,
        })
    }

    /// The digest of its binary, if it has one.
    pub(crate) fn sha256(&self) -> Option<&str> {
        self.view["sha256"].as_str()
    }

    /// Fields that another record doesn't have, or has with another value. A later version may have more fields.
    pub(crate) fn differs(&self, view: &Value) -> Vec<String> {
        let fields = self.view.as_object().into_iter().flatten();
        let fields = fields.filter(|(name, _)| !VOLATILE.contains(&name.as_str()));
        let differing = fields.filter(|(name, value)| view[name.as_str()] != **value);
        differing
            .map(|(name, value)| {
                let found = &view[name.as_str()];
                format!("{name} of {}: {found} instead of {value}", self.id)
            })
            .collect()
    }

    /// Everything that another gateway answers differently.
    async fn compared(&self, site: &Site) -> anyhow::Result<Vec<String>> {
        let now = Self::read(site, &self.id).await?;
        let mut problems = self.differs(&now.view);
        if now.log != self.log {
            let (before, after) = (self.log.lines().count(), now.log.lines().count());
            problems.push(format!("log of {}: {after} lines, were {before}", self.id));
        }
        if now.recipe != self.recipe {
            problems.push(format!("recipe of {}", self.id));
        }
        if let Some(sha256) = self.sha256() {
            let bytes = bytes(site, &artifact_path(&self.id)).await?;
            if digest(&bytes) != sha256 {
                problems.push(format!("binary of {}", self.id));
            }
        }
        Ok(problems)
    }
}

impl Snapshot {
    /// Reads all of these builds that are finished.
    pub(crate) async fn take(site: &Site, ids: &[String]) -> anyhow::Result<Self> {
        let builds = stream::iter(ids)
            .map(async |id| Known::read(site, id).await)
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(Self {
            builds: builds
                .into_iter()
                .filter(|known| is_finished(&known.view))
                .collect(),
            blocklist: json(site, "/api/blocklist").await?["modules"].clone(),
            imports: json(site, "/api/catalog/imports").await?["imports"].clone(),
        })
    }

    /// Everything that this gateway answers differently now.
    pub(crate) async fn compared(&self, site: &Site) -> anyhow::Result<Vec<String>> {
        let found = stream::iter(&self.builds)
            .map(async |known| known.compared(site).await)
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        let mut problems = found.concat();
        let blocklist = &json(site, "/api/blocklist").await?["modules"];
        if *blocklist != self.blocklist {
            problems.push(format!("blocklist: {blocklist}"));
        }
        Ok(problems)
    }

    /// How many builds, log lines and bytes of binaries there are.
    pub(crate) fn counts(&self) -> String {
        let has = |status: &str| {
            let builds = self.builds.iter();
            builds
                .filter(|known| known.view["status"] == status)
                .count()
        };
        let lines: usize = self.builds.iter().map(|it| it.log.lines().count()).sum();
        let bytes: u64 = self
            .builds
            .iter()
            .filter_map(|it| it.view["size"].as_u64())
            .sum();
        format!(
            "{} finished builds ({} success, {} failed, {} cancelled), {lines} log lines, {} MiB of binaries, {} blocked modules, {} imports",
            self.builds.len(),
            has("success"),
            has("failed"),
            has("cancelled"),
            bytes >> 20,
            self.blocklist.as_array().map_or(0, Vec::len),
            self.imports.as_array().map_or(0, Vec::len),
        )
    }
}
