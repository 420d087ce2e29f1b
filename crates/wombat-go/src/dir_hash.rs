//! Go's checksum of a module's files, `h1:…`, as in `go.sum` and `.ziphash`.
#![expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

/// Most files of a module whose checksum is computed here. The relay fetches none with more.
const MOST_FILES: usize = wombat_goproxy::MOST_FILES;

/// The checksum of a module's folder. `prefix` is `<module>@<version>`, which begins the files' names in it.
pub(super) fn of_folder(folder: &Path, prefix: &str) -> io::Result<String> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let named = files
        .into_iter()
        .filter(|file| !is_made_by_go(file))
        .map(|file| {
            let below = file.strip_prefix(folder).unwrap_or(&file);
            let name = format!("{prefix}/{}", below.display());
            Ok((name, digest_of(&mut File::open(&file)?)?))
        });
    Ok(of_digests(named.collect::<io::Result<_>>()?))
}

/// The checksum of files with these names and SHA-256 digests.
pub(super) fn of_digests(files: BTreeMap<String, [u8; 32]>) -> String {
    let mut whole = Sha256::new();
    for (name, digest) in files {
        whole.update(format!("{}  {name}\n", hex::encode(digest)));
    }
    format!("h1:{}", STANDARD.encode(whole.finalize()))
}

/// A toolchain's archive can't contain a `go.mod`. It contains `_go.mod`, which `go` copies on first use.
fn is_made_by_go(file: &Path) -> bool {
    file.ends_with("go.mod") && file.with_file_name("_go.mod").is_file()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else if files.len() == MOST_FILES {
            let problem = format!("the module has more than {MOST_FILES} files");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// SHA-256 of the rest of a file.
fn digest_of(file: &mut File) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    io::copy(file, &mut hasher)?;
    Ok(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_go_computes() {
        // `dirhash.HashDir` of golang.org/x/mod on the same files.
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("p")).unwrap();
        fs::write(folder.path().join("go.mod"), "module a.example/m\n").unwrap();
        fs::write(folder.path().join("p/p.go"), "package p\n").unwrap();
        assert_eq!(
            of_folder(folder.path(), "a.example/m@v1.0.0").unwrap(),
            "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE="
        );
    }
}
