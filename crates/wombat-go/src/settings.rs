//! The `go` to use, its caches, and its module proxy.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use wombat_model::GoVersion;

use wombat_child::sandbox::{NoSandbox, Sandbox, SandboxOptions};
use wombat_child::{ChildCommand, Ending, Output};
use wombat_goproxy::{InvalidUpstream, RelayOptions, Upstream};

use super::blocking::blocking;

/// The oldest supported Go.
const OLDEST_GO: &str = "1.26.0";
/// Most bytes to read of its output.
const MOST_OUTPUT: usize = 64 << 10;
/// Time limit of `go env`.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// Options of the Go installation.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct GoOptions {
    /// Path of the `go` program; default: the one in PATH
    #[arg(long, env = "WOMBAT_GO", value_name = "PATH")]
    pub go: Option<PathBuf>,
    /// Folder of Go's compile cache; default: `go-build` in the state directory
    #[arg(long, env = "WOMBAT_GO_CACHE", value_name = "DIR")]
    pub go_cache: Option<PathBuf>,
    /// Folder of Go's module cache; default: `modules` in the state directory
    #[arg(long, env = "WOMBAT_MODULE_CACHE", value_name = "DIR")]
    pub module_cache: Option<PathBuf>,
    /// URL of the module proxy; default: the first one in `go env GOPROXY`
    #[arg(long, env = "WOMBAT_GOPROXY", value_name = "URL")]
    pub goproxy: Option<String>,
    /// How to fetch modules
    #[command(flatten)]
    pub relay: RelayOptions,
    /// The sandbox of compilers
    #[command(flatten)]
    pub sandbox: SandboxOptions,
}

/// The Go installation can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no `go`.
    #[error(
        "there is no `go` in PATH; install Go {OLDEST_GO} or newer, or name the program with --go (WOMBAT_GO)"
    )]
    NoGo,
    /// It is too old.
    #[error(
        "`{}` is Go {found}, and builders need {OLDEST_GO} or newer; install a newer one, or name it with --go (WOMBAT_GO)",
        .program.display()
    )]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        found: GoVersion,
    },
    /// It can't be used.
    #[error("`{}` can't be used: {problem}", .program.display())]
    Broken {
        /// The program.
        program: PathBuf,
        /// What happened.
        problem: String,
    },
    /// The module proxy's setting is invalid.
    #[error(transparent)]
    NoProxy(#[from] InvalidUpstream),
    /// There is no sandbox for compilers.
    #[error(transparent)]
    NoSandbox(#[from] NoSandbox),
    /// A cache folder can't be created.
    #[error("can't use the folder {}: {source}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A working `go`, and the settings of its runs.
#[derive(Clone, Debug)]
pub struct GoSettings {
    /// The `wombat` executable, which every child runs under.
    pub helper: PathBuf,
    /// The `go` program.
    pub program: PathBuf,
    /// Its version.
    pub version: GoVersion,
    /// Its platform, as in the names of toolchain modules: `linux-amd64`.
    pub host: String,
    /// Its folder.
    pub goroot: PathBuf,
    /// The module proxy.
    pub proxy: Upstream,
    /// Options of the relay to it.
    pub relay: RelayOptions,
    /// The checksum database.
    pub checksum_database: String,
    /// Module cache.
    pub module_cache: PathBuf,
    /// Compile cache.
    pub build_cache: PathBuf,
    /// Folder for Go's own state: data of the checksum database.
    pub gopath: PathBuf,
    /// The sandbox of compilers.
    pub sandbox: Sandbox,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct GoEnv {
    goproxy: String,
    gosumdb: String,
    goversion: String,
    gohostos: String,
    gohostarch: String,
    #[serde(default)]
    goroot: PathBuf,
}

/// A `go` that works, and is new enough.
#[derive(Debug)]
pub struct InstalledGo {
    /// The program.
    pub program: PathBuf,
    /// Its version.
    pub version: GoVersion,
    env: GoEnv,
}

impl InstalledGo {
    /// The output of `go env GOPROXY`.
    pub fn goproxy(&self) -> &str {
        &self.env.goproxy
    }
}

impl GoOptions {
    /// Finds `go` and reads its version and configuration. It runs under `helper`, the `wombat` executable.
    pub async fn installed(&self, helper: &Path) -> Result<InstalledGo, SettingsError> {
        let program = match &self.go {
            Some(program) => program.clone(),
            None => blocking(|| find_in_path("go"))
                .await
                .ok_or(SettingsError::NoGo)?,
        };
        let env = ask(&program, helper).await?;
        let release = env.goversion.strip_prefix("go");
        let version: Option<GoVersion> = release.and_then(|version| version.parse().ok());
        let version = version.ok_or_else(|| SettingsError::Broken {
            program: program.clone(),
            problem: format!(
                "its version `{}` isn't a release; install one, or name it with --go (WOMBAT_GO)",
                env.goversion
            ),
        })?;
        if OLDEST_GO
            .parse()
            .is_ok_and(|oldest: GoVersion| version < oldest)
        {
            return Err(SettingsError::TooOld {
                program,
                found: version,
            });
        }
        Ok(InstalledGo {
            program,
            version,
            env,
        })
    }

    /// Reads the version and configuration of `go`; creates the folders.
    pub async fn discover(
        &self,
        state_dir: &Path,
        helper: PathBuf,
    ) -> Result<GoSettings, SettingsError> {
        let InstalledGo {
            program,
            version,
            env,
        } = self.installed(&helper).await?;
        let folder = |given: &Option<PathBuf>, name: &str| {
            given.clone().unwrap_or_else(|| state_dir.join(name))
        };
        let mut settings = GoSettings {
            helper,
            program,
            version,
            host: format!("{}-{}", env.gohostos, env.gohostarch),
            goroot: env.goroot,
            proxy: if self.relay.offline {
                Upstream::Off
            } else {
                Upstream::from_setting(self.goproxy.as_deref().unwrap_or(&env.goproxy))?
            },
            relay: self.relay.clone(),
            checksum_database: env.gosumdb,
            module_cache: absolute(folder(&self.module_cache, "modules")),
            build_cache: absolute(folder(&self.go_cache, "go-build")),
            gopath: absolute(state_dir.join("gopath")),
            sandbox: Sandbox::off(),
        };
        for path in [
            &settings.module_cache,
            &settings.build_cache,
            &settings.gopath,
        ] {
            let created = tokio::fs::create_dir_all(path).await;
            created.map_err(|source| SettingsError::Folder {
                path: path.clone(),
                source,
            })?;
        }
        let folder = absolute(state_dir.to_owned());
        settings.sandbox = self.sandbox.set_up(&settings.helper, &folder).await?;
        Ok(settings)
    }
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Finds a program of this name in PATH. Blocks.
pub fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// Runs `go env`. The operator's own configuration counts here, so this call sees the variables that name it. A `go`
/// that hangs is killed with all its descendants.
async fn ask(program: &Path, helper: &Path) -> Result<GoEnv, SettingsError> {
    let broken = |problem: String| SettingsError::Broken {
        program: program.to_owned(),
        problem,
    };
    let passed = [
        "HOME",
        "PATH",
        "XDG_CONFIG_HOME",
        "GOENV",
        "GOPROXY",
        "GOSUMDB",
        "GOROOT",
    ];
    let questions = [
        "env",
        "-json",
        "GOPROXY",
        "GOSUMDB",
        "GOVERSION",
        "GOHOSTOS",
        "GOHOSTARCH",
        "GOROOT",
    ];
    let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let set = passed
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)));
    let child = ChildCommand::new(helper, program, &directory)
        .args(questions)
        .envs(set)
        .envs([("GOTOOLCHAIN", "local")])
        .spawn()
        .map_err(|error| broken(error.to_string()))?;
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    let ending = child.run(tokio::time::sleep(ANSWER_LIMIT), |source, bytes| {
        let kept = match source {
            Output::Stdout => &mut said,
            Output::Stderr => &mut complained,
        };
        let room = MOST_OUTPUT.saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    });
    let ending = ending.await.map_err(|error| broken(error.to_string()))?;
    match ending {
        Ending::Exited(0) => serde_json::from_slice(&said)
            .map_err(|error| broken(format!("can't parse `go env -json`: {error}"))),
        Ending::Stopped(()) => Err(broken(format!(
            "`go env` didn't answer within {} s; check whether it works by hand, or name another program with --go (WOMBAT_GO)",
            ANSWER_LIMIT.as_secs()
        ))),
        Ending::Exited(_) | Ending::OutOfMemory | Ending::TooManyProcesses | Ending::NotStarted => {
            let words = String::from_utf8_lossy(&complained);
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            let hint = match std::env::var("GOROOT") {
                Ok(root) if !root.is_empty() => format!(" (GOROOT is set to {root})"),
                _ => String::new(),
            };
            Err(broken(format!("`go env` failed: {words}{hint}")))
        }
    }
}

impl GoSettings {
    /// The `bin` folder of a toolchain's `go`.
    pub(super) fn program_folder(program: &Path) -> &Path {
        program
            .parent()
            .unwrap_or_else(|| Path::new(OsStr::new("/")))
    }
}
