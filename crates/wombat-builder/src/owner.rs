//! Who owns a builder's folder: one process at a time, and a note of the one before.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use wombat_model::{BuildKey, BuilderId};

/// The folder, ours until this is dropped.
#[derive(Debug)]
pub(crate) struct Ownership {
    folder: PathBuf,
    /// Whose it was before. That process is dead: it would hold the lock.
    pub(crate) previous: Option<Note>,
    _lock: File,
}

/// What an owner writes down of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) builder: BuilderId,
    /// Builds that it gave back for the owner before it. One that is found under a dead owner again may be what
    /// kills them.
    pub(crate) given_back: Vec<BuildKey>,
}

impl Ownership {
    /// Takes the folder for `builder`.
    pub(crate) fn take(folder: &Path, builder: &BuilderId) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("making the folder {}", folder.display()))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "another builder uses {}; give this one another --state-dir",
                folder.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", folder.display()));
            }
        }
        // Without a readable note nobody's claims are given back at once; they are when their owner's lease ends.
        let previous = fs::read(folder.join("owner"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        let ownership = Self {
            folder: folder.to_owned(),
            previous,
            _lock: lock,
        };
        ownership.note(&Note {
            builder: builder.clone(),
            given_back: Vec::new(),
        })?;
        Ok(ownership)
    }

    /// Adds to what is written down of us.
    pub(crate) fn add(&self, more: &Note) -> anyhow::Result<()> {
        let mut note = fs::read(self.folder.join("owner"))
            .ok()
            .and_then(|text| serde_json::from_slice::<Note>(&text).ok())
            .filter(|note| note.builder == more.builder)
            .unwrap_or_else(|| Note {
                builder: more.builder.clone(),
                given_back: Vec::new(),
            });
        note.given_back.extend(more.given_back.iter().cloned());
        self.note(&note)
    }

    fn note(&self, note: &Note) -> anyhow::Result<()> {
        let unfinished = self.folder.join("owner.new");
        fs::write(&unfinished, serde_json::to_vec(note)?)?;
        fs::rename(&unfinished, self.folder.join("owner"))
            .context("writing down who owns the folder")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_at_a_time_and_the_next_knows_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| name.parse::<BuilderId>().unwrap());
        let first = Ownership::take(folder.path(), &one).unwrap();
        assert_eq!(first.previous, None);
        assert!(
            Ownership::take(folder.path(), &two)
                .unwrap_err()
                .to_string()
                .contains("--state-dir")
        );
        drop(first);
        assert_eq!(
            Ownership::take(folder.path(), &two)
                .unwrap()
                .previous
                .unwrap()
                .builder,
            one
        );
    }
}
