//! A stand-in for `go`, and a system around it, for measures whose subject isn't Go.
//!
//! The stand-in is this program under the name `go`: a shell script would take longer than what is measured. It reads
//! its settings from files beside itself, since builders clear its environment.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use tempfile::TempDir;
use wombat_testkit::{NatsServer, Program, Site, Wombat, go_binary};

use crate::bench::Bench;

/// A `go` that takes a given time and records when it was called.
#[derive(Debug)]
pub(crate) struct StandIn {
    folder: TempDir,
}

impl StandIn {
    fn new() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-stand-in-")?;
        symlink(env::current_exe()?, folder.path().join("go"))?;
        fs::create_dir(folder.path().join("calls"))?;
        Ok(Self { folder })
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("go")
    }

    /// Sets the duration of each further build.
    pub(crate) fn takes(&self, time: Duration) -> anyhow::Result<()> {
        Ok(fs::write(
            self.folder.path().join("milliseconds"),
            time.as_millis().to_string(),
        )?)
    }

    /// Sets the least size of each further binary.
    pub(crate) fn makes_bytes(&self, bytes: u64) -> anyhow::Result<()> {
        Ok(fs::write(
            self.folder.path().join("size"),
            bytes.to_string(),
        )?)
    }

    /// When it was called since `forget_calls`, in no order.
    pub(crate) fn calls(&self) -> anyhow::Result<Vec<SystemTime>> {
        let mut calls = Vec::new();
        for entry in fs::read_dir(self.folder.path().join("calls"))? {
            let name = entry?.file_name();
            let nanoseconds = name.to_str().and_then(|name| name.split('-').next());
            let nanoseconds = nanoseconds.context("a call has a time")?.parse()?;
            calls.push(UNIX_EPOCH + Duration::from_nanos(nanoseconds));
        }
        Ok(calls)
    }

    /// Starts counting calls anew.
    pub(crate) fn forget_calls(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(self.folder.path().join("calls"))? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }
}

/// Separate roles around one nats-server, with a stand-in for Go.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) nats: NatsServer,
    pub(crate) go: StandIn,
    pub(crate) site: Site,
    pub(crate) service: Wombat,
    pub(crate) api: Wombat,
    program: Program,
}

impl Scene {
    /// A service with these further arguments, and a gateway; no builder yet.
    pub(crate) async fn start(bench: &Bench, service: &[&str]) -> anyhow::Result<Self> {
        let nats = NatsServer::start()?;
        Self::around(bench, nats, service).await
    }

    /// The same around an existing server.
    pub(crate) async fn around(
        bench: &Bench,
        nats: NatsServer,
        service: &[&str],
    ) -> anyhow::Result<Self> {
        Self::with_gateway(bench, nats, service, &[]).await
    }

    /// The same with further arguments for the gateway.
    pub(crate) async fn with_gateway(
        bench: &Bench,
        nats: NatsServer,
        service: &[&str],
        gateway: &[&str],
    ) -> anyhow::Result<Self> {
        bench.program.set_up(&nats, &[])?;
        let url = nats.url();
        let mut words = vec!["service", "--nats-url", &url, "--queue-limit", "0"];
        words.extend(service);
        let service = bench.program.start(&words)?;
        Self::complete(bench, nats, service, gateway).await
    }

    /// The same beside a running service.
    pub(crate) async fn beside(
        bench: &Bench,
        nats: NatsServer,
        service: Wombat,
    ) -> anyhow::Result<Self> {
        Self::complete(bench, nats, service, &[]).await
    }

    async fn complete(
        bench: &Bench,
        nats: NatsServer,
        service: Wombat,
        gateway: &[&str],
    ) -> anyhow::Result<Self> {
        let program = bench.program.clone();
        let (api, site) = program.gateway(&nats.url(), gateway).await?;
        Ok(Self {
            nats,
            go: StandIn::new()?,
            site,
            service,
            api,
            program,
        })
    }

    /// One more builder.
    pub(crate) fn builder(&self, extra: &[&str]) -> anyhow::Result<Wombat> {
        let (url, go) = (self.nats.url(), self.go.program());
        let go = go.to_str().context("a path of ours")?;
        let folder = self.go.folder.path().to_str().context("a path of ours")?;
        let mut words = vec!["builder", "--nats-url", &url, "--go", go, "--warm", "off"];
        // It records its calls there.
        words.extend(["--sandbox-allow", folder]);
        words.extend(extra);
        self.program.start(&words)
    }
}

/// Resident memory of a process, in bytes.
pub(crate) fn memory(process: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().nth(1))
        .context("a process has memory")?;
    Ok(kilobytes.parse::<f64>()? * 1024.0)
}

/// The folder of the stand-in, if this process was started as one.
pub(crate) fn folder() -> Option<PathBuf> {
    let program = PathBuf::from(env::args_os().next()?);
    (program.file_name()? == "go").then(|| program.parent().map(Path::to_owned))?
}

/// The stand-in itself.
pub(crate) fn main(folder: &Path) -> anyhow::Result<ExitCode> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let call = folder
        .join("calls")
        .join(format!("{now}-{}", std::process::id()));
    fs::write(call, "")?;
    let words: Vec<String> = env::args().skip(1).collect();
    let setting = |name| -> u64 {
        let text = fs::read_to_string(folder.join(name)).unwrap_or_default();
        text.trim().parse().unwrap_or_default()
    };
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["env", ..] => say(
            r#"{"GOPROXY":"http://127.0.0.1:9","GOSUMDB":"off","GOVERSION":"go1.26.8","GOHOSTOS":"linux","GOHOSTARCH":"amd64"}"#,
        ),
        ["version", ..] => say("go version go1.26.8 linux/amd64"),
        ["mod", "download", _, ref modules @ ..] => {
            for module in modules {
                let (path, version) = module.split_once('@').context("path@version")?;
                store_date(path, version)?;
                let none = folder.join("none");
                say(&serde_json::json!({"Path": path, "Version": version, "GoMod": none.join("go.mod"), "Dir": none, "Sum": "h1:x=", "GoModSum": "h1:y="}).to_string());
            }
        }
        ["mod", "edit", ..] => {
            say(r#"{"Module":{"Path":"stub.example/m"},"Go":"1.26.0","Require":[]}"#);
        }
        ["list", ..] => list()?,
        ["build", ref rest @ ..] => {
            std::thread::sleep(Duration::from_millis(setting("milliseconds")));
            let output = rest.iter().skip_while(|word| **word != "-o").nth(1);
            let mut binary = go_binary("go1.26.8", &build_info()?);
            binary.extend(fs::read("main.go")?);
            let length = binary.len() + usize::try_from(setting("size"))?;
            binary.resize(length, 0);
            fs::write(output.context("-o")?, binary)?;
        }
        ref other => anyhow::bail!("a stand-in for go can't {other:?}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// The lines of build information that Go derives from go.mod, go.sum and its environment.
fn build_info() -> anyhow::Result<String> {
    let (go_mod, go_sum) = (fs::read_to_string("go.mod")?, fs::read_to_string("go.sum")?);
    let mut text = "path\twombat/binary\nmod\twombat/binary\t(devel)\t\n".to_owned();
    for line in go_mod.lines().filter_map(|line| line.strip_prefix('\t')) {
        let mut words = line.split(' ');
        let (path, version) = (words.next(), words.next());
        let (path, version) = path.zip(version).context("a module and its version")?;
        let mut sums = go_sum.lines();
        let sum = sums.find_map(|line| line.strip_prefix(&format!("{path} {version} ")));
        writeln!(
            text,
            "dep\t{path}\t{version}\t{}",
            sum.context("a checksum")?
        )?;
    }
    for setting in ["-buildmode=exe", "-compiler=gc", "-trimpath=true"] {
        writeln!(text, "build\t{setting}")?;
    }
    for name in ["CGO_ENABLED", "GOARCH", "GOOS", "GOAMD64"] {
        writeln!(text, "build\t{name}={}", env::var(name).unwrap_or_default())?;
    }
    Ok(text)
}

/// Stores the time of a release as Go does.
fn store_date(path: &str, version: &str) -> anyhow::Result<()> {
    let cache = PathBuf::from(env::var_os("GOMODCACHE").context("GOMODCACHE")?);
    let folder = cache.join("cache/download").join(path).join("@v");
    fs::create_dir_all(&folder)?;
    let info = serde_json::json!({"Version": version, "Time": "2026-01-02T03:04:05Z"});
    // Sandboxed processes that run at the same time may have the same id.
    let mut unfinished = tempfile::NamedTempFile::new_in(&folder)?;
    unfinished.write_all(info.to_string().as_bytes())?;
    unfinished.persist(folder.join(format!("{version}.info")))?;
    Ok(())
}

fn list() -> anyhow::Result<()> {
    let source = fs::read_to_string("main.go")?;
    let imports: Vec<&str> = source
        .lines()
        .filter_map(|line| line.split('"').nth(1))
        .filter(|path| path.contains('.') && path.contains('/'))
        .collect();
    // A package that imports nothing compiles to nothing, and is refused.
    let below = "stub.example/below";
    say(&serde_json::json!({"ImportPath": below, "Dir": "/none"}).to_string());
    say(r#"{"ImportPath":"time/tzdata","Dir":"/none","Standard":true}"#);
    for path in &imports {
        say(
            &serde_json::json!({"ImportPath": path, "Dir": "/none", "Imports": [below]})
                .to_string(),
        );
    }
    let imports = [&[below], imports.as_slice()].concat();
    say(
        &serde_json::json!({"ImportPath": "wombat/binary", "Dir": "/none", "Imports": imports})
            .to_string(),
    );
    Ok(())
}

#[expect(clippy::print_stdout, reason = "`go` answers there")]
fn say(line: &str) {
    println!("{line}");
}
