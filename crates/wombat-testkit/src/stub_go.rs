//! A stand-in for `go`, for tests of faults and load: never for tests of binaries.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::{TestModule, go_binary, install, wait_until};

/// How long a compiler may take to start and to end.
const LIMIT: Duration = Duration::from_secs(30);
const SCRIPT: &str = include_str!("stub_go.sh");
/// Bytes that the build information of a build may need.
const ROOM: usize = 4096;

/// A `go` that takes a configured time, and records its builds.
#[derive(Debug)]
pub struct StubGo {
    folder: TempDir,
}

/// How a build may misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poison {
    /// It prints without end.
    Flood,
    /// It starts processes that start processes.
    Forks,
    /// It takes memory without end.
    Memory,
}

/// How a binary may differ from what its linker was told to link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alteration<'a> {
    /// A module (the first) has this version (the second).
    Version(&'a str, &'a str),
    /// In the place of a module (the first) there is another one, at its version.
    Replacement(&'a str, &'a str, &'a str),
    /// A setting, such as `GOOS`, has this value.
    Setting(&'a str, &'a str),
    /// Its main package is this one.
    Package(&'a str),
    /// A Go release such as `go1.25.0` linked it.
    Go(&'a str),
    /// It has no build information.
    Bare,
}

impl StubGo {
    /// One whose builds end at once.
    pub fn new() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("wombat-stub-go-")?;
        let stub = Self { folder };
        let script = stub.folder.path().join("go.sh");
        fs::write(&script, SCRIPT)?;
        install(&script, &stub.program())?;
        for (name, bytes) in [
            ("head", go_binary::head()),
            ("info-head", go_binary::info_head()),
            ("info-begin", go_binary::BEGIN.to_vec()),
            ("info-end", go_binary::END.to_vec()),
        ] {
            fs::write(stub.folder.path().join(name), bytes)?;
        }
        // A program whose command line identifies this stub.
        install(Path::new("/bin/sleep"), &stub.folder.path().join("sleeper"))?;
        Ok(stub)
    }

    /// The program.
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("go")
    }

    /// The folder of the program and of its records.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How long each further build takes.
    pub fn takes_seconds(&self, seconds: f64) -> anyhow::Result<()> {
        Ok(fs::write(
            self.folder.path().join("seconds"),
            seconds.to_string(),
        )?)
    }

    /// How large each further binary is, at least.
    pub fn makes_bytes(&self, bytes: u64) -> anyhow::Result<()> {
        Ok(fs::write(
            self.folder.path().join("size"),
            bytes.to_string(),
        )?)
    }

    /// Each further build misbehaves like this, and doesn't end by itself.
    pub fn misbehaves(&self, how: Poison) -> anyhow::Result<()> {
        let name = match how {
            Poison::Flood => "flood",
            Poison::Forks => "forks",
            Poison::Memory => "memory",
        };
        Ok(fs::write(self.folder.path().join(name), "")?)
    }

    /// No further build misbehaves.
    pub fn behaves(&self) {
        for name in ["flood", "forks", "memory"] {
            drop(fs::remove_file(self.folder.path().join(name)));
        }
    }

    /// Each further build fails, and prints this to its standard output and standard error.
    pub fn fails(&self, says: &str, words: &str) -> anyhow::Result<()> {
        self.set("says", says)?;
        self.set("fails", words)
    }

    /// No further build fails.
    pub fn works(&self) {
        drop(fs::remove_file(self.folder.path().join("fails")));
    }

    /// Each further binary differs like this.
    pub fn alters(&self, how: Alteration<'_>) -> anyhow::Result<()> {
        let script = match how {
            Alteration::Version(path, version) => {
                format!("s|^dep\\t{path}\\t[^\\t]*|dep\\t{path}\\t{version}|")
            }
            Alteration::Replacement(path, other, version) => {
                format!(
                    "s|^\\(dep\\t{path}\\t[^\\t]*\\)\\t.*|\\1\\n=>\\t{other}\\t{version}\\th1:x=|"
                )
            }
            Alteration::Setting(name, value) => {
                format!("s|^build\\t{name}=.*|build\\t{name}={value}|")
            }
            Alteration::Package(path) => format!("s|^path\\t.*|path\\t{path}|"),
            Alteration::Go(release) => return self.set("linker", release),
            Alteration::Bare => return self.set("bare", ""),
        };
        self.set("alters", &script)
    }

    /// Further binaries are what the linker is told to link.
    pub fn alters_nothing(&self) {
        for name in ["linker", "bare", "alters"] {
            drop(fs::remove_file(self.folder.path().join(name)));
        }
    }

    /// Each further build "links" the first of these programs whose word is in its `main.go`, with build information of
    /// its own. Go must have linked them with a flag that makes room for that.
    pub fn links(&self, programs: &[(&str, &Path)]) -> anyhow::Result<()> {
        let mut lines = Vec::new();
        for (n, (word, program)) in programs.iter().enumerate() {
            // A copy, since the sandbox lets builds see this folder only.
            let own = self.folder.path().join(format!("program-{n}"));
            install(program, &own)?;
            let (place, size) =
                go_binary::place_in(&fs::read(&own)?).context("a program that Go linked")?;
            ensure!(
                size > ROOM,
                "{} has no room for build information",
                program.display()
            );
            lines.push(format!("{word} {} {}\n", own.display(), place / 16));
        }
        self.set("links", &lines.concat())
    }

    /// Further builds link the stub's own binary again.
    pub fn links_nothing(&self) {
        drop(fs::remove_file(self.folder.path().join("links")));
    }

    /// Every module requires these from now on: the `Require` of `go mod edit -json`.
    pub fn requires(&self, json: &serde_json::Value) -> anyhow::Result<()> {
        let mut sums = String::new();
        for module in json.as_array().into_iter().flatten() {
            let text = |name: &str| module[name].as_str().context("a path and a version");
            let (path, version) = (text("Path")?, text("Version")?);
            writeln!(
                sums,
                "{path} {version} h1:z=\n{path} {version}/go.mod h1:y="
            )?;
        }
        fs::create_dir_all(self.folder.path().join("module"))?;
        self.set("module/go.sum", &sums)?;
        self.set("requires", &json.to_string())
    }

    /// The authors of every module retracted this version from now on, for this reason.
    pub fn retracts(&self, version: &str, rationale: &str) -> anyhow::Result<()> {
        let json = serde_json::json!([rationale]).to_string();
        self.set(&format!("retracted-{version}"), &json)
    }

    /// Every module has these packages from now on: the output of `go list -json` for each.
    pub fn offers(&self, packages: &[serde_json::Value]) -> anyhow::Result<()> {
        let lines: Vec<String> = packages.iter().map(ToString::to_string).collect();
        self.set("offers", &lines.join("\n"))
    }

    /// The module proxy refuses what these packages need from now on.
    pub fn refuses(&self, packages: &[&str]) -> anyhow::Result<()> {
        self.set("unfetched", &packages.join("\n"))
    }

    /// The checksum database knows these modules from now on.
    pub fn knows_sums(&self, modules: &[&TestModule]) -> anyhow::Result<()> {
        let lines = modules.iter().map(|module| {
            let sum = module.sum();
            format!("{} {sum}\n", module.version())
        });
        self.set("sums", &lines.collect::<String>())?;
        self.set("sumdb", "sums.example")
    }

    /// The module proxy refuses this Go release, such as `1.26.11`, from now on.
    pub fn cant_fetch(&self, release: &str) -> anyhow::Result<()> {
        self.set("refused", &format!("go{release}\n"))
    }

    fn set(&self, name: &str, text: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.folder.path().join(name), text)?)
    }

    /// The builds that were started, each by the first digits of its hash.
    pub fn builds(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("builds")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Whether a build is compiling: the child that takes the time runs, and so does the one that detached itself.
    pub fn is_compiling(&self) -> bool {
        let sleeper = self.folder.path().join("sleeper").display().to_string();
        let started = |words: &[String]| words.first() == Some(&sleeper);
        command_lines().filter(|(_, words)| started(words)).count() >= 2
    }

    /// Waits until a compiler runs.
    pub async fn until_compiling(&self) -> anyhow::Result<()> {
        wait_until("the compiler to run", LIMIT, async || {
            Ok(self.is_compiling().then_some(()))
        })
        .await
    }

    /// Waits until no process of this stub runs any more.
    pub async fn until_gone(&self) -> anyhow::Result<()> {
        wait_until("the processes of the stub to be gone", LIMIT, async || {
            Ok(self.running().is_empty().then_some(()))
        })
        .await
    }

    /// Processes of this stub that run now, whatever they do.
    pub fn running(&self) -> Vec<u32> {
        let folder = self.folder.path().display().to_string();
        // Other processes name the program as an argument; only the program itself counts, or the shell that runs it.
        let runs = |words: &[String]| words.iter().take(2).any(|word| word.starts_with(&folder));
        command_lines()
            .filter(|(_, words)| runs(words))
            .map(|(id, _)| id)
            .collect()
    }
}

/// Every process and the words of its command line.
fn command_lines() -> impl Iterator<Item = (u32, Vec<String>)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let words = line.split(|byte| *byte == 0);
        Some((
            id,
            words
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect(),
        ))
    })
}
