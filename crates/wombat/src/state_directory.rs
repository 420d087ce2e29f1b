//! The state directory: its location, its format, and the lock that keeps a second process out.
#![expect(
    clippy::disallowed_methods,
    reason = "called at the start, before anything is served"
)]

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

/// Raise it when an older program would misread the folder.
const FORMAT: u32 = 1;
/// File of the format's number.
const FORMAT_FILE: &str = "format-version";

/// Location of the state.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StateArgs {
    /// Folder for data that is kept between runs [default: `wombat-builder` in `$XDG_STATE_HOME` or `~/.local/state`]
    #[arg(long, env = "WOMBAT_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

impl StateArgs {
    /// The folder, whether it exists or not.
    pub(crate) fn folder(&self) -> anyhow::Result<PathBuf> {
        self.state_dir.clone().map_or_else(default_path, Ok)
    }
}

/// A state directory that is locked by this process until it is dropped.
#[derive(Debug)]
pub(crate) struct StateDirectory {
    path: PathBuf,
    _lock: File,
}

impl StateDirectory {
    /// Creates the folder if needed and locks it for `role`; several roles may share a folder.
    pub(crate) fn open(args: &StateArgs, role: &str) -> anyhow::Result<Self> {
        let path = match &args.state_dir {
            Some(path) => path.clone(),
            None => default_path()?,
        };
        std::fs::create_dir_all(&path)
            .with_context(|| format!("making the state folder {}", path.display()))?;
        // Children run in other folders, where a relative path would be wrong.
        let path = path
            .canonicalize()
            .with_context(|| format!("finding the state folder {}", path.display()))?;
        check_format(&path)?;
        let lock = path.join(format!("{role}.lock"));
        let opened = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => bail!(
                "{} belongs to another user; start `wombat {role}` as that user, or give this one another --state-dir",
                lock.display()
            ),
            opened => opened.with_context(|| format!("opening {}", lock.display()))?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Self { path, _lock: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another `wombat {role}` uses the state folder {}; stop it, or give this one another --state-dir",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("locking the state folder {}", path.display()))
            }
        }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn default_path() -> anyhow::Result<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path: &PathBuf| path.is_absolute())
    };
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("wombat-builder"))
        .context("neither XDG_STATE_HOME nor HOME is set; give --state-dir")
}

fn check_format(path: &Path) -> anyhow::Result<()> {
    let file = path.join(FORMAT_FILE);
    let found = match fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
    };
    // Left by a crash or a full disk when a program didn't write the file atomically. Only format 1 had such programs,
    // so it hides nothing newer.
    if wombat_files::is_blank(&found) {
        return wombat_files::store_file(&file, format!("{FORMAT}\n").as_bytes())
            .with_context(|| format!("writing {}", file.display()));
    }
    let number = std::str::from_utf8(&found).map(|text| text.trim().parse::<u32>());
    match number {
        Ok(Ok(found)) if found <= FORMAT => Ok(()),
        Ok(Ok(found)) => bail!(
            "the state folder {} has format {found}, and this program knows formats up to {FORMAT}; use a newer `wombat`, or another --state-dir",
            path.display()
        ),
        Ok(Err(_)) | Err(_) => bail!(
            "{} doesn't hold a format version; if an older `wombat` used the folder before, remove that file, else give another --state-dir",
            file.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(path: &Path) -> StateArgs {
        StateArgs {
            state_dir: Some(path.to_owned()),
        }
    }

    #[test]
    fn a_folder_is_taken_once_a_role() {
        let folder = tempfile::tempdir().unwrap();
        let first = StateDirectory::open(&args(folder.path()), "up").unwrap();
        let second = StateDirectory::open(&args(folder.path()), "up")
            .unwrap_err()
            .to_string();
        assert!(second.contains("--state-dir"), "{second}");
        StateDirectory::open(&args(folder.path()), "builder").unwrap();
        drop(first);
        StateDirectory::open(&args(folder.path()), "up").unwrap();
    }

    #[test]
    fn a_format_that_a_crash_emptied_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FORMAT_FILE);
        for left in [&b""[..], b"\0\0", b"\n"] {
            fs::write(&file, left).unwrap();
            StateDirectory::open(&args(folder.path()), "up").unwrap();
            assert_eq!(fs::read(&file).unwrap(), b"1\n", "{left:?}");
        }
        fs::write(&file, "two\n").unwrap();
        let refused = StateDirectory::open(&args(folder.path()), "up").unwrap_err();
        assert!(
            refused.to_string().contains("remove that file"),
            "{refused}"
        );
        assert_eq!(fs::read(&file).unwrap(), b"two\n");
    }

    #[test]
    fn a_newer_format_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("format-version"), "2\n").unwrap();
        let refused = StateDirectory::open(&args(folder.path()), "up")
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("format 2") && refused.contains("newer"),
            "{refused}"
        );
    }
}
