//! The whole build information of a binary, as `go version -m` prints it: for programs that decide by it.
//!
//! It is read from the one place where the linker puts it, and malformed lines make it unreadable, so that nothing that
//! a module embeds is taken for it.

use std::{collections::BTreeMap, fs::File};

use super::{error::ReadError, format, place};

/// What Go's linker says about a binary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// The Go release, such as `go1.26.8`.
    pub go: String,
    /// The import path of the main package.
    pub package: String,
    /// The path of the main module.
    pub main: String,
    /// The other modules that packages of the binary come from.
    pub modules: Vec<LinkedModule>,
    /// Flags and variables of the build, such as `GOOS`; values are as the linker quotes them.
    pub settings: BTreeMap<String, String>,
}

/// A module in a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedModule {
    /// What the packages call it.
    pub source: ModuleSource,
    /// The module that the code really comes from, if it is another one.
    pub replacement: Option<ModuleSource>,
}

/// A version of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleSource {
    /// Its path.
    pub path: String,
    /// Its version; empty for a local folder.
    pub version: String,
    /// Its checksum; empty if the linker names none.
    pub sum: String,
}

impl BuildInfo {
    /// Reads a binary that Go linked, for any system and processor.
    pub fn of(file: &mut File) -> Result<Self, ReadError> {
        let bytes = place::read(file)?;
        let info = bytes.as_deref().and_then(Self::parse);
        info.ok_or(ReadError::Unknown("build information"))
    }

    /// All modules that the linker names: those of the packages, each before the one that replaces it.
    pub fn sources(self) -> impl Iterator<Item = ModuleSource> {
        let modules = self.modules.into_iter();
        let sources = modules.flat_map(|module| [Some(module.source), module.replacement]);
        sources.flatten()
    }

    /// Parses bytes that begin with the magic.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (go, lines) = format::strings(bytes)?;
        let mut info = Self {
            go: go.to_owned(),
            ..Self::default()
        };
        // One that is empty follows each replacement.
        let lines = std::str::from_utf8(lines).ok()?.lines();
        for line in lines.filter(|line| !line.is_empty()) {
            let (kind, rest) = line.split_once('\t')?;
            match kind {
                "path" => rest.clone_into(&mut info.package),
                "mod" => info.main = ModuleSource::parse(rest)?.path,
                "dep" => info.modules.push(LinkedModule {
                    source: ModuleSource::parse(rest)?,
                    replacement: None,
                }),
                "=>" => info.modules.last_mut()?.replacement = Some(ModuleSource::parse(rest)?),
                "build" => {
                    let (name, value) = rest.split_once('=')?;
                    info.settings.insert(name.to_owned(), value.to_owned());
                }
                // A later release may say more.
                _ => {}
            }
        }
        Some(info)
    }
}

impl ModuleSource {
    /// Parses the words of a line after its first.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split('\t');
        let source = Self {
            path: words.next()?.to_owned(),
            version: words.next().unwrap_or_default().to_owned(),
            sum: words.next().unwrap_or_default().to_owned(),
        };
        (!source.path.is_empty() && words.next().is_none()).then_some(source)
    }
}
