//! The folder with a nats-server's configuration that `wombat setup --write-config` creates.
//!
//! `server/nats-server.conf` is created once, for operators to edit. `server/roles.conf`, which it includes, belongs to
//! this version of the program and is rewritten each time. The folders beside it hold the users' secrets.
#![expect(
    clippy::disallowed_methods,
    reason = "called by commands at their start, and in blocking threads"
)]

mod users;

use std::path::{Path, PathBuf};

use anyhow::Context;
pub(crate) use users::{MoreUsers, Outcome, make_folder, seed_file, users};
use users::{read, replace};
use wombat_store::roles::RoleKeys;

/// The server's own folder.
const SERVER_FOLDER: &str = "server";
/// Created once.
const SERVER: &str = "nats-server.conf";
/// Rewritten each time.
const ROLES: &str = "roles.conf";

/// What a folder held before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// No users.
    Nothing,
    /// The users of version 0.1.0, all in one account.
    OneAccount,
    /// Users in accounts.
    Accounts,
}

/// The folder as it was written.
#[derive(Debug)]
pub(crate) struct Written {
    /// Each file with its outcome, the server's two first.
    pub(crate) files: Vec<(PathBuf, Outcome)>,
    pub(crate) before: Before,
}

/// Writes missing files into `folder`, and the roles in any case. `store` is nats-server's data folder.
pub(crate) fn write(folder: &Path, store: &Path, more: MoreUsers<'_>) -> anyhow::Result<Written> {
    make_folder(folder, 0o755)?;
    let (keys, seeds) = users(folder, more)?;
    let own = folder.join(SERVER_FOLDER);
    make_folder(&own, 0o755)?;
    let roles = own.join(ROLES);
    let known = read(&roles).with_context(|| format!("reading {}", roles.display()))?;
    let before = known.map_or(Before::Nothing, |text| before(&text));
    replace(&roles, &roles_file(&keys), 0o644)?;
    let server = own.join(SERVER);
    let known = read(&server).with_context(|| format!("reading {}", server.display()))?;
    let outcome = if known.is_some() {
        Outcome::Kept
    } else {
        replace(&server, &server_file(store), 0o644)?;
        Outcome::Made
    };
    let mut files = vec![(server, outcome), (roles, Outcome::Made)];
    files.extend(seeds);
    Ok(Written { files, before })
}

/// Only accounts export to each other.
fn before(roles: &str) -> Before {
    if roles.contains("exports: [") {
        Before::Accounts
    } else {
        Before::OneAccount
    }
}

fn roles_file(keys: &RoleKeys) -> String {
    format!(
        "# Written by `wombat setup --write-config`: the users of Wombat Builder {}, with exactly what each needs.\n\
         # Changes here are lost; edit nats-server.conf instead. After an upgrade, write it again and run `nats-server --signal reload`.\n\
         {}",
        env!("CARGO_PKG_VERSION"),
        keys.accounts()
    )
}

fn server_file(store: &Path) -> String {
    let store = serde_json::Value::from(store.display().to_string());
    format!(
        "# nats-server for Wombat Builder: one server with JetStream on its own disk.\n\
         # Three of these as a cluster, and `wombat setup --replicas 3`, survive the loss of one.\n\
         \n\
         listen: \"0.0.0.0:4222\"\n\
         http: \"127.0.0.1:8222\"\n\
         server_name: \"wombat\"\n\
         \n\
         # Users and their permissions.\n\
         include \"{ROLES}\"\n\
         \n\
         # Seeds never cross the network, but binaries and logs do. On a network that others share, uncomment this, and\n\
         # give every role NATS_URL=tls://… and WOMBAT_NATS_TLS_CA.\n\
         # tls {{ cert_file: \"/etc/wombat/tls/server.pem\", key_file: \"/etc/wombat/tls/server-key.pem\" }}\n\
         \n\
         # Lets clients reconnect to another server before this one stops.\n\
         lame_duck_duration: \"30s\"\n\
         lame_duck_grace_period: \"1s\"\n\
         \n\
         jetstream {{\n  \
         store_dir: {store}\n  \
         max_mem: 64MB\n  \
         # Limits what buckets may reserve in total; `wombat setup` reserves about 16 GB by default.\n  \
         max_file: 100GB\n  \
         # Acknowledged messages are on disk, even if the machine loses power. Costs about a quarter of a millisecond per write.\n  \
         sync_interval: always\n\
         }}\n"
    )
}

#[cfg(test)]
mod tests;
