//! The owner of a builder's folder: one process at a time, and a note about the previous one.
//!
//! The note also shows whether the machine crashed under the previous owner: then files that it wrote last may be
//! empty, or hold zeros.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tracing::warn;
use wombat_model::{BuildKey, BuilderId};

/// File name of the note.
const NOTE: &str = "owner";

/// The folder, owned by this process until this is dropped. All methods block.
#[derive(Debug)]
pub(crate) struct Ownership {
    folder: PathBuf,
    /// The previous owner. That process is dead: otherwise it would hold the lock.
    pub(crate) previous: Option<Note>,
    /// Whether the machine may have lost power since, which damages files.
    pub(crate) after_a_crash: bool,
    /// Held while the note is changed: each change contains those before it.
    changing: Mutex<()>,
    _lock: File,
}

/// An owner's note about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) builder: BuilderId,
    /// Builds that it gave back for its predecessor. If such a build has a dead owner again, it may be what kills its
    /// builders.
    pub(crate) given_back: Vec<BuildKey>,
    /// The machine's boot id. `None` if the system has none, or the note is from an older version.
    #[serde(default)]
    pub(crate) boot: Option<String>,
    /// Whether it stopped cleanly.
    #[serde(default)]
    pub(crate) clean: bool,
}

impl Note {
    /// The note of a running builder.
    pub(crate) fn of(builder: BuilderId) -> Self {
        Self {
            builder,
            given_back: Vec::new(),
            boot: boot_id(),
            clean: false,
        }
    }
}

impl Ownership {
    /// Locks the folder for `builder`.
    pub(crate) fn take(folder: &Path, builder: &BuilderId) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("creating the folder {}", folder.display()))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"));
        let lock = match lock {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => bail!(
                "{} belongs to another user; start the builder as that user, or give it another --state-dir",
                folder.display()
            ),
            lock => lock.with_context(|| format!("opening the lock of {}", folder.display()))?,
        };
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
        // Without a readable note, the previous owner's builds are recovered when its lease ends, not at once.
        let text = fs::read(folder.join(NOTE)).ok();
        let previous: Option<Note> = text
            .as_deref()
            .and_then(|text| serde_json::from_slice(text).ok());
        let after_a_crash = match &previous {
            Some(note) => !note.clean && note.boot != boot_id(),
            // An unreadable note was itself damaged by the crash.
            None => text.is_some(),
        };
        let ownership = Self {
            folder: folder.to_owned(),
            previous,
            after_a_crash,
            changing: Mutex::default(),
            _lock: lock,
        };
        // The old note stays until damaged files are repaired, so that a second start sees it, too.
        if !after_a_crash {
            ownership.claim(builder)?;
        }
        Ok(ownership)
    }

    /// Records that the folder belongs to `builder`, and is intact.
    pub(crate) fn claim(&self, builder: &BuilderId) -> anyhow::Result<()> {
        self.note(&Note::of(builder.clone()))
    }

    /// Records in the note of `builder`, this process, that it gives a build back.
    pub(crate) fn add(&self, builder: &BuilderId, given_back: BuildKey) -> anyhow::Result<()> {
        let _changing = self.changing.lock();
        let mut note = self.own_note(builder);
        note.given_back.push(given_back);
        self.note(&note)
    }

    /// Records that `builder` stopped cleanly. A machine that is shut down flushes its disks; one that loses power
    /// seconds after this may have damage that is only found when a build fails.
    pub(crate) fn end(&self, builder: &BuilderId) {
        let _changing = self.changing.lock();
        let note = Note {
            clean: true,
            ..self.own_note(builder)
        };
        if let Err(error) = self.note(&note) {
            warn!(%error, "can't record the clean stop of the builder");
        }
    }

    fn own_note(&self, builder: &BuilderId) -> Note {
        fs::read(self.folder.join(NOTE))
            .ok()
            .and_then(|text| serde_json::from_slice::<Note>(&text).ok())
            .filter(|note| note.builder == *builder)
            .unwrap_or_else(|| Note::of(builder.clone()))
    }

    fn note(&self, note: &Note) -> anyhow::Result<()> {
        wombat_files::store_file(&self.folder.join(NOTE), &serde_json::to_vec(note)?)
            .context("writing the owner's note")
    }
}

/// The machine's boot id, which changes with every boot.
fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
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

    #[test]
    fn another_start_of_the_machine_without_an_orderly_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let one: BuilderId = "one".parse().unwrap();
        let file = folder.path().join(NOTE);
        let found = |text: &[u8]| {
            fs::write(&file, text).unwrap();
            Ownership::take(folder.path(), &one).unwrap().after_a_crash
        };
        assert!(!Ownership::take(folder.path(), &one).unwrap().after_a_crash);
        let note = |boot: &str, clean: bool| {
            let note = Note {
                boot: Some(boot.to_owned()),
                clean,
                ..Note::of(one.clone())
            };
            serde_json::to_vec(&note).unwrap()
        };
        let here = boot_id().unwrap();
        assert!(
            !found(&note(&here, false)),
            "killed, but the machine went on"
        );
        assert!(!found(&note("another", true)));
        assert!(found(&note("another", false)));
        // The format of v0.1.0.
        assert!(found(br#"{"builder":"old","given_back":[]}"#));
        for left in [&b""[..], b"{\"builder\":\"o", &[0; 60]] {
            assert!(found(left), "{left:?}");
        }
    }

    #[test]
    fn what_may_be_damaged_is_looked_at_again_until_it_was_once() {
        let folder = tempfile::tempdir().unwrap();
        let one: BuilderId = "one".parse().unwrap();
        fs::write(folder.path().join(NOTE), "").unwrap();
        let ownership = Ownership::take(folder.path(), &one).unwrap();
        drop(ownership);
        let ownership = Ownership::take(folder.path(), &one).unwrap();
        assert!(ownership.after_a_crash);
        ownership.claim(&one).unwrap();
        ownership.end(&one);
        drop(ownership);
        let ownership = Ownership::take(folder.path(), &one).unwrap();
        assert!(!ownership.after_a_crash && ownership.previous.unwrap().clean);
    }
}
