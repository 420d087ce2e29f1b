//! A builder in the test's own process, around a real NATS and a stand-in for `go`.

use std::{collections::BTreeSet, path::Path, time::Duration};

use clap::Parser;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wombat_builder::{BuilderArgs, BuilderDeps, Counters};
use wombat_model::{Build, BuildKey, BuildSpec, Status, log::LogEvent};
use wombat_store::{LogsEvent, Revision, Store, SubmitOptions, WatchEvent, roles::NatsRole};
use wombat_testkit::{NatsServer, StubGo, wait_until};

/// Generous: the machine may be busy with other tests.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: BuilderArgs,
}

/// NATS, a stub `go`, and a view of both.
pub(crate) struct Scene {
    pub(crate) nats: NatsServer,
    pub(crate) stub: StubGo,
    pub(crate) store: Store,
}

/// A builder in this process. Dropping it is as sudden as a crash: it doesn't sign off.
pub(crate) struct Running {
    pub(crate) task: JoinHandle<anyhow::Result<()>>,
    pub(crate) stop: CancellationToken,
    pub(crate) hurry: CancellationToken,
    pub(crate) counters: Counters,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    pub(crate) async fn stopped(mut self) {
        self.stop.cancel();
        tokio::time::timeout(LIMIT, &mut self.task)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::on(NatsServer::start().unwrap()).await
    }

    pub(crate) async fn on(nats: NatsServer) -> Self {
        let (_, store) = nats.store().await.unwrap();
        Self {
            nats,
            stub: StubGo::new().unwrap(),
            store,
        }
    }

    pub(crate) async fn builder(&self, state: &Path, more: &[&str]) -> Running {
        let program = self.stub.program().display().to_string();
        let folder = self.stub.folder().display().to_string();
        let words = [
            "builder",
            "--go",
            &program,
            "--sandbox-allow",
            &folder,
            "--min-free-disk",
            "0",
        ];
        let mut args = Cli::parse_from(words.into_iter().chain(more.iter().copied())).args;
        args.workers = args.workers.or(std::num::NonZeroUsize::new(1));
        let connection = self.nats.connection_as(NatsRole::Builder).await.unwrap();
        let (stop, hurry, counters) = (
            CancellationToken::new(),
            CancellationToken::new(),
            Counters::default(),
        );
        let deps = BuilderDeps {
            store: Store::open(&connection).await.unwrap(),
            connection,
            state_dir: state.to_owned(),
            helper: env!("CARGO_BIN_EXE_wombat").into(),
            force_stop: hurry.clone(),
            counters: counters.clone(),
            go_offer: wombat_go::GoOffer {
                releases: wombat_model::catalog::GoReleases::default(),
                line: "1.26".parse().unwrap(),
            },
            if_unfit: wombat_builder::IfUnfit::End,
        };
        let task = tokio::spawn(wombat_builder::run(deps, args, stop.clone()));
        Running {
            task,
            stop,
            hurry,
            counters,
        }
    }

    pub(crate) async fn submit(&self, spec: &BuildSpec) -> BuildKey {
        self.store
            .builds
            .submit(spec, SubmitOptions::default(), &self.store.artifacts)
            .await
            .unwrap();
        spec.key()
    }

    pub(crate) async fn record(&self, key: &BuildKey) -> Build {
        self.store.builds.get(key).await.unwrap().unwrap().value
    }

    pub(crate) async fn until(&self, key: &BuildKey, status: Status) -> Build {
        wait_until(&format!("{key} is {status}"), LIMIT, async || {
            let record = self.store.builds.get(key).await?.map(|record| record.value);
            Ok(record.filter(|record| record.status() == status))
        })
        .await
        .unwrap()
    }

    pub(crate) async fn until_compiling(&self) {
        self.stub.until_compiling().await.unwrap();
    }

    pub(crate) async fn until_present(&self, count: usize) {
        let mut watcher = self.store.builders.watch();
        let mut present = BTreeSet::new();
        while present.len() < count {
            match tokio::time::timeout(LIMIT, watcher.next()).await.unwrap() {
                WatchEvent::Value { key, .. } => drop(present.insert(key)),
                WatchEvent::Removed { key, .. } | WatchEvent::Unreadable { key, .. } => {
                    present.remove(&key);
                }
                WatchEvent::Ready | WatchEvent::Reset => {}
            }
        }
    }

    pub(crate) async fn log(&self, key: &BuildKey) -> Vec<LogEvent> {
        let mut follower = self.store.logs.follow(key, Revision::ZERO);
        let mut events = Vec::new();
        while !matches!(events.last(), Some(LogEvent::End { .. })) {
            match tokio::time::timeout(LIMIT, follower.next()).await.unwrap() {
                LogsEvent::Entry(logged) => {
                    assert_eq!(
                        logged.entry.n,
                        events.len() as u64 + 1,
                        "numbered without holes"
                    );
                    events.push(logged.entry.event);
                }
                LogsEvent::CaughtUp | LogsEvent::Reset => {}
            }
        }
        events
    }
}
