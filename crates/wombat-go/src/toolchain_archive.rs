//! The archive of a Go release: its checksum, and how it is unpacked.
//!
//! Archives of modules have no permissions, and none may contain a `go.mod` of its own below the top: a toolchain has
//! `_go.mod` instead. `go` sets both right when it first runs a toolchain that it fetched; so does this.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use sha2::{Digest as _, Sha256};
use wombat_model::ModuleSum;
use zip::{ZipArchive, result::ZipError};

use super::dir_hash;

/// Most bytes that an archive may unpack to; a Go release has a quarter of this.
const LARGEST: u64 = 1 << 30;

/// Most bytes to read for the list of an archive's files; that of a Go release has a quarter of this. In memory it takes
/// about six times as much.
const LARGEST_LIST: u64 = 8 << 20;

/// Why an archive can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArchiveError {
    /// It isn't an archive of the module.
    #[error("{0}")]
    Bad(String),
    /// It can't be read, or its files can't be written.
    #[error(transparent)]
    Local(#[from] io::Error),
}

impl From<ZipError> for ArchiveError {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::Io(error)
                if !matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::FileTooLarge
                ) =>
            {
                Self::Local(error)
            }
            error => Self::Bad(error.to_string()),
        }
    }
}

/// An archive of a module.
#[derive(Debug)]
pub(super) struct ToolchainArchive {
    zip: ZipArchive<BufReader<MeteredFile>>,
    /// `<module>@<version>/`, which begins the names of all its files.
    prefix: String,
}

impl ToolchainArchive {
    pub(super) fn open(path: &Path, prefix: &str) -> Result<Self, ArchiveError> {
        let room = Arc::new(AtomicU64::new(LARGEST_LIST));
        let file = MeteredFile {
            file: File::open(path)?,
            room: Arc::clone(&room),
        };
        let zip = ZipArchive::new(BufReader::new(file))?;
        // The files themselves are read in parts.
        room.store(u64::MAX, Ordering::Relaxed);
        Ok(Self {
            zip,
            prefix: format!("{prefix}/"),
        })
    }

    /// The checksum of its files, as in `go.sum`.
    pub(super) fn checksum(&mut self) -> Result<ModuleSum, ArchiveError> {
        let mut digests = BTreeMap::new();
        let mut room = LARGEST;
        for index in 0..self.zip.len() {
            let mut entry = self.zip.by_index(index)?;
            let name = entry.name()?.into_owned();
            let mut hasher = Sha256::new();
            // The sizes in an archive's directory may be lies.
            let read = io::copy(&mut entry.by_ref().take(room + 1), &mut hasher);
            let read = read.map_err(|error| ArchiveError::Bad(error.to_string()))?;
            room = room.checked_sub(read).ok_or_else(|| {
                ArchiveError::Bad(format!("it is larger than {} MiB", LARGEST >> 20))
            })?;
            if digests
                .insert(name.clone(), hasher.finalize().into())
                .is_some()
            {
                return Err(ArchiveError::Bad(format!("it has `{name}` twice")));
            }
        }
        let sum = dir_hash::of_digests(digests);
        sum.parse()
            .map_err(|error| ArchiveError::Bad(format!("{error}")))
    }

    /// Unpacks it into a new folder. To be called once its checksum is right.
    pub(super) fn unpack(&mut self, folder: &Path) -> Result<(), ArchiveError> {
        let mut go_mods = Vec::new();
        for index in 0..self.zip.len() {
            let mut entry = self.zip.by_index(index)?;
            let name = entry.name()?.into_owned();
            let below = name.strip_prefix(&self.prefix).filter(|it| is_plain(it));
            let below = below.ok_or_else(|| {
                ArchiveError::Bad(format!("it contains `{}`", name.escape_debug()))
            })?;
            let path = folder.join(below);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let mode = if is_program(below) { 0o777 } else { 0o666 };
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(&path)?;
            io::copy(&mut entry, &mut file)?;
            if path.ends_with("_go.mod") {
                go_mods.push(path);
            }
        }
        for path in go_mods {
            fs::copy(&path, path.with_file_name("go.mod"))?;
        }
        Ok(())
    }
}

/// A file of which only so much can be read.
#[derive(Debug)]
struct MeteredFile {
    file: File,
    /// Bytes that can still be read.
    room: Arc<AtomicU64>,
}

impl Read for MeteredFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let room = self.room.load(Ordering::Relaxed);
        let Some(left) = room.checked_sub(count as u64) else {
            let problem = format!("the list of its files has more than {LARGEST_LIST} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
        };
        self.room.store(left, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for MeteredFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Whether a name stays below its folder.
fn is_plain(name: &str) -> bool {
    let is_element = |element: &str| !matches!(element, "" | "." | "..");
    !name.contains('\\') && name.split('/').all(is_element)
}

/// Whether `go` makes a file of a toolchain executable.
fn is_program(name: &str) -> bool {
    let path = PathBuf::from(name);
    path.starts_with("bin") || path.starts_with("pkg/tool")
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::unix::fs::PermissionsExt as _};

    use zip::write::SimpleFileOptions;

    use super::*;

    const PREFIX: &str = "golang.org/toolchain@v0.0.1-go1.26.11.linux-amd64";

    fn archive(folder: &Path, names: &[&str]) -> PathBuf {
        let path = folder.join("archive.zip");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for name in names {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    #[test]
    fn programs_can_be_run_and_go_mods_are_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "bin/go",
            "pkg/tool/linux_amd64/link",
            "src/_go.mod",
            "VERSION",
        ];
        let names = names.map(|name| format!("{PREFIX}/{name}"));
        let path = archive(folder.path(), &names.each_ref().map(String::as_str));
        let mut opened = ToolchainArchive::open(&path, PREFIX).unwrap();
        let sum = opened.checksum().unwrap();
        let unpacked = folder.path().join("unpacked");
        opened.unpack(&unpacked).unwrap();
        let runs = |name: &str| {
            let metadata = fs::metadata(unpacked.join(name)).unwrap();
            metadata.permissions().mode() & 0o100 != 0
        };
        assert!(runs("bin/go") && runs("pkg/tool/linux_amd64/link"));
        assert!(!runs("VERSION") && !runs("src/_go.mod"));
        assert!(unpacked.join("src/go.mod").is_file());
        // The folder has the checksum of the archive.
        let of_folder = dir_hash::of_folder(&unpacked, PREFIX).unwrap();
        assert_eq!(of_folder, sum.as_str());
    }

    #[test]
    fn a_list_of_files_that_is_too_long_isnt_read() {
        let folder = tempfile::tempdir().unwrap();
        let long = "x".repeat(60_000);
        let names: Vec<String> = (0..150).map(|n| format!("{PREFIX}/{long}{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let read = |names: &[&str]| ToolchainArchive::open(&archive(folder.path(), names), PREFIX);
        assert!(read(&names[..100]).is_ok());
        let refused = read(&names).unwrap_err();
        assert!(matches!(refused, ArchiveError::Bad(_)), "{refused:?}");
        let said = refused.to_string();
        assert!(said.contains("more than 8388608 bytes"), "{said}");
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [
            "golang.org/toolchain@v0.0.1-go1.26.10.linux-amd64/VERSION".to_owned(),
            format!("{PREFIX}/../../outside"),
            format!("{PREFIX}//etc/passwd"),
            format!("{PREFIX}/a\\..\\b"),
            format!("{PREFIX}/"),
            "/etc/passwd".to_owned(),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = archive(folder.path(), &[&name]);
            let mut opened = ToolchainArchive::open(&path, PREFIX).unwrap();
            let refused = opened.unpack(&folder.path().join("unpacked"));
            assert!(matches!(refused, Err(ArchiveError::Bad(_))), "{name}");
        }
    }

    #[test]
    fn what_is_no_archive_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive.zip");
        for bytes in [&b""[..], b"<html>", &[0; 4096]] {
            fs::write(&path, bytes).unwrap();
            let refused = ToolchainArchive::open(&path, PREFIX);
            assert!(matches!(refused, Err(ArchiveError::Bad(_))), "{refused:?}");
        }
    }
}
