//! A real `nats-server` for a test: free port, own directory, removed with the test. With `WOMBAT_TEST_REPLICAS=3` it
//! is the test's own account on a cluster of three that all tests of the process share.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{bail, ensure};
use tempfile::TempDir;
use wombat_store::{Connection, NatsArgs, ProvisionOptions, Store, provision, roles::NatsRole};

use crate::{
    Cluster, Wire,
    accounts::{ACCOUNTS, guards, keys_at, login_as, login_of},
    nats_process::{NatsProcess, free_port},
};

/// Options that may differ from test to test.
#[derive(Clone, Debug, Default)]
pub struct NatsServerConfig {
    /// More lines for the configuration file.
    pub extra: String,
    /// Whether every acknowledged write is on disk before its acknowledgement.
    pub sync_always: bool,
    /// Whether `extra` defines the users.
    pub own_users: bool,
    /// Seconds that its clock is ahead of the machine's.
    pub clock_offset: Option<i64>,
    /// Where JetStream's data is, or will be; `None`: in the server's own directory.
    pub store: Option<PathBuf>,
}

/// A running server, or an account on a cluster. Dropping it ends what it started.
#[derive(Debug)]
pub struct NatsServer {
    directory: TempDir,
    backing: Backing,
    /// Whether the test may violate permissions.
    tolerant: bool,
}

#[derive(Debug)]
enum Backing {
    Own(NatsProcess),
    /// A whole cluster.
    Cluster(Arc<Cluster>),
    /// An account on a cluster that other tests use, too.
    Account(Arc<Cluster>, usize),
}

impl NatsServer {
    /// A server with JetStream and nothing in it.
    pub fn start() -> anyhow::Result<Self> {
        if std::env::var_os("WOMBAT_TEST_REPLICAS").is_some_and(|copies| copies == "3") {
            return Self::on_the_shared_cluster();
        }
        Self::alone()
    }

    /// The same, and never on a cluster: for tests that kill it, or examine its process.
    pub fn alone() -> anyhow::Result<Self> {
        Self::with(&NatsServerConfig::default())
    }

    /// A server with these options, never on a cluster.
    pub fn with(config: &NatsServerConfig) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix("wombat-nats-")?;
        // Restarts must use the port that the clients know.
        let port = free_port()?;
        let sync = if config.sync_always {
            "sync_interval: always"
        } else {
            ""
        };
        let users = if config.own_users {
            String::new()
        } else {
            guards()
        };
        let store = config.store.clone();
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\nserver_name: test\n\
             jetstream {{ store_dir: \"{}\", max_file: 100G {sync} }}\n{users}\n{}\n",
            store
                .unwrap_or_else(|| directory.path().join("jetstream"))
                .display(),
            config.extra,
        );
        let path = directory.path().join("nats.conf");
        std::fs::write(&path, text)?;
        let log = directory.path().join("nats.log");
        let process = NatsProcess::start(&path, port, log, Vec::new(), config.clock_offset)?;
        Ok(Self::at(directory, Backing::Own(process)))
    }

    /// A server with this configuration file, except for its ports.
    pub fn of_config(config: &Path) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix("wombat-nats-")?;
        let log = directory.path().join("nats.log");
        let arguments = vec!["--http_port".to_owned(), "-1".to_owned()];
        let process = NatsProcess::start(config, free_port()?, log, arguments, None)?;
        Ok(Self::at(directory, Backing::Own(process)))
    }

    /// This cluster instead of a server.
    pub fn of_cluster(cluster: &Arc<Cluster>) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix("wombat-nats-")?;
        Ok(Self::at(directory, Backing::Cluster(Arc::clone(cluster))))
    }

    fn on_the_shared_cluster() -> anyhow::Result<Self> {
        // The first is for requests about the cluster itself.
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let account = NEXT.fetch_add(1, Ordering::Relaxed);
        ensure!(
            account < ACCOUNTS,
            "more tests than accounts: raise their number"
        );
        let directory = TempDir::with_prefix("wombat-nats-")?;
        let backing = Backing::Account(Cluster::shared()?, account);
        Ok(Self::at(directory, backing))
    }

    fn at(directory: TempDir, backing: Backing) -> Self {
        Self {
            directory,
            backing,
            tolerant: false,
        }
    }

    /// The same for a test that violates permissions, which fails other tests.
    #[must_use]
    pub fn tolerant(mut self) -> Self {
        self.tolerant = true;
        self
    }

    /// The address for clients, also after a restart. On the shared cluster it is another node at each call.
    pub fn url(&self) -> String {
        match &self.backing {
            Backing::Own(process) => format!("nats://127.0.0.1:{}", process.port()),
            Backing::Cluster(cluster) => cluster.url(),
            Backing::Account(cluster, account) => {
                format!("nats://{}{}", login_of(*account), cluster.next_address())
            }
        }
    }

    /// How many copies its buckets and streams get.
    pub fn replicas(&self) -> u8 {
        match &self.backing {
            Backing::Own(_) => 1,
            Backing::Cluster(_) | Backing::Account(..) => 3,
        }
    }

    /// Whether other tests use it, too, so that it requires a login.
    pub fn is_shared(&self) -> bool {
        matches!(self.backing, Backing::Account(..))
    }

    /// The process; `None` while it is killed, and where there is more than one.
    pub fn id(&self) -> Option<u32> {
        match &self.backing {
            Backing::Own(process) => process.id(),
            Backing::Cluster(_) | Backing::Account(..) => None,
        }
    }

    /// Its directory, for other files of the test.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A new connection, which may do everything.
    pub async fn connection(&self) -> anyhow::Result<Connection> {
        let timeout = Duration::from_secs(5);
        let login = match &self.backing {
            Backing::Own(_) | Backing::Cluster(_) => NatsArgs::at(self.url()),
            Backing::Account(..) => login_as(&self.url(), NatsRole::Admin),
        };
        Ok(Connection::open(&login, "test", timeout).await?)
    }

    /// A new connection with the permissions of a role.
    pub async fn connection_as(&self, role: NatsRole) -> anyhow::Result<Connection> {
        let timeout = Duration::from_secs(5);
        Ok(Connection::open(&login_as(&self.url(), role), role.name(), timeout).await?)
    }

    /// A new connection, and all buckets, which are created.
    pub async fn store(&self) -> anyhow::Result<(Connection, Store)> {
        self.store_with(&ProvisionOptions::default()).await
    }

    /// The same, with buckets of these sizes.
    pub async fn store_with(
        &self,
        options: &ProvisionOptions,
    ) -> anyhow::Result<(Connection, Store)> {
        let connection = self.connection().await?;
        let options = ProvisionOptions {
            replicas: options.replicas.or(Some(self.replicas())),
            ..*options
        };
        provision(&connection, &options).await?;
        let store = Store::open(&connection).await?;
        Ok((connection, store))
    }

    /// Kills it, as a crash does. Only for one that is alone.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process()?.kill()
    }

    /// Starts it again on the same port with the same data. Only for one that is alone.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.process()?.restart()
    }

    fn process(&mut self) -> anyhow::Result<&mut NatsProcess> {
        match &mut self.backing {
            Backing::Own(process) => Ok(process),
            Backing::Cluster(_) | Backing::Account(..) => {
                bail!("other tests use this server: start it with `NatsServer::alone`")
            }
        }
    }

    /// The violations of permissions by this test's logins. A reply to what a server took before it was killed isn't
    /// one: the permission to reply was that server's.
    fn violations(&self) -> Vec<String> {
        const REPLY: &str = "Publish Violation - Subject \"_INBOX";
        let interrupted = match &self.backing {
            Backing::Own(process) => process.was_interrupted(),
            Backing::Cluster(cluster) => cluster.was_interrupted(),
            Backing::Account(..) => false,
        };
        let (log, keys) = match &self.backing {
            Backing::Own(process) => (process.log_text(), None),
            Backing::Cluster(cluster) => (cluster.log_text(), None),
            Backing::Account(cluster, account) => {
                let url = format!("nats://{}", login_of(*account));
                (cluster.log_text(), Some(keys_at(&url)))
            }
        };
        let ours = |line: &str| {
            keys.is_none_or(|keys| {
                let mut roles = NatsRole::ALL.iter();
                roles.any(|role| keys.public(*role).is_some_and(|key| line.contains(&key)))
            })
        };
        let denied = log.lines().filter(|line| line.contains(" Violation - "));
        denied
            .filter(|line| ours(line) && !(interrupted && line.contains(REPLY)))
            .map(str::to_owned)
            .collect()
    }

    /// Deletes the test's streams from a shared cluster, where they would slow other tests down.
    fn clear(&self) -> anyhow::Result<()> {
        if !matches!(self.backing, Backing::Account(..)) {
            return Ok(());
        }
        let url = self.url();
        let seed = keys_at(&url).seed(NatsRole::Admin).unwrap_or_default();
        let mut wire = Wire::login(&url, &seed)?;
        let names = wire.ask("$JS.API.STREAM.NAMES", "")?;
        for name in names["streams"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            wire.ask(&format!("$JS.API.STREAM.DELETE.{name}"), "")?;
        }
        Ok(())
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let denied = self.violations();
        if let Backing::Own(process) = &mut self.backing {
            // Nothing can be done about a failure here, and the test has its verdict.
            drop(process.kill());
        }
        drop(self.clear());
        if std::thread::panicking() || self.tolerant {
            return;
        }
        assert!(
            denied.is_empty(),
            "a role lacks a permission that it needs: {denied:#?}"
        );
    }
}
