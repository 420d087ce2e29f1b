//! Requests by REST and by NATS, each followed to its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::task::JoinHandle;
use wombat_model::{BuildState, Status};
use wombat_store::{Store, WatchEvent};

use super::{
    bed::Bed,
    follow::{StreamCheck, follow},
};
use crate::{Site, a_distinct_request};

/// Accepted builds, and the tasks that follow them.
pub(super) type Promised = BTreeMap<String, Option<JoinHandle<StreamCheck>>>;

/// Requests builds, and remembers those that were accepted.
#[derive(Clone)]
pub(super) struct Load {
    site: Site,
    client: NatsClient,
    next: Arc<AtomicU32>,
    promised: Arc<Mutex<Promised>>,
    successes: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>,
}

#[derive(Clone)]
struct NatsClient(wombat_store::Connection);

impl Load {
    pub(super) fn new(bed: &Bed) -> Self {
        let load = Self {
            site: bed.site.clone(),
            client: NatsClient(bed.connection.clone()),
            next: Arc::default(),
            promised: Arc::default(),
            successes: Arc::default(),
        };
        tokio::spawn(watch(bed.store.clone(), Arc::clone(&load.successes)));
        load
    }

    /// Requests one more build. `None`: it was refused.
    pub(super) async fn ask(&self, followed: bool) -> Option<String> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let request = a_distinct_request(n);
        let answer = if n.is_multiple_of(2) {
            let asked = self.site.ask(&request).await;
            asked
                .ok()
                .filter(|(status, _)| status.is_success())
                .map(|(_, view)| view)
        } else {
            self.client.ask(&request).await.ok()
        };
        let id = answer?["id"].as_str()?.to_owned();
        let end = followed.then(|| tokio::spawn(follow(self.site.clone(), id.clone())));
        let mut promised = self.promised.lock();
        promised.insert(id.clone(), end);
        Some(id)
    }

    /// Requests this many builds a second until the result is dropped. Every eighth is followed.
    pub(super) fn asks_each_second(&self, count: u32) -> RequestLoop {
        let load = self.clone();
        RequestLoop(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / count);
            let mut n = 0_u32;
            loop {
                ticks.tick().await;
                n += 1;
                let (load, followed) = (load.clone(), n.is_multiple_of(8));
                tokio::spawn(async move { load.ask(followed).await });
            }
        }))
    }

    /// The builds that were accepted so far, and their followers.
    pub(super) fn take_promised(&self) -> Promised {
        std::mem::take(&mut *self.promised.lock())
    }

    pub(super) fn promised(&self) -> Vec<String> {
        let promised = self.promised.lock();
        promised.keys().cloned().collect()
    }

    /// The number of builds that succeeded under more than one claim.
    pub(super) fn double(&self) -> usize {
        let successes = self.successes.lock();
        successes.values().filter(|claims| claims.len() > 1).count()
    }
}

/// A loop of requests; dropping it ends them.
pub(super) struct RequestLoop(JoinHandle<()>);

impl Drop for RequestLoop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl NatsClient {
    async fn ask(&self, request: &Value) -> anyhow::Result<Value> {
        let answer = self
            .0
            .client()
            .request("build.request", request.to_string().into())
            .await?;
        let view: Value = serde_json::from_slice(&answer.payload)?;
        view["id"].as_str().context("it was refused")?;
        Ok(view)
    }
}

/// Records the claims under which each build succeeded.
async fn watch(store: Store, successes: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>) {
    let mut watcher = store.builds.watch();
    loop {
        if let WatchEvent::Value { key, record, .. } = watcher.next().await
            && record.value.status() == Status::Success
            && let BuildState::Success { artifact, .. } = record.value.state()
        {
            let mut all = successes.lock();
            all.entry(key)
                .or_default()
                .insert(artifact.name.to_string());
        }
    }
}
