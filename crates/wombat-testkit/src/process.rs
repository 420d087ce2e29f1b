//! `wombat` processes: started with nothing of the caller's settings, and gone with whoever started them.

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

/// How long a process may take to say where it listens; a debug build on a busy machine isn't fast.
pub(crate) const START_LIMIT: Duration = Duration::from_mins(1);

/// The `wombat` executable that a test or a measurement runs.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    variables: Vec<(String, String)>,
    /// The size of the disk that its state is on, in bytes.
    disk: Option<usize>,
}

impl Program {
    /// The one at this path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            variables: Vec::new(),
            disk: None,
        }
    }

    /// The same, with its state on a disk of its own of so many bytes ([`Wombat::disk`]).
    #[must_use]
    pub fn on_small_disk(mut self, bytes: usize) -> Self {
        self.disk = Some(bytes);
        self
    }

    /// The same, with a variable that its processes see.
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
        if !names_login && let Some(seed) = seed_for(name, url) {
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
        let stdout = child.stdout.take().context("a pipe was asked for")?;
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

    /// A new disk over the state folder, which only the program sees.
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

    /// It as a command, with an environment that no developer's settings leak into.
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
        command.env("WOMBAT_LOG", "info,wombat_builder=debug");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Makes the buckets of this server.
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

/// A role logs in as itself, and may do no more than it has to.
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
    /// Removed with the process, where nobody else needs it.
    own_folder: Option<TempDir>,
}

impl Wombat {
    /// The first line that it prints.
    pub fn first_line(&self) -> anyhow::Result<String> {
        self.lines
            .recv_timeout(START_LIMIT)
            .with_context(|| format!("it printed nothing: {}", self.log_text()))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill(Pid::from_raw(self.child.id().cast_signed()), signal)?)
    }

    /// Asks it to end.
    pub fn terminate(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGTERM)
    }

    /// Ends it as a crash does.
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
                "it didn't end within {limit:?}: {}",
                self.log_text()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// What it logged so far.
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
