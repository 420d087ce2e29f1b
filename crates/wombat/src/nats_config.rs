//! The folder with a nats-server's configuration that `wombat setup --write-config` creates.
//!
//! `server/nats-server.conf` is created once, for operators to edit. `server/roles.conf`, which it includes, belongs to
//! this version of the program and is rewritten each time. `<role>/user.nk` is a role's secret: created once, and
//! readable only by its owner. Each folder can be given to one machine or container without the others.
#![expect(
    clippy::disallowed_methods,
    reason = "called by a command that does nothing else"
)]

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context;
use wombat_store::roles::{NatsRole, RoleKeys};

/// The server's own folder.
const SERVER_FOLDER: &str = "server";
/// Created once.
const SERVER: &str = "nats-server.conf";
/// Rewritten each time.
const ROLES: &str = "roles.conf";
/// A role's secret, in its folder.
const SEED: &str = "user.nk";

/// Whether a file was written or kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Made,
    Kept,
}

/// Writes missing files into `folder`, and the roles in any case. `store` is nats-server's data folder. Returns each
/// file with its outcome, the server's two first.
pub(crate) fn write(folder: &Path, store: &Path) -> anyhow::Result<Vec<(PathBuf, Outcome)>> {
    make_folder(folder, 0o755)?;
    let mut keys = RoleKeys::generate();
    let mut seeds = Vec::new();
    for &role in NatsRole::ALL {
        let own = folder.join(role.name());
        make_folder(&own, 0o700)?;
        let path = own.join(SEED);
        let known = read(&path).with_context(|| format!("reading {}", path.display()))?;
        if let Some(seed) = known {
            keys = keys
                .with_seed(role, &seed)
                .with_context(|| format!("{} can't be used", path.display()))?;
            seeds.push((path, Outcome::Kept));
        } else {
            let seed = keys.seed(role).context("a new key has no seed")?;
            replace(&path, &format!("{seed}\n"), 0o600)?;
            seeds.push((path, Outcome::Made));
        }
    }
    let own = folder.join(SERVER_FOLDER);
    make_folder(&own, 0o755)?;
    let roles = own.join(ROLES);
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
    Ok(files)
}

fn make_folder(path: &Path, mode: u32) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .with_context(|| format!("making the folder {}", path.display()))
}

fn replace(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    wombat_files::store_file_as(path, text.as_bytes(), mode)
        .with_context(|| format!("writing {}", path.display()))
}

/// The content of a file; `None` if it is missing, or blank after a crash.
fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text).filter(|text| !wombat_files::is_blank(text.as_bytes()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
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
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_the_operators_stays_and_the_roles_are_written_anew() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("deep/nats");
        let first = write(&folder, Path::new("/data")).unwrap();
        assert_eq!(first.len(), 2 + NatsRole::ALL.len());
        assert!(first.iter().all(|(_, o)| *o == Outcome::Made));
        let own = folder.join(SERVER_FOLDER);
        let roles = fs::read_to_string(own.join(ROLES)).unwrap();
        fs::write(own.join(SERVER), "mine").unwrap();
        fs::write(own.join(ROLES), "spoilt").unwrap();

        let second = write(&folder, Path::new("/data")).unwrap();
        let made = second.iter().filter(|(_, o)| *o == Outcome::Made);
        assert_eq!(made.count(), 1);
        assert_eq!(fs::read_to_string(own.join(SERVER)).unwrap(), "mine");
        assert_eq!(fs::read_to_string(own.join(ROLES)).unwrap(), roles);
    }

    #[test]
    fn secrets_are_their_owners_alone_and_in_no_other_file() {
        let place = tempfile::tempdir().unwrap();
        write(place.path(), Path::new("/data")).unwrap();
        let roles = fs::read_to_string(place.path().join(SERVER_FOLDER).join(ROLES)).unwrap();
        for &role in NatsRole::ALL {
            let seed = place.path().join(role.name()).join(SEED);
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&seed), mode(seed.parent().unwrap())), (0o600, 0o700));
            let seed = fs::read_to_string(seed).unwrap();
            assert!(!roles.contains(seed.trim()));
        }
    }

    #[test]
    fn what_a_crash_emptied_is_made_again() {
        let place = tempfile::tempdir().unwrap();
        write(place.path(), Path::new("/data")).unwrap();
        let seed = place.path().join("builder").join(SEED);
        let server = place.path().join(SERVER_FOLDER).join(SERVER);
        fs::write(&seed, "").unwrap();
        fs::write(&server, [0; 1000]).unwrap();
        let files = write(place.path(), Path::new("/data")).unwrap();
        let made = |path: &Path| files.contains(&(path.to_owned(), Outcome::Made));
        assert!(made(&seed) && made(&server), "{files:?}");
        assert!(fs::read_to_string(&seed).unwrap().starts_with("SU"));
        assert!(fs::read_to_string(&server).unwrap().contains("jetstream"));
    }

    #[test]
    fn a_spoilt_secret_is_named_and_nothing_is_replaced() {
        let place = tempfile::tempdir().unwrap();
        write(place.path(), Path::new("/data")).unwrap();
        let roles = fs::read_to_string(place.path().join(SERVER_FOLDER).join(ROLES)).unwrap();
        fs::write(place.path().join("builder").join(SEED), "SUnonsense").unwrap();
        let error = write(place.path(), Path::new("/data")).unwrap_err();
        assert!(format!("{error:#}").contains("builder/user.nk can't be used"));
        assert_eq!(
            fs::read_to_string(place.path().join(SERVER_FOLDER).join(ROLES)).unwrap(),
            roles
        );
    }
}
