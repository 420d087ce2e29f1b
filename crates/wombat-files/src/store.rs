//! Writes a file whole or not at all, even if the process is killed or the machine loses power.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use tempfile::NamedTempFile;

/// Mode of a file that every user may read, before the umask.
const READABLE: u32 = 0o666;

/// Stores `bytes` at `path`, replacing any file there. The folder must exist.
///
/// After a crash the file has its old content or the new one. Once this has returned, it has the new one even after a
/// power failure. Fails with errors of the file system, which leave the old content in place.
pub fn store_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let builder = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(Permissions::from_mode(READABLE))
        .tempfile_in(folder)?;
    write(builder, path, bytes)
}

/// [`store_file`] with exactly this mode, such as `0o600` for a secret. The content never has wider permissions.
pub fn store_file_as(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(folder_of(path))?;
    file.as_file()
        .set_permissions(Permissions::from_mode(mode))?;
    write(file, path, bytes)
}

fn write(mut file: NamedTempFile, path: &Path, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    settle(file, path)?;
    Ok(())
}

/// Moves a complete file to `path`, replacing any file there, as [`store_file`] does. It must be on the same file
/// system, best in the same folder.
pub fn settle(file: NamedTempFile, path: &Path) -> io::Result<File> {
    // Otherwise the name may be on disk before the content, which leaves an empty file after a power failure.
    file.as_file().sync_all()?;
    let file = file.persist(path)?;
    sync_folder(folder_of(path))?;
    Ok(file)
}

/// [`settle`] for a file that another program made.
pub fn settle_at(made: &Path, path: &Path) -> io::Result<()> {
    File::open(made)?.sync_all()?;
    fs::rename(made, path)?;
    sync_folder(folder_of(path))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // The folder can't be listed, or the file system syncs only files: the file is in place, and no more can be
        // done.
        Err(error) if matches!(error.kind(), PermissionDenied | InvalidInput | Unsupported) => {
            Ok(())
        }
        result => result,
    }
}

/// Removes a file. A missing file counts as removed.
pub fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether a file's content is only zeros and blanks, or empty. A power failure leaves that of a file that was written
/// without [`store_file`].
pub fn is_blank(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| *byte == 0 || byte.is_ascii_whitespace())
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for text in ["one", "another one", ""] {
            store_file(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn what_cannot_be_put_in_place_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        store_file(&path, b"text").unwrap_err();
        assert_eq!(names(folder.path()), ["taken"]);
        let missing = folder.path().join("missing/file");
        assert_eq!(
            store_file(&missing, b"text").unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn modes_are_as_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let metadata = fs::metadata(folder.path().join(name)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        store_file_as(&folder.path().join("secret"), b"s", 0o600).unwrap();
        store_file_as(&folder.path().join("open"), b"o", 0o644).unwrap();
        store_file(&folder.path().join("plain"), b"p").unwrap();
        fs::write(folder.path().join("usual"), "u").unwrap();
        assert_eq!((mode("secret"), mode("open")), (0o600, 0o644));
        assert_eq!(mode("plain"), mode("usual"));
    }

    #[test]
    fn a_name_alone_is_a_file_of_the_present_folder() {
        assert_eq!(folder_of(Path::new("file")), Path::new("."));
        assert_eq!(folder_of(Path::new("/a/file")), Path::new("/a"));
    }

    #[test]
    fn blank_is_what_says_nothing() {
        assert!(is_blank(b"") && is_blank(&[0; 100]) && is_blank(b" \n\0"));
        assert!(!is_blank(b"1\n") && !is_blank(b"\0\0x"));
    }
}
