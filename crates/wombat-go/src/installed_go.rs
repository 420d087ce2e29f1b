//! A `go` program of this machine: where it is, and what it says of itself.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use wombat_child::{ChildCommand, Ending, Output};
use wombat_model::GoVersion;

use super::{oldest_go::is_too_old, settings_error::SettingsError};

/// The variable that names an installation's folder.
const GOROOT: &str = "GOROOT";
/// Variables that name the operator's own configuration.
const OPERATORS: [&str; 7] = [
    "HOME",
    "PATH",
    "XDG_CONFIG_HOME",
    "GOENV",
    "GOPROXY",
    "GOSUMDB",
    GOROOT,
];
/// Most bytes to read of its output.
const MOST_OUTPUT: usize = 64 << 10;
/// Time limit of `go env`.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

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
    /// Reads the version and configuration of this program.
    pub(super) async fn at(program: PathBuf, helper: &Path) -> Result<Self, SettingsError> {
        Self::look_at(program, helper, &OPERATORS).await
    }

    /// The same for a program that was fetched: variables about an installed one don't count.
    pub(super) async fn fetched(program: PathBuf, helper: &Path) -> Result<Self, SettingsError> {
        let passed = OPERATORS.into_iter().filter(|name| *name != GOROOT);
        let passed: Vec<&str> = passed.collect();
        Self::look_at(program, helper, &passed).await
    }

    async fn look_at(
        program: PathBuf,
        helper: &Path,
        passed: &[&str],
    ) -> Result<Self, SettingsError> {
        let env = ask(&program, helper, passed).await?;
        let release = env.goversion.strip_prefix("go");
        let version: Option<GoVersion> = release.and_then(|version| version.parse().ok());
        let version = version.ok_or_else(|| SettingsError::Broken {
            program: program.clone(),
            problem: format!(
                "its version `{}` isn't a release; install one, or name it with --go (WOMBAT_GO)",
                env.goversion
            ),
        })?;
        if is_too_old(version) {
            return Err(SettingsError::TooOld {
                program,
                found: version,
            });
        }
        Ok(Self {
            program,
            version,
            env,
        })
    }

    /// The output of `go env GOPROXY`.
    pub fn goproxy(&self) -> &str {
        &self.env.goproxy
    }

    /// The output of `go env GOSUMDB`.
    pub(super) fn gosumdb(&self) -> &str {
        &self.env.gosumdb
    }

    /// The output of `go env GOROOT`.
    pub(super) fn goroot(&self) -> &Path {
        &self.env.goroot
    }

    /// Its platform, as in the names of toolchain modules: `linux-amd64`.
    pub(super) fn host(&self) -> String {
        format!("{}-{}", self.env.gohostos, self.env.gohostarch)
    }
}

/// Finds a program of this name in PATH. Blocks.
pub fn find_in_path(name: &str) -> Option<PathBuf> {
    find_in(&std::env::var_os("PATH")?, name)
}

/// Finds a program of this name in these folders, which are written as in PATH. Blocks.
pub(super) fn find_in(path: &OsStr, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// Runs `go env`. The operator's own configuration counts here, so this call sees the variables that name it. A `go`
/// that hangs is killed with all its descendants.
async fn ask(program: &Path, helper: &Path, passed: &[&str]) -> Result<GoEnv, SettingsError> {
    let broken = |problem: String| SettingsError::Broken {
        program: program.to_owned(),
        problem,
    };
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
        .iter()
        .filter_map(|name| Some((*name, std::env::var_os(name)?)));
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
            let root = passed.contains(&GOROOT).then(|| std::env::var(GOROOT));
            let hint = match root {
                Some(Ok(root)) if !root.is_empty() => format!(" (GOROOT is set to {root})"),
                Some(_) | None => String::new(),
            };
            Err(broken(format!("`go env` failed: {words}{hint}")))
        }
    }
}
