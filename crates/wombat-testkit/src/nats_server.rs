//! A real `nats-server` of a test's own: free port, own directory, gone with the test.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use tempfile::TempDir;
use wombat_store::{
    Connection, NatsArgs, ProvisionOptions, Store, provision,
    roles::{NatsRole, RoleKeys},
};

/// How long a server may take to start.
const START_LIMIT: Duration = Duration::from_secs(20);

/// What may differ from test to test.
#[derive(Clone, Debug, Default)]
pub struct NatsServerConfig {
    /// More lines for the configuration file.
    pub extra: String,
    /// Whether every acknowledged write is on disk before its acknowledgement.
    pub sync_always: bool,
    /// Whether `extra` says who the users are.
    pub own_users: bool,
}

/// A running server. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct NatsServer {
    directory: TempDir,
    program: PathBuf,
    config: PathBuf,
    arguments: Vec<String>,
    port: u16,
    child: Option<Child>,
    /// Whether the test tries what it may not.
    tolerant: bool,
}

impl NatsServer {
    /// A server with JetStream and nothing in it.
    pub fn start() -> anyhow::Result<Self> {
        Self::with(&NatsServerConfig::default())
    }

    /// The same, configured.
    pub fn with(config: &NatsServerConfig) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix("wombat-nats-")?;
        // Kept for restarts, which must come back where the clients look.
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
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\nserver_name: test\n\
             jetstream {{ store_dir: \"{}\", max_file: 100G {sync} }}\n{}\n{}\n",
            directory.path().join("jetstream").display(),
            users,
            config.extra,
        );
        let path = directory.path().join("nats.conf");
        std::fs::write(&path, text)?;
        let mut server = Self {
            directory,
            program: find_program()?,
            config: path,
            arguments: Vec::new(),
            port,
            child: None,
            tolerant: false,
        };
        server.launch()?;
        Ok(server)
    }

    /// A server with this configuration, but for its ports.
    pub fn of_config(config: &Path) -> anyhow::Result<Self> {
        let mut server = Self {
            directory: TempDir::with_prefix("wombat-nats-")?,
            program: find_program()?,
            config: config.to_owned(),
            arguments: vec!["--http_port".to_owned(), "-1".to_owned()],
            port: free_port()?,
            child: None,
            tolerant: false,
        };
        server.launch()?;
        Ok(server)
    }

    /// The same for a test that tries what its role may not, which is an error elsewhere.
    #[must_use]
    pub fn tolerant(mut self) -> Self {
        self.tolerant = true;
        self
    }

    /// Where clients find it, also after a restart.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The process; `None` while it is killed.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Its directory, for other files of the test.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A new connection.
    pub async fn connection(&self) -> anyhow::Result<Connection> {
        let timeout = Duration::from_secs(5);
        Ok(Connection::open(&NatsArgs::at(self.url()), "test", timeout).await?)
    }

    /// A new connection of a role, which may do what it may and no more.
    pub async fn connection_as(&self, role: NatsRole) -> anyhow::Result<Connection> {
        let timeout = Duration::from_secs(5);
        Ok(Connection::open(&login_as(&self.url(), role), role.name(), timeout).await?)
    }

    /// A new connection, with every bucket made.
    pub async fn store(&self) -> anyhow::Result<(Connection, Store)> {
        self.store_with(&ProvisionOptions::default()).await
    }

    /// The same, with buckets of these sizes.
    pub async fn store_with(
        &self,
        options: &ProvisionOptions,
    ) -> anyhow::Result<(Connection, Store)> {
        let connection = self.connection().await?;
        provision(&connection, options).await?;
        let store = Store::open(&connection).await?;
        Ok((connection, store))
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Starts it again on the same port with the same data.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        self.launch()
    }

    fn launch(&mut self) -> anyhow::Result<()> {
        let log = std::fs::File::create(self.directory.path().join("nats.log"))?;
        let child = Command::new(&self.program)
            .arg("--config")
            .arg(&self.config)
            .args(["--addr", "127.0.0.1", "--port", &self.port.to_string()])
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", self.program.display()))?;
        let child = self.child.insert(child);
        let start = Instant::now();
        loop {
            if std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            let ended = child.try_wait()?;
            ensure!(
                ended.is_none() && start.elapsed() < START_LIMIT,
                "nats-server didn't start: {}",
                std::fs::read_to_string(self.directory.path().join("nats.log"))?
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and the test has its verdict.
        drop(self.kill());
        if std::thread::panicking() || self.tolerant {
            return;
        }
        let log = std::fs::read_to_string(self.directory.path().join("nats.log"));
        let log = log.unwrap_or_default();
        let denied: Vec<&str> = log
            .lines()
            .filter(|line| line.contains(" Violation - "))
            .collect();
        assert!(
            denied.is_empty(),
            "a role lacks a permission that it needs: {denied:#?}"
        );
    }
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// How a role logs in at this address.
pub fn login_as(url: &str, role: NatsRole) -> NatsArgs {
    NatsArgs {
        seed: role_keys().seed(role),
        ..NatsArgs::at(url)
    }
}

/// The keys of all servers of this process.
pub(crate) fn role_keys() -> &'static RoleKeys {
    static KEYS: OnceLock<RoleKeys> = OnceLock::new();
    KEYS.get_or_init(RoleKeys::generate)
}

/// Users as `wombat setup --write-config` makes them. The test itself, which says nothing of itself, may do everything.
fn guards() -> String {
    let keys = role_keys();
    let admin = keys.public(NatsRole::Admin).unwrap_or_default();
    format!("{}no_auth_user: {admin}\n", keys.accounts())
}

/// `WOMBAT_NATS_SERVER`, else what `make tools` built, else the search path.
fn find_program() -> anyhow::Result<PathBuf> {
    if let Some(program) = std::env::var_os("WOMBAT_NATS_SERVER") {
        return Ok(program.into());
    }
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/nats-server");
    if built.is_file() {
        return Ok(built);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join("nats-server"))
        .find(|program| program.is_file())
        .context("no nats-server: run `make tools`, which builds it")
}
