//! Files that begin with the digest of their content.

use std::{fs, io, path::Path};

use sha2::{Digest as _, Sha256};

use super::store_file;

/// Bytes of the digest and the newline before the content.
const HEAD: usize = 64 + 1;

/// Stores `content` as [`store_file`] does, so that [`read_sealed`] knows whether it is still whole.
pub fn store_sealed(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut sealed = digest(content);
    sealed.reserve(content.len() + 1);
    sealed.push(b'\n');
    sealed.extend(content);
    store_file(path, &sealed)
}

/// The content of a file that [`store_sealed`] wrote. `None` if the file is missing, unreadable or damaged.
pub fn read_sealed(path: &Path) -> Option<Vec<u8>> {
    let mut sealed = fs::read(path).ok()?;
    let (head, content) = sealed.split_at_checked(HEAD)?;
    let intact = head[HEAD - 1] == b'\n' && head[..HEAD - 1] == digest(content);
    intact.then(|| {
        sealed.drain(..HEAD);
        sealed
    })
}

/// In hexadecimal digits, to be compared with the output of `sha256sum`.
fn digest(content: &[u8]) -> Vec<u8> {
    hex::encode(Sha256::digest(content)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for content in [&b""[..], b"text", &vec![7; 100_000]] {
            store_sealed(&path, content).unwrap();
            assert_eq!(read_sealed(&path).unwrap(), content);
        }
        assert_eq!(read_sealed(&folder.path().join("other")), None);
    }

    #[test]
    fn any_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        store_sealed(&path, b"some text").unwrap();
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(read_sealed(&path), None, "cut to {length}");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            fs::write(&path, &changed).unwrap();
            assert_eq!(read_sealed(&path), None, "changed at {place}");
        }
        fs::write(&path, vec![0; whole.len()]).unwrap();
        assert_eq!(read_sealed(&path), None, "zeros");
        fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        assert_eq!(read_sealed(&path), None, "more");
    }
}
