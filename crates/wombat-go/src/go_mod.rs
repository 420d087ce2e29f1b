//! A `go.mod` as data: parsed from the output of `go mod edit -json`, written from validated values.

mod text;

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Deserialize;
use wombat_model::{ModulePath, ModuleVersion};

pub(super) use text::GoModText;

/// The name of the main module of every binary.
pub(super) const MAIN_MODULE: &str = "wombat/binary";

/// Why a `go.mod` can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum GoModError {
    #[error("it can't be parsed: {0}")]
    Unreadable(String),
    #[error("it replaces `{0}` by a local folder")]
    ReplacedByFolder(String),
    #[error("`{0}` isn't a valid {1}")]
    Malformed(String, &'static str),
}

/// The parts of a module's own `go.mod` that determine which versions are built, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GoMod {
    pub(super) go: String,
    pub(super) godebug: BTreeMap<String, String>,
    pub(super) requires: BTreeMap<ModulePath, Require>,
    pub(super) replaces: Vec<Replace>,
    pub(super) excludes: Vec<(ModulePath, ModuleVersion)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Require {
    pub(super) version: ModuleVersion,
    pub(super) indirect: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replace {
    pub(super) old: ModulePath,
    /// If set, only this version is replaced.
    pub(super) old_version: Option<ModuleVersion>,
    pub(super) new: ModulePath,
    pub(super) new_version: ModuleVersion,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FileJson {
    go: Option<String>,
    godebug: Option<Vec<SettingJson>>,
    require: Option<Vec<RequireJson>>,
    replace: Option<Vec<ReplaceJson>>,
    exclude: Option<Vec<ModuleJson>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SettingJson {
    key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RequireJson {
    path: String,
    version: String,
    #[serde(default)]
    indirect: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModuleJson {
    path: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplaceJson {
    old: ModuleJson,
    new: ModuleJson,
}

impl FileJson {
    fn parse(json: &[u8]) -> Result<Self, GoModError> {
        serde_json::from_slice(json).map_err(|error| GoModError::Unreadable(error.to_string()))
    }
}

impl GoMod {
    /// Parses the output of `go mod edit -json`.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, GoModError> {
        Self::from_file(FileJson::parse(json)?)
    }

    /// The same for a module that doesn't provide the graph. Its replacements and exclusions don't count, as with Go
    /// itself.
    pub(super) fn of_dependency(json: &[u8]) -> Result<Self, GoModError> {
        Self::from_file(FileJson {
            replace: None,
            exclude: None,
            ..FileJson::parse(json)?
        })
    }

    fn from_file(file: FileJson) -> Result<Self, GoModError> {
        let go = file.go.unwrap_or_else(|| "1.16".to_owned());
        if go.is_empty()
            || !go
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        {
            return Err(GoModError::Malformed(go, "Go version"));
        }
        let word = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let mut godebug = BTreeMap::new();
        for SettingJson { key, value } in file.godebug.unwrap_or_default() {
            if !word(&key) || !word(&value) {
                return Err(GoModError::Malformed(
                    format!("{key}={value}"),
                    "godebug setting",
                ));
            }
            godebug.insert(key, value);
        }
        let mut requires = BTreeMap::new();
        for RequireJson {
            path,
            version,
            indirect,
        } in file.require.unwrap_or_default()
        {
            requires.insert(
                module(path)?,
                Require {
                    version: exact(version)?,
                    indirect,
                },
            );
        }
        let mut replaces = Vec::new();
        for ReplaceJson { old, new } in file.replace.unwrap_or_default() {
            if new.version.is_empty() {
                return Err(GoModError::ReplacedByFolder(old.path));
            }
            replaces.push(Replace {
                old: module(old.path)?,
                old_version: if old.version.is_empty() {
                    None
                } else {
                    Some(exact(old.version)?)
                },
                new: module(new.path)?,
                new_version: exact(new.version)?,
            });
        }
        let excludes = file.exclude.unwrap_or_default().into_iter();
        let excludes = excludes
            .map(|entry| Ok((module(entry.path)?, exact(entry.version)?)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            go,
            godebug,
            requires,
            replaces,
            excludes,
        })
    }

    /// The file, with [`MAIN_MODULE`] as its module.
    pub(super) fn to_file(&self) -> String {
        let mut text = format!("module {MAIN_MODULE}\n\ngo {}\n", self.go);
        let mut block = |name: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                let _ = write!(text, "\n{name} (\n\t{}\n)\n", lines.join("\n\t"));
            }
        };
        block(
            "godebug",
            self.godebug
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect(),
        );
        for indirect in [false, true] {
            let requires = self
                .requires
                .iter()
                .filter(|(_, require)| require.indirect == indirect);
            let mark = if indirect { " // indirect" } else { "" };
            block(
                "require",
                requires
                    .map(|(path, require)| format!("{path} {}{mark}", require.version))
                    .collect(),
            );
        }
        let replaces = self.replaces.iter().map(|replace| {
            let version = replace
                .old_version
                .as_ref()
                .map(|version| format!(" {version}"))
                .unwrap_or_default();
            format!(
                "{}{version} => {} {}",
                replace.old, replace.new, replace.new_version
            )
        });
        block("replace", replaces.collect());
        block(
            "exclude",
            self.excludes
                .iter()
                .map(|(path, version)| format!("{path} {version}"))
                .collect(),
        );
        text
    }

    /// Adopts every requirement of `other` that is newer or missing here, and its Go version if that is higher.
    pub(super) fn raise_to(&mut self, other: &Self) {
        for (module, theirs) in &other.requires {
            let newer = self
                .requires
                .get(module)
                .is_none_or(|mine| mine.version < theirs.version);
            if newer {
                let indirect = true;
                self.requires.insert(
                    module.clone(),
                    Require {
                        version: theirs.version.clone(),
                        indirect,
                    },
                );
            }
        }
        if go_line(&self.go) < go_line(&other.go) {
            self.go.clone_from(&other.go);
        }
    }

    /// The replacement of this module, if there is one.
    pub(super) fn replacement(
        &self,
        module: &ModulePath,
        version: &ModuleVersion,
    ) -> Option<&Replace> {
        self.replaces.iter().find(|replace| {
            replace.old == *module
                && replace
                    .old_version
                    .as_ref()
                    .is_none_or(|only| only == version)
        })
    }
}

/// The numbers of a `go` line, for comparison; a release candidate counts as its release.
fn go_line(text: &str) -> Vec<u32> {
    let number = |part: &str| {
        part.split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap_or_default()
            .parse()
            .unwrap_or(0)
    };
    text.split('.').map(number).collect()
}

fn module(path: String) -> Result<ModulePath, GoModError> {
    path.parse()
        .map_err(|_| GoModError::Malformed(path, "module path"))
}

fn exact(version: String) -> Result<ModuleVersion, GoModError> {
    version
        .parse()
        .map_err(|_| GoModError::Malformed(version, "module version"))
}

#[cfg(test)]
mod tests;
