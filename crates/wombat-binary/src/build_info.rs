//! The list of modules that Go's linker writes into every binary, as `go version -m` prints it.
//!
//! Format: `debug/buildinfo` of Go 1.18 and later: 16 bytes of magic, pointer size and flags, 16 unused bytes, then two
//! strings with their lengths in front: the Go release, and lines of words between tabs with 16 bytes around them.

use std::collections::BTreeMap;

pub(super) const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Where the strings begin.
const STRINGS: usize = 32;
/// Set if the strings follow directly, as in every release that is built here.
const INLINE: u8 = 2;
/// Bytes before and after the lines.
const SENTINEL: usize = 16;
/// A module graph has hundreds.
const MOST_MODULES: usize = 4096;
const LONGEST: usize = 256;
/// Most path elements of a package below its module.
const MOST_ELEMENTS: usize = 32;

/// The build information in a binary.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BuildInfo {
    /// The Go release, without `go`.
    pub(super) go: String,
    /// Modules and versions; the main one has none.
    pub(super) modules: BTreeMap<String, Option<String>>,
    /// The main module.
    pub(super) main: String,
}

impl BuildInfo {
    /// Parses bytes that begin with the magic.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let flags = *bytes.get(MAGIC.len() + 1)?;
        if !bytes.starts_with(MAGIC) || flags & INLINE == 0 {
            return None;
        }
        let (go, rest) = text(bytes.get(STRINGS..)?)?;
        let (lines, _) = text(rest)?;
        let go = std::str::from_utf8(go).ok()?.strip_prefix("go")?;
        let lines = lines.get(SENTINEL..lines.len().checked_sub(SENTINEL)?)?;
        let mut info = Self {
            go: go.to_owned(),
            ..Self::default()
        };
        let mut before = String::new();
        for line in String::from_utf8_lossy(lines).lines() {
            let mut words = line.split('\t');
            let (kind, path) = (words.next()?, words.next());
            let version = words.next().filter(|version| !version.is_empty());
            let fits = |path: &&str| {
                (1..=LONGEST).contains(&path.len()) && !path.contains(char::is_control)
            };
            let Some(path) = path.filter(fits) else {
                continue;
            };
            let version = version.map(|version| version.chars().take(LONGEST).collect());
            match kind {
                // The linker calls packages of the main module `main`, or uses its path.
                "mod" => {
                    path.clone_into(&mut info.main);
                    info.modules.insert(path.to_owned(), None);
                }
                "dep" if info.modules.len() < MOST_MODULES => {
                    info.modules.insert(path.to_owned(), version);
                    path.clone_into(&mut before);
                }
                // Replaces the module of the line before: the packages keep their paths, but the code is the
                // replacement's.
                "=>" => {
                    if let Some(replaced) = info.modules.get_mut(&before) {
                        *replaced = version.map(|version: String| {
                            let other = if path == before { "" } else { path };
                            format!("{other} {version}").trim_start().to_owned()
                        });
                    }
                }
                _ => {}
            }
        }
        Some(info)
    }

    /// The module of a package. `None` for Go's own library.
    pub(super) fn module_of(&self, package: &str) -> Option<&str> {
        if package == "main" {
            return Some(&self.main);
        }
        let mut prefix = package;
        for _ in 0..MOST_ELEMENTS {
            if let Some((module, _)) = self.modules.get_key_value(prefix) {
                return Some(module);
            }
            prefix = &prefix[..prefix.rfind('/')?];
        }
        None
    }
}

/// A string after its length (a varint), and the bytes that follow.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length: usize = 0;
    for (place, byte) in bytes.iter().enumerate().take(4) {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            let rest = &bytes[place + 1..];
            return Some((rest.get(..length)?, &rest[length..]));
        }
    }
    None
}
