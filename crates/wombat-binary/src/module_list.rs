//! The list of modules in a binary, as far as it can be read: for people who look into a binary.

use std::collections::BTreeMap;

use super::format;

/// A module graph has hundreds.
const MOST_MODULES: usize = 4096;
const LONGEST: usize = 256;
/// Longest name of a Go release, with its experiments.
const LONGEST_RELEASE: usize = 128;
/// Most path elements of a package below its module.
const MOST_ELEMENTS: usize = 32;

/// The modules in a binary.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ModuleList {
    /// The Go release, without `go`.
    pub(super) go: String,
    /// Modules and versions; the main one has none.
    pub(super) modules: BTreeMap<String, Option<String>>,
    /// The main module.
    pub(super) main: String,
}

impl ModuleList {
    /// Parses bytes that begin with the magic.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (go, lines) = format::strings(bytes)?;
        let go = go.strip_prefix("go")?;
        if go.len() > LONGEST_RELEASE {
            return None;
        }
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
                "mod" if info.main.is_empty() => {
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

    /// How many lookups [`Self::module_of`] takes at most for this package.
    pub(super) fn lookups(package: &str) -> usize {
        let elements = memchr::memchr_iter(b'/', package.as_bytes()).count() + 1;
        elements.min(MOST_ELEMENTS)
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
