//! A running system around the servers: a service, a gateway, a builder with a stand-in for Go, finished builds, logs,
//! a blocklist, the request of an import, and compiled packages.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use async_nats::Client;
use bytes::Bytes;
use futures::future::try_join_all;
use serde_json::{Value, json};
use wombat_model::BuildKey;
use wombat_store::{
    PutOutcome, Store,
    roles::{NatsRole, UserName},
};
use wombat_testkit::{Site, StubGo, Wombat, a_distinct_request, wait_until};

use super::{
    finished::{Finished, finish, finished_by_hand, record},
    layout::Layout,
    thief::Thief,
    verdict::Answer,
};

/// Generous: the machine may be busy with other tests.
pub(super) const LIMIT: Duration = Duration::from_secs(40);
/// Finished builds, besides the one of the builder whose key is stolen.
const BUILDS: u32 = 9;
/// The module that an import is requested of.
pub(super) const IMPORTED: &str = "example.com/imported";

pub(super) struct Scene {
    pub(super) site: Site,
    pub(super) go: StubGo,
    /// The store, as the admin sees it.
    pub(super) store: Store,
    /// In the account of the store.
    pub(super) admin: Client,
    /// A client that reads the counts of the services, and one that may do what operators do.
    reader: Thief,
    operator: Thief,
    pub(super) finished: Vec<Finished>,
    /// What the builder made whose key is stolen.
    pub(super) of_stolen: Finished,
    /// The name of the honest builder's user.
    pub(super) honest: UserName,
    /// Builds that were requested since the last comparison.
    requested: Mutex<Vec<String>>,
    next_request: AtomicU32,
    builder: Mutex<Wombat>,
    service: Wombat,
    _api: Wombat,
    pub(super) layout: Layout,
}

impl Scene {
    pub(super) async fn start(layout: Layout) -> anyhow::Result<Self> {
        let service = layout.start(NatsRole::Service, &["--janitor-interval", "2s"])?;
        let api = layout.start(NatsRole::Api, &["--http", "127.0.0.1:0"])?;
        let site = Site::new(api.first_line()?);
        let connection = layout.connection(NatsRole::Admin, "admin").await?;
        let (admin, store) = (connection.client().clone(), Store::open(&connection).await?);
        site.until_ready().await?;
        let of_stolen = Box::pin(finished_by_hand(&layout, &site, &admin)).await?;
        let go = StubGo::new()?;
        let builder = start_builder(&layout, &go)?;
        let building = (1..=BUILDS).map(|n| finish(&site, &admin, a_distinct_request(n)));
        let finished = try_join_all(building).await?;
        let scene = Self {
            reader: Thief::of(&layout, NatsRole::ReadOnly).await?,
            operator: Thief::of(&layout, NatsRole::Api).await?,
            honest: layout.name(NatsRole::Builder.name())?,
            requested: Mutex::default(),
            next_request: AtomicU32::new(100),
            builder: Mutex::new(builder),
            service,
            _api: api,
            site,
            go,
            store,
            admin,
            finished,
            of_stolen,
            layout,
        };
        Box::pin(scene.fill()).await?;
        Ok(scene)
    }

    /// What stores hold besides builds.
    async fn fill(&self) -> anyhow::Result<()> {
        self.block_again().await?;
        let import = json!({"module": IMPORTED, "version": "v1.0.0", "goVersions": ["1.26.8"]});
        let asked = self.operator.ask("catalog.import", &import).await?;
        ensure!(is_done(&asked), "{asked:?}");
        let honest = self
            .layout
            .connection(NatsRole::Builder, NatsRole::Builder.name());
        let honest = honest.await?;
        let store = Store::open(&honest).await?;
        let put = store
            .gocache
            .put("entry.honest", Bytes::from_static(b"compiled"));
        ensure!(put.await? == PutOutcome::Stored, "an empty cache");
        let document = format!("{IMPORTED}/v0.9.0/document");
        store
            .documents
            .put_bytes(&document, b"documentation")
            .await?;
        honest.close().await;
        for build in self.finished.iter().chain([&self.of_stolen]) {
            self.until_concluded(&build.key).await?;
        }
        Ok(())
    }

    /// Writes the blocklist anew, as an operator.
    pub(super) async fn block_again(&self) -> anyhow::Result<()> {
        let question = json!({"modules": [{"module": "evil.example/*", "reason": "malware"}]});
        let blocked = self.operator.ask("catalog.block", &question).await?;
        ensure!(is_done(&blocked), "{blocked:?}");
        Ok(())
    }

    /// Another honest builder takes the place of the one that runs, with empty caches.
    pub(super) async fn renew_builder(&self) -> anyhow::Result<()> {
        let new = start_builder(&self.layout, &self.go)?;
        let mut old = std::mem::replace(&mut *self.builder.lock().unwrap(), new);
        old.terminate()?;
        old.ended(LIMIT)?;
        self.site.until_builders(1).await
    }

    /// What the service logged.
    pub(super) fn service_log(&self) -> String {
        self.service.log_text()
    }

    /// What the honest builder logged.
    pub(super) fn builder_log(&self) -> String {
        self.builder.lock().unwrap().log_text()
    }

    /// A request that no one sent before.
    pub(super) fn new_request(&self) -> Value {
        a_distinct_request(self.next_request.fetch_add(1, Ordering::Relaxed))
    }

    /// Requests a build through the gateway, for a user.
    pub(super) async fn request(&self, body: &Value) -> anyhow::Result<BuildKey> {
        let id = self.site.asked(body).await?;
        self.note_requested(&id);
        Ok(id.parse()?)
    }

    /// A build that was requested: it may change what is stored.
    pub(super) fn note_requested(&self, id: &str) {
        self.requested.lock().unwrap().push(id.to_owned());
    }

    /// Waits until everything that was requested is over, and returns it.
    pub(super) async fn until_quiet(&self) -> anyhow::Result<Vec<String>> {
        let ids = std::mem::take(&mut *self.requested.lock().unwrap());
        for id in &ids {
            let key: BuildKey = id.parse()?;
            if self.store.builds.get(&key).await?.is_some() {
                self.until_concluded(&key).await?;
            }
        }
        Ok(ids)
    }

    /// Waits until the newest grant of a build has its result.
    async fn until_concluded(&self, key: &BuildKey) -> anyhow::Result<()> {
        wait_until(&format!("the result of {key}"), LIMIT, async || {
            let published = self.store.publications.of(key).await?;
            Ok((!published.is_open()).then_some(()))
        })
        .await
    }

    /// The record of a build as it is stored; null, if there is none.
    pub(super) async fn record(&self, key: &BuildKey) -> anyhow::Result<Value> {
        record(&self.admin, key).await
    }

    /// Whether a build's record names the binary that it always named.
    pub(super) async fn agrees(&self, build: &Finished) -> anyhow::Result<bool> {
        let now = self.record(&build.key).await?;
        let mut named = ["status", "artifact", "sha256", "size", "expired"].iter();
        Ok(named.all(|name| now[*name] == build.record[*name]))
    }

    /// How many requests each endpoint dropped unread.
    pub(super) async fn dropped(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut dropped = BTreeMap::new();
        for service in ["build", "catalog"] {
            let subject = format!("$SRV.STATS.{service}");
            let Answer::Accepted(stats) = self.reader.ask(&subject, &Value::Null).await? else {
                anyhow::bail!("no counts of {service}");
            };
            for endpoint in stats["endpoints"].as_array().context("endpoints")? {
                let subject = endpoint["subject"].as_str().context("a subject")?;
                let count = endpoint["data"]["dropped"].as_u64().unwrap_or_default();
                dropped.insert(subject.to_owned(), count);
            }
        }
        Ok(dropped)
    }

    /// Another gateway, without anything in its cache.
    pub(super) async fn another_gateway(&self) -> anyhow::Result<(Wombat, Site)> {
        let api = self
            .layout
            .start(NatsRole::Api, &["--http", "127.0.0.1:0"])?;
        let site = Site::new(api.first_line()?);
        site.until_ready().await?;
        Ok((api, site))
    }
}

/// Whether a service did what it was asked for.
fn is_done(answer: &Answer) -> bool {
    matches!(answer, Answer::Accepted(value) if value["error"].is_null())
}

fn start_builder(layout: &Layout, go: &StubGo) -> anyhow::Result<Wombat> {
    let (program, folder) = (go.program(), go.folder());
    let (program, folder) = (program.display().to_string(), folder.display().to_string());
    let words = [
        "--go",
        &program,
        "--sandbox-allow",
        &folder,
        "--workers",
        "3",
        "--min-free-disk",
        "0",
        "--warm",
        "off",
        // The request of an import stays open, and the list of Go releases as it is.
        "--without",
        "imports",
        "--go-releases-interval",
        "0",
    ];
    layout.start(NatsRole::Builder, &words)
}
