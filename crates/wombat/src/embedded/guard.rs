//! Users for the own nats-server, where other programs of this machine may reach what is only theirs to see: a key for
//! each role in the state folder, and an account for each role.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::task::spawn_blocking;
use wombat_store::{
    NatsArgs,
    roles::{Account, JETSTREAM_DOMAIN, NatsRole, RoleKeys},
};

use crate::nats_config::{MoreUsers, seed_file, users};

/// The users of the own nats-server.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    keys: RoleKeys,
    /// Has a folder for each role.
    folder: PathBuf,
}

impl Guard {
    /// Reads the keys below `state`, and creates missing ones.
    pub(crate) async fn of(state: &Path) -> anyhow::Result<Self> {
        let folder = state.join("nats/keys");
        let known = folder.clone();
        let read = spawn_blocking(move || {
            crate::nats_config::make_folder(&known, 0o700)?;
            users(&known, MoreUsers::default())
        });
        let (keys, _) = read.await?.context("the keys of nats-server")?;
        Ok(Self { keys, folder })
    }

    /// The part of the server's configuration.
    pub(super) fn accounts(&self) -> String {
        self.keys.accounts()
    }

    /// How a role logs in.
    pub(crate) fn login(&self, url: &str, role: NatsRole) -> NatsArgs {
        NatsArgs {
            seed_file: Some(seed_file(&self.folder, role)),
            ..NatsArgs::at(url)
        }
    }

    /// A command that shows the micro services, for people to paste.
    pub(crate) fn command(&self, url: &str) -> String {
        let key = seed_file(&self.folder, NatsRole::ReadOnly);
        format!(
            "nats --server {url} --nkey '{}' --js-domain {JETSTREAM_DOMAIN} micro ls",
            key.display()
        )
    }
}

/// The account of a nats-server without users.
const GLOBAL_ACCOUNT: &str = "$G";

/// Brings the data to the account that has JetStream: a server with users keeps it elsewhere than one without.
pub(super) fn bring_data(jetstream: &Path, is_guarded: bool) -> anyhow::Result<()> {
    let accounts = jetstream.join("jetstream");
    let [guarded, open] =
        [Account::Wombat.name(), GLOBAL_ACCOUNT].map(|account| accounts.join(account));
    let (wanted, other) = if is_guarded {
        (guarded, open)
    } else {
        (open, guarded)
    };
    if !other.join("streams").is_dir() {
        return Ok(());
    }
    anyhow::ensure!(
        !wanted.join("streams").is_dir(),
        "there are streams in {} and in {}, and only one of them can be used; move the other one away",
        wanted.display(),
        other.display()
    );
    if wanted.is_dir() {
        std::fs::remove_dir(&wanted).with_context(|| wanted.display().to_string())?;
    }
    std::fs::rename(&other, &wanted)
        .with_context(|| format!("renaming {} to {}", other.display(), wanted.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn data_follows_the_account_and_is_never_hidden() {
        let place = tempfile::tempdir().unwrap();
        let accounts = place.path().join("jetstream");
        bring_data(place.path(), true).unwrap();
        let old = accounts.join("$G/streams/KV_builds");
        fs::create_dir_all(&old).unwrap();
        bring_data(place.path(), false).unwrap();
        assert!(old.is_dir());
        bring_data(place.path(), true).unwrap();
        assert!(accounts.join("WOMBAT/streams/KV_builds").is_dir() && !old.exists());
        fs::create_dir(accounts.join("$G")).unwrap();
        bring_data(place.path(), false).unwrap();
        assert!(old.is_dir());
        fs::create_dir_all(accounts.join("WOMBAT/streams/KV_builds")).unwrap();
        let error = bring_data(place.path(), true).unwrap_err().to_string();
        assert!(error.contains("only one of them"), "{error}");
    }
}
