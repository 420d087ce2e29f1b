//! The secrets of users: a folder each, which can be given to one machine, container or person without the others.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use wombat_store::roles::{NatsRole, RoleKeys, UserName};

/// A user's secret, in its folder.
const SEED: &str = "user.nk";
/// Roles that may have more than one user.
const WITH_MORE: [NatsRole; 2] = [NatsRole::Builder, NatsRole::ReadOnly];

/// Whether a file was written or kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Made,
    Kept,
}

/// Users to add to the first ones of their roles.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MoreUsers<'a> {
    pub(crate) builders: &'a [UserName],
    pub(crate) readers: &'a [UserName],
}

impl<'a> MoreUsers<'a> {
    fn of(self, role: NatsRole) -> &'a [UserName] {
        match role {
            NatsRole::Builder => self.builders,
            NatsRole::ReadOnly => self.readers,
            NatsRole::Admin | NatsRole::Service | NatsRole::Publisher | NatsRole::Api => &[],
        }
    }
}

/// The file with the secret of a role's first user.
pub(crate) fn seed_file(folder: &Path, role: NatsRole) -> PathBuf {
    folder.join(role.name()).join(SEED)
}

fn seed_file_of(folder: &Path, role: NatsRole, user: &UserName) -> PathBuf {
    folder.join(format!("{role}-{user}")).join(SEED)
}

/// Reads the secrets below `folder`, and creates missing ones: of each role's first user, and of `more`. Returns the
/// keys, and each file with its outcome.
pub(crate) fn users(
    folder: &Path,
    more: MoreUsers<'_>,
) -> anyhow::Result<(RoleKeys, Vec<(PathBuf, Outcome)>)> {
    let mut keys = RoleKeys::generate();
    let mut files = Vec::new();
    for role in NatsRole::WITH_USERS {
        let own = keys.seed(role).context("a new key has no seed")?;
        let path = seed_file(folder, role);
        let (seed, outcome) = seed_in(&path, own)?;
        keys = keys
            .with_seed(role, &seed)
            .with_context(|| unusable(&path))?;
        files.push((path, outcome));
    }
    for role in WITH_MORE {
        let mut names: BTreeSet<UserName> = known(folder, role)?;
        names.extend(more.of(role).iter().cloned());
        for name in names {
            let path = seed_file_of(folder, role, &name);
            let (seed, outcome) = seed_in(&path, RoleKeys::new_seed()?)?;
            keys.add(role, name, &seed)
                .with_context(|| unusable(&path))?;
            files.push((path, outcome));
        }
    }
    Ok((keys, files))
}

fn unusable(path: &Path) -> String {
    format!("{} can't be used", path.display())
}

/// The secret in the file; without one, `new` is written there.
fn seed_in(path: &Path, new: String) -> anyhow::Result<(String, Outcome)> {
    if let Some(folder) = path.parent() {
        make_folder(folder, 0o700)?;
    }
    let known = read(path).with_context(|| format!("reading {}", path.display()))?;
    if let Some(seed) = known {
        return Ok((seed, Outcome::Kept));
    }
    replace(path, &format!("{new}\n"), 0o600)?;
    Ok((new, Outcome::Made))
}

/// The users of a role that were added earlier: those whose folder has a secret.
fn known(folder: &Path, role: NatsRole) -> anyhow::Result<BTreeSet<UserName>> {
    let reading = || format!("reading the folder {}", folder.display());
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| {
            let rest = name.strip_prefix(role.name())?;
            rest.strip_prefix('-')?.parse::<UserName>().ok()
        });
        if let Some(name) = name
            && entry.path().join(SEED).exists()
        {
            names.insert(name);
        }
    }
    Ok(names)
}

pub(crate) fn make_folder(path: &Path, mode: u32) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .with_context(|| format!("making the folder {}", path.display()))
}

pub(super) fn replace(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    wombat_files::store_file_as(path, text.as_bytes(), mode)
        .with_context(|| format!("writing {}", path.display()))
}

/// The content of a file; `None` if it is missing, or blank after a crash.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text).filter(|text| !wombat_files::is_blank(text.as_bytes()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
