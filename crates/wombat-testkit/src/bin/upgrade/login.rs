//! How processes and people log in: with the keys of a configuration, or on a server without users by its address alone.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use wombat_store::{NatsArgs, roles::NatsRole};

/// The keys, if the server has users.
#[derive(Clone, Debug)]
pub(crate) enum Login {
    /// The folder of `wombat setup --write-config`.
    Keys(PathBuf),
    /// No users.
    Open,
}

impl Login {
    /// The file with a role's secret.
    pub(crate) fn seed_file(&self, role: NatsRole) -> Option<PathBuf> {
        match self {
            Self::Keys(folder) => Some(folder.join(role.name()).join("user.nk")),
            Self::Open => None,
        }
    }

    pub(crate) fn seed(&self, role: NatsRole) -> anyhow::Result<Option<String>> {
        let Some(file) = self.seed_file(role) else {
            return Ok(None);
        };
        let seed = std::fs::read_to_string(&file);
        let seed = seed.with_context(|| file.display().to_string())?;
        Ok(Some(seed.trim().to_owned()))
    }

    /// A connection's options.
    pub(crate) fn args(&self, url: &str, role: NatsRole) -> anyhow::Result<NatsArgs> {
        Ok(NatsArgs {
            seed: self.seed(role)?,
            ..NatsArgs::at(url)
        })
    }

    /// The words of `wombat setup`.
    pub(crate) fn setup(&self, url: &str, more: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut words = vec!["setup".to_owned(), "--nats-url".to_owned(), url.to_owned()];
        if let Some(file) = self.seed_file(NatsRole::Admin) {
            words.push("--nats-user-seed-file".to_owned());
            words.push(text(&file)?);
        }
        words.extend(more.iter().map(|word| (*word).to_owned()));
        Ok(words)
    }
}

pub(crate) fn text(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).context("a path of ours")
}
