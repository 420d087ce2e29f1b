//! `wombat` processes: started without the developer's settings, and killed with their test.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};
use tempfile::TempDir;

use wombat_store::roles::NatsRole;

use crate::{NatsServer, accounts::keys_at};

/// How long a process may take to print its address; a debug build on a busy machine isn't fast.
pub(crate) const START_LIMIT: Duration = Duration::from_mins(1);

/// The `wombat` executable that a test or a measurement runs.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    variables: Vec<(String, String)>,
    /// Whether its roles log in with their keys.
    has_keys: bool,
    /// The size of the disk that its state is on, in bytes.
    disk: Option<usize>,
}

impl Program {
    /// The executable at this path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            variables: Vec::new(),
            has_keys: true,
            disk: None,
        }
    }

    /// The same, with roles that log in with what their arguments say alone.
    #[must_use]
    pub fn without_keys(mut self) -> Self {
        self.has_keys = false;
        self
    }

    /// The same, with its state on a disk of its own of this size ([`Wombat::disk`]).
    #[must_use]
    pub fn on_small_disk(mut self, bytes: usize) -> Self {
        self.disk = Some(bytes);
        self
    }

    /// The same, with an environment variable for its processes.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it with a state folder of its own.
    pub fn start(&self, arguments: &[&str]) -> anyhow::Result<Wombat> {
        let folder = TempDir::with_prefix("wombat-state-")?;
        let mut wombat = self.start_in(folder.path(), arguments)?;
        wombat.own_folder = Some(folder);
        Ok(wombat)
    }

    /// Starts it with this state folder.
    pub fn start_in(&self, state: &Path, arguments: &[&str]) -> anyhow::Result<Wombat> {
        let name = arguments.first().copied().unwrap_or("wombat");
        let log = state.join(format!("{name}.log"));
        let mut command = match self.disk {
            Some(bytes) => self.cleaned(self.on_disk(bytes, state)),
            None => self.command(),
        };
        let names_login = arguments.iter().any(|word| word.starts_with("--nats-user"));
        let place = arguments.iter().position(|word| *word == "--nats-url");
        let url = place.and_then(|place| arguments.get(place + 1));
        let url = url.copied().unwrap_or_default();
        if self.has_keys
            && !names_login
            && let Some(seed) = seed_for(name, url)
        {
            command.env("NATS_USER_SEED", seed);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let mut child = command
            .args(arguments)
            .arg("--state-dir")
            .arg(state)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log)?)
            .spawn()?;
        let stdout = child.stdout.take().context("stdout is a pipe")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Wombat {
            child,
            lines,
            log,
            own_folder: None,
        })
    }

    /// A command with a new disk over the state folder, which only the program sees.
    fn on_disk(&self, bytes: usize, state: &Path) -> Command {
        let script = "mount -t tmpfs -o size=$1 none \"$2\" && shift 2 && exec \"$@\"";
        let mut command = Command::new("unshare");
        if Uid::current().is_root() {
            command.arg("--mount");
        } else {
            command.args(["--map-root-user", "--mount"]);
        }
        command.args(["sh", "-c", script, "sh", &bytes.to_string()]);
        command.arg(state).arg(&self.path);
        command
    }

    /// A command that runs it, without a developer's settings in its environment.
    pub fn command(&self) -> Command {
        self.cleaned(Command::new(&self.path))
    }

    fn cleaned(&self, mut command: Command) -> Command {
        for name in [
            "NATS_URL",
            "NATS_USER_JWT",
            "NATS_USER_SEED",
            "NATS_USER_CREDS",
            "WORKERS",
        ] {
            command.env_remove(name);
        }
        let own = std::env::vars_os()
            .map(|(name, _)| name)
            .filter(|name| name.to_string_lossy().starts_with("WOMBAT_"));
        for name in own {
            command.env_remove(name);
        }
        command.env(
            "WOMBAT_LOG",
            "info,wombat_builder=debug,wombat_go=debug,wombat_gocache=debug,wombat_goproxy=debug",
        );
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Creates the buckets of this server.
    pub fn set_up(&self, nats: &NatsServer, extra: &[&str]) -> anyhow::Result<()> {
        let url = nats.url();
        let mut command = self.command();
        if nats.is_shared() {
            command.envs(
                keys_at(&url)
                    .seed(NatsRole::Admin)
                    .map(|seed| ("NATS_USER_SEED", seed)),
            );
        }
        let output = command
            .args(["setup", "--nats-url", &url])
            .args(["--replicas", &nats.replicas().to_string()])
            .args(extra)
            .output()?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}

/// The seed of a role, which has only the permissions that it needs.
fn seed_for(command: &str, url: &str) -> Option<String> {
    let role = match command {
        "service" => NatsRole::Service,
        "builder" => NatsRole::Builder,
        "api" => NatsRole::Api,
        _ => return None,
    };
    keys_at(url).seed(role)
}

/// A `wombat` process. Dropping it kills and reaps it; its log is shown if the test fails.
#[derive(Debug)]
pub struct Wombat {
    child: Child,
    lines: mpsc::Receiver<String>,
    /// In its state folder.
    log: PathBuf,
    /// Removed with the process, if the process has a folder of its own.
    own_folder: Option<TempDir>,
}

impl Wombat {
    /// The first line that it prints.
    pub fn first_line(&self) -> anyhow::Result<String> {
        self.lines
            .recv_timeout(START_LIMIT)
            .with_context(|| format!("the process printed nothing: {}", self.log_text()))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill(Pid::from_raw(self.child.id().cast_signed()), signal)?)
    }

    /// Sends it SIGTERM.
    pub fn terminate(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGTERM)
    }

    /// Kills it, as a crash does.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Its state folder, as it sees it, while it runs.
    pub fn disk(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.id()));
        let state = self.log.parent().unwrap_or(&self.log);
        root.join(state.strip_prefix("/").unwrap_or(state))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended by itself.
    pub fn ended(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(
                start.elapsed() < limit,
                "the process didn't end within {limit:?}: {}",
                self.log_text()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Its log so far.
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Wombat {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), self.log_text());
        }
    }
}
