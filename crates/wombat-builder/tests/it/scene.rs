//! A builder, NATS, and a module proxy with Go releases that are stand-ins.

use std::{num::NonZeroUsize, time::Duration};

use clap::Parser;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wombat_builder::{BuilderArgs, BuilderDeps, Counters, IfUnfit};
use wombat_go::GoOffer;
use wombat_model::{Presence, catalog::GoReleases};
use wombat_store::{Connection, Store, WatchEvent, roles::NatsRole};
use wombat_testkit::{ModuleProxy, NatsServer, StubGo, TestModule};

/// Generous: the machine may be busy with other tests.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: BuilderArgs,
}

pub(crate) struct Scene {
    nats: NatsServer,
    pub(crate) connection: Connection,
    pub(crate) store: Store,
    pub(crate) proxy: ModuleProxy,
    pub(crate) stub: StubGo,
    pub(crate) releases: GoReleases,
}

/// A builder. Dropping it is as sudden as a crash.
pub(crate) struct Running {
    task: JoinHandle<anyhow::Result<()>>,
    stop: CancellationToken,
    _state: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    /// Stops it.
    pub(crate) async fn stopped(self) {
        self.stop.cancel();
        self.ended().await.unwrap();
    }

    /// Its end.
    pub(crate) async fn ended(mut self) -> anyhow::Result<()> {
        let ended = tokio::time::timeout(LIMIT, &mut self.task).await;
        ended.unwrap().unwrap()
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let nats = NatsServer::start().unwrap();
        let (connection, store) = nats.store().await.unwrap();
        Self {
            nats,
            connection,
            store,
            proxy: ModuleProxy::start().await.unwrap(),
            stub: StubGo::new().unwrap(),
            releases: GoReleases::default(),
        }
    }

    pub(crate) fn release(&self, version: &str) -> TestModule {
        TestModule::toolchain(version, &self.stub.program())
    }

    /// Serves a Go release, and puts it into the list that comes with the program.
    pub(crate) fn serve(&mut self, version: &str) {
        let module = self.release(version);
        self.proxy.serve(&module).unwrap();
        let (version, platform) = (version.parse().unwrap(), "linux/amd64".parse().unwrap());
        let sum = module.sum().parse().unwrap();
        self.releases.add(version, platform, sum);
    }

    /// A builder with these options. `go` says whether Go is installed on its machine.
    pub(crate) async fn builder(&self, go: bool, if_unfit: IfUnfit, more: &[&str]) -> Running {
        let (folder, proxy) = (self.stub.folder().display().to_string(), self.proxy.url());
        let words = [
            "builder",
            "--sandbox-allow",
            &folder,
            "--goproxy",
            &proxy,
            "--min-free-disk",
            "0",
            "--warm",
            "off",
        ];
        let mut args = Cli::parse_from(words.into_iter().chain(more.iter().copied())).args;
        args.workers = args.workers.or(NonZeroUsize::new(1));
        if !more.contains(&"--goproxy-patience") {
            args.go.relay.goproxy_patience = Duration::from_secs(2);
        }
        args.go.search_path = Some(if go { folder } else { "/nowhere".to_owned() }.into());
        let state = TempDir::with_prefix("wombat-builder-").unwrap();
        let stop = CancellationToken::new();
        let connection = self.nats.connection_as(NatsRole::Builder).await.unwrap();
        let deps = BuilderDeps {
            store: Store::open(&connection).await.unwrap(),
            connection,
            state_dir: state.path().to_owned(),
            helper: env!("CARGO_BIN_EXE_wombat-builder-helper").into(),
            force_stop: CancellationToken::new(),
            counters: Counters::default(),
            go_offer: GoOffer {
                releases: self.releases.clone(),
                line: "1.26".parse().unwrap(),
            },
            if_unfit,
        };
        Running {
            task: tokio::spawn(wombat_builder::run(deps, args, stop.clone())),
            stop,
            _state: state,
        }
    }

    /// Waits for a presence like this, and returns the problems that were told before.
    pub(crate) async fn until_present(&self, is_it: impl Fn(&Presence) -> bool) -> Vec<String> {
        let mut watcher = self.store.builders.watch();
        let mut problems = Vec::new();
        let looking = async {
            loop {
                if let WatchEvent::Value { record, .. } = watcher.next().await {
                    if is_it(&record.value) {
                        return;
                    }
                    problems.extend(record.value.problem);
                }
            }
        };
        let found = tokio::time::timeout(LIMIT, looking).await;
        assert!(found.is_ok(), "{problems:?}");
        problems
    }
}
