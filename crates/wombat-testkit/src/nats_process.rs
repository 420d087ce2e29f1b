//! One `nats-server` process: started, killed, suspended, and restarted on its port with its data.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How long a server may take to start.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A server with a configuration file. Dropping it kills and reaps it.
#[derive(Debug)]
pub(crate) struct NatsProcess {
    program: PathBuf,
    config: PathBuf,
    arguments: Vec<String>,
    /// Seconds that its clock is ahead of the machine's.
    clock_offset: Option<i64>,
    port: u16,
    log: PathBuf,
    child: Option<Child>,
    interrupted: bool,
}

impl NatsProcess {
    /// Starts it with this configuration, but on this port.
    pub(crate) fn start(
        config: &Path,
        port: u16,
        log: PathBuf,
        arguments: Vec<String>,
        clock_offset: Option<i64>,
    ) -> anyhow::Result<Self> {
        let program = find_program()?;
        let program = match clock_offset {
            Some(_) => program.with_file_name("nats-server-clock"),
            None => program,
        };
        let mut process = Self {
            program,
            config: config.to_owned(),
            arguments,
            clock_offset,
            port,
            log,
            child: None,
            interrupted: false,
        };
        process.launch()?;
        Ok(process)
    }

    /// The port for clients.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `None` while it is killed.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Kills it, as a crash does.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.interrupted = true;
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Starts it again on the same port with the same data.
    pub(crate) fn restart(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        self.launch()
    }

    /// Whether clients were ever separated from it.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Sends it a signal.
    pub(crate) fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        self.interrupted = true;
        let id = self.id().context("it is killed")?;
        Ok(kill(Pid::from_raw(id.cast_signed()), signal)?)
    }

    /// Its log since the last start.
    pub(crate) fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn launch(&mut self) -> anyhow::Result<()> {
        ensure!(
            self.program.is_file(),
            "there is no {}: run `make tools`, which builds it",
            self.program.display()
        );
        let log = std::fs::File::create(&self.log)?;
        let offset = self.clock_offset.map(|seconds| seconds.to_string());
        let child = Command::new(&self.program)
            .envs(offset.map(|seconds| ("WOMBAT_TEST_CLOCK_OFFSET", seconds)))
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
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            let ended = child.try_wait()?;
            ensure!(
                ended.is_none() && start.elapsed() < START_LIMIT,
                "nats-server didn't start: {}",
                std::fs::read_to_string(&self.log)?
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for NatsProcess {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and the test has its verdict.
        drop(self.kill());
    }
}

/// A port of the loopback interface that nothing listens at.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// `WOMBAT_NATS_SERVER`, else what `make tools` built, else the search path.
pub fn find_program() -> anyhow::Result<PathBuf> {
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
