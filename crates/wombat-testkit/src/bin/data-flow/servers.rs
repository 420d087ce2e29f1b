//! The servers that pipelines talk to. They end with the program.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};
use nix::unistd::{Uid, User};
use serde_json::Value;
use tempfile::TempDir;
use wombat_testkit::{NatsServer, NatsServerConfig, free_port, wait_until};

/// How long a server may take to listen.
const SOON: Duration = Duration::from_secs(30);

/// All of them, and the variables by which pipelines find them.
pub(crate) struct Servers {
    variables: Vec<(String, String)>,
    nats: NatsServer,
    _postgres: Process,
    _redis: Process,
    _others: Process,
    folder: TempDir,
}

/// A child that is killed and reaped when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Servers {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-servers-")?;
        let own_users = NatsServerConfig {
            own_users: true,
            ..NatsServerConfig::default()
        };
        let nats = NatsServer::with(&own_users)?;
        let (postgres, postgres_url) = postgres(folder.path()).await?;
        let (redis, redis_url) = redis(folder.path()).await?;
        let (others, addresses) = others()?;
        let files = folder.path().join("files");
        fs::create_dir(&files)?;
        let mut variables = vec![
            ("FOLDER".to_owned(), files.to_string_lossy().into_owned()),
            ("NATS".to_owned(), nats.url()),
            ("POSTGRES".to_owned(), postgres_url),
            ("REDIS".to_owned(), redis_url),
            ("PORT".to_owned(), free_port()?.to_string()),
        ];
        variables.extend(addresses);
        let servers = Self {
            variables,
            nats,
            _postgres: postgres,
            _redis: redis,
            _others: others,
            folder,
        };
        servers.set_up_nats()?;
        Ok(servers)
    }

    /// Environment of the pipelines.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The stream and the bucket that pipelines expect.
    fn set_up_nats(&self) -> anyhow::Result<()> {
        let nats =
            std::env::var_os("WOMBAT_NATS_CLI").unwrap_or_else(|| "target/tools/nats".into());
        for words in [
            &[
                "stream",
                "add",
                "ORDERS",
                "--subjects",
                "ORDERS.>",
                "--defaults",
            ][..],
            &["kv", "add", "colours"],
        ] {
            let output = Command::new(&nats)
                .args(["--server", &self.nats.url()])
                .args(words)
                .env("XDG_CONFIG_HOME", self.folder.path())
                .output()?;
            ensure!(
                output.status.success(),
                "nats {words:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }
}

/// Waits until a port is open.
async fn open(process: &mut Process, port: u16) -> anyhow::Result<()> {
    wait_until("a server to listen", SOON, async || {
        ensure!(process.0.try_wait()?.is_none(), "the server has ended");
        Ok(TcpStream::connect(("127.0.0.1", port)).ok().map(drop))
    })
    .await
}

/// Postgres, which doesn't run as root: as the user of its package then.
async fn postgres(folder: &Path) -> anyhow::Result<(Process, String)> {
    let programs = postgres_programs()?;
    let data = folder.join("postgres");
    fs::create_dir(&data)?;
    let user = if Uid::current().is_root() {
        User::from_name("postgres")?
    } else {
        None
    };
    if let Some(user) = &user {
        chown(&data, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        chown(folder, Some(user.uid.as_raw()), None)?;
    }
    let command = |name: &str| {
        let mut command = Command::new(programs.join(name));
        if let Some(user) = &user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command.current_dir(&data).arg("-D").arg(&data);
        command
    };
    let made = command("initdb")
        .args([
            "--username=wombat",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        ])
        .output()?;
    ensure!(
        made.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let port = free_port()?;
    let child = command("postgres")
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-k",
            "",
            "-c",
            "wal_level=logical",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut process = Process(child);
    open(&mut process, port).await?;
    Ok((
        process,
        format!("postgres://wombat@127.0.0.1:{port}/postgres?sslmode=disable"),
    ))
}

/// Where Debian has the programs of the newest version that is installed.
fn postgres_programs() -> anyhow::Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").context("PostgreSQL isn't installed")?;
    let folders = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max()
        .context("PostgreSQL has no initdb")
}

async fn redis(folder: &Path) -> anyhow::Result<(Process, String)> {
    let port = free_port()?;
    let child = Command::new("redis-server")
        .args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--dir",
        ])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("redis-server")?;
    let mut process = Process(child);
    open(&mut process, port).await?;
    Ok((process, format!("redis://127.0.0.1:{port}")))
}

/// The servers of `tools/data-servers`, and their addresses by variable.
fn others() -> anyhow::Result<(Process, Vec<(String, String)>)> {
    let mut child = Command::new("target/tools/data-servers")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("target/tools/data-servers")?;
    let output = child.stdout.take().context("stdout is a pipe")?;
    let process = Process(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let addresses: Value = serde_json::from_str(&line)?;
    let addresses = addresses.as_object().context("no addresses")?;
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    Ok((process, addresses.iter().filter_map(text).collect()))
}
