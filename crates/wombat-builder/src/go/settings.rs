//! Which `go` is used, where its caches are, and where it fetches modules.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use wombat_model::GoVersion;

use crate::{
    child::{ChildCommand, Ending, Output},
    relay::{InvalidUpstream, RelayOptions, Upstream},
    sandbox::{NoSandbox, Sandbox, SandboxOptions},
};

/// The oldest Go that builders work with.
const OLDEST_GO: &str = "1.26.0";
/// Most that is read of what it says, in bytes.
const MOST_OUTPUT: usize = 64 << 10;
/// How long `go` may take to say what it is.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// Where to find Go and where it may put things.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct GoOptions {
    /// The `go` program; found in PATH if left out.
    #[arg(long, env = "WOMBAT_GO", value_name = "PATH")]
    pub go: Option<PathBuf>,
    /// Folder of Go's compile cache; in the state directory if left out.
    #[arg(long, env = "WOMBAT_GO_CACHE", value_name = "DIR")]
    pub go_cache: Option<PathBuf>,
    /// Folder of Go's module cache; in the state directory if left out.
    #[arg(long, env = "WOMBAT_MODULE_CACHE", value_name = "DIR")]
    pub module_cache: Option<PathBuf>,
    /// Module proxy; what `go env GOPROXY` names first if left out.
    #[arg(long, env = "WOMBAT_GOPROXY", value_name = "URL")]
    pub goproxy: Option<String>,
    /// How modules are fetched
    #[command(flatten)]
    pub relay: RelayOptions,
    /// What compilers may touch
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
    /// It is older than what builders work with.
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
    /// It doesn't run.
    #[error("`{}` can't be used: {problem}", .program.display())]
    Broken {
        /// The program.
        program: PathBuf,
        /// What happened.
        problem: String,
    },
    /// No proxy is configured that could be used.
    #[error(transparent)]
    NoProxy(#[from] InvalidUpstream),
    /// Compilers would have the run of the machine.
    #[error(transparent)]
    NoSandbox(#[from] NoSandbox),
    /// A cache folder can't be made.
    #[error("can't use the folder {}: {source}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A `go` that runs, and all that its children need to know.
#[derive(Clone, Debug)]
pub struct GoSettings {
    /// The `wombat` executable, which every child runs under.
    pub helper: PathBuf,
    /// The `go` program.
    pub program: PathBuf,
    /// Its version.
    pub version: GoVersion,
    /// What it runs on, as toolchain modules are named: `linux-amd64`.
    pub host: String,
    /// Its folder.
    pub goroot: PathBuf,
    /// The one module proxy that is asked.
    pub proxy: Upstream,
    /// How it is asked.
    pub relay: RelayOptions,
    /// The checksum database.
    pub checksum_database: String,
    /// Module cache.
    pub module_cache: PathBuf,
    /// Compile cache.
    pub build_cache: PathBuf,
    /// Folder for Go's own state: what it has seen of the checksum database.
    pub gopath: PathBuf,
    /// What compilers may touch.
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

/// A `go` that runs, and is new enough.
#[derive(Debug)]
pub struct InstalledGo {
    /// The program.
    pub program: PathBuf,
    /// Its version.
    pub version: GoVersion,
    env: GoEnv,
}

impl InstalledGo {
    /// What `go env GOPROXY` says.
    pub fn goproxy(&self) -> &str {
        &self.env.goproxy
    }
}

impl GoOptions {
    /// Finds `go`, and asks it what it is. `helper` is the `wombat` executable, under which it runs.
    pub async fn installed(&self, helper: &Path) -> Result<InstalledGo, SettingsError> {
        let program = match &self.go {
            Some(program) => program.clone(),
            None => find_in_path("go").ok_or(SettingsError::NoGo)?,
        };
        let env = ask(&program, helper).await?;
        let release = env.goversion.strip_prefix("go");
        let version: Option<GoVersion> = release.and_then(|version| version.parse().ok());
        let version = version.ok_or_else(|| SettingsError::Broken {
            program: program.clone(),
            problem: format!(
                "its version is `{}`, which is not a release; install one, or name it with --go (WOMBAT_GO)",
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

    /// Asks `go` what it is and how it is configured; makes the folders.
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
            std::fs::create_dir_all(path).map_err(|source| SettingsError::Folder {
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

/// Where the search path has a program of this name.
pub fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// The operator's own configuration counts here, so this one call sees the variables that name it. A `go` that hangs is
/// killed with all that it started.
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
            .map_err(|error| broken(format!("`go env -json` isn't understood: {error}"))),
        Ending::Stopped(()) => Err(broken(format!(
            "it didn't answer to `go env` within {} s; see whether it runs by hand, or name another with --go (WOMBAT_GO)",
            ANSWER_LIMIT.as_secs()
        ))),
        Ending::Exited(_) | Ending::OutOfMemory | Ending::TooManyProcesses | Ending::NotStarted => {
            let words = String::from_utf8_lossy(&complained);
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            let hint = match std::env::var("GOROOT") {
                Ok(root) if !root.is_empty() => format!(" (GOROOT is set to {root})"),
                _ => String::new(),
            };
            Err(broken(format!("`go env` says: {words}{hint}")))
        }
    }
}

impl GoSettings {
    /// The `bin` folder beside which a toolchain's `go` lies.
    pub(super) fn program_folder(program: &Path) -> &Path {
        program
            .parent()
            .unwrap_or_else(|| Path::new(OsStr::new("/")))
    }
}
