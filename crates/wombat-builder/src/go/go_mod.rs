//! A `go.mod` as data: read from what `go mod edit -json` says, written from validated values.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Deserialize;
use wombat_model::{ModulePath, ModuleVersion};

/// The name of the module that every binary is the main package of.
pub(super) const MAIN_MODULE: &str = "wombat/binary";

/// A `go.mod` can't be used as the base of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum GoModError {
    #[error("it isn't understood: {0}")]
    Unreadable(String),
    #[error("it replaces `{0}` by a folder, which nobody else has")]
    ReplacedByFolder(String),
    #[error("it says `{0}`, which isn't a {1}")]
    Malformed(String, &'static str),
}

/// What is taken over from a module's own `go.mod`: all that decides which versions are built and how.
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
    /// Only this version of it, if one is named.
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
    /// Reads the output of `go mod edit -json`.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, GoModError> {
        Self::from_file(FileJson::parse(json)?)
    }

    /// The same for a module that others give the graph to. What it replaces and excludes counts for itself alone, as it
    /// does with Go.
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

    /// Takes over every requirement of `other` that is newer or unknown here, and its Go version if that is higher.
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

    /// What is built in place of this module, if it is replaced.
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

/// The numbers of a `go` line, to be compared; a release candidate counts as its release.
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
mod tests {
    use super::*;

    const JSON: &str = r#"{
        "Module": {"Path": "example.com/m/v2"}, "Go": "1.26.5", "Toolchain": "go1.26.7",
        "Godebug": [{"Key": "http2client", "Value": "0"}],
        "Require": [
            {"Path": "example.com/b", "Version": "v1.2.0"},
            {"Path": "example.com/A", "Version": "v0.0.0-20240101000000-abcdef123456", "Indirect": true},
            {"Path": "gopkg.in/y.v3", "Version": "v3.0.1+incompatible"}],
        "Replace": [
            {"Old": {"Path": "example.com/b"}, "New": {"Path": "example.com/fork", "Version": "v1.2.1"}},
            {"Old": {"Path": "example.com/A", "Version": "v1.0.0"}, "New": {"Path": "example.com/A", "Version": "v1.0.1"}}],
        "Exclude": [{"Path": "example.com/b", "Version": "v1.1.0"}],
        "Retract": [{"Low": "v1.0.0", "High": "v1.0.0"}], "Tool": [{"Path": "example.com/t"}]
    }"#;

    #[test]
    fn writes_what_decides_the_build_and_nothing_else() {
        let file = GoMod::from_json(JSON.as_bytes()).unwrap().to_file();
        assert_eq!(
            file,
            "module wombat/binary\n\ngo 1.26.5\n\ngodebug (\n\thttp2client=0\n)\n\n\
             require (\n\texample.com/b v1.2.0\n\tgopkg.in/y.v3 v3.0.1+incompatible\n)\n\n\
             require (\n\texample.com/A v0.0.0-20240101000000-abcdef123456 // indirect\n)\n\n\
             replace (\n\texample.com/b => example.com/fork v1.2.1\n\texample.com/A v1.0.0 => example.com/A v1.0.1\n)\n\n\
             exclude (\n\texample.com/b v1.1.0\n)\n"
        );
    }

    #[test]
    fn the_newer_version_wins() {
        let parse = |json: &str| GoMod::from_json(json.as_bytes()).unwrap();
        let mut mine = parse(
            r#"{"Go": "1.26.5", "Require": [{"Path": "a.b/c", "Version": "v1.9.0"}, {"Path": "a.b/d", "Version": "v1.2.0"}]}"#,
        );
        mine.raise_to(&parse(
            r#"{"Go": "1.26.10", "Require": [{"Path": "a.b/c", "Version": "v1.10.0"}, {"Path": "a.b/d", "Version": "v1.1.0"}, {"Path": "a.b/e", "Version": "v0.1.0"}]}"#,
        ));
        let found: Vec<String> = mine
            .requires
            .iter()
            .map(|(path, require)| format!("{path} {}", require.version))
            .collect();
        assert_eq!(found, ["a.b/c v1.10.0", "a.b/d v1.2.0", "a.b/e v0.1.0"]);
        assert_eq!(mine.go, "1.26.10");
    }

    #[test]
    fn refuses_folders_and_what_could_break_out_of_a_line() {
        let folder =
            r#"{"Go": "1.26", "Replace": [{"Old": {"Path": "a.b/c"}, "New": {"Path": "../c"}}]}"#;
        assert_eq!(
            GoMod::from_json(folder.as_bytes()),
            Err(GoModError::ReplacedByFolder("a.b/c".into()))
        );
        assert_eq!(
            GoMod::of_dependency(folder.as_bytes()).unwrap().replaces,
            []
        );
        for bad in [
            r#"{"Go": "1.26\nreplace"}"#,
            r#"{"Go": "1.26", "Godebug": [{"Key": "a", "Value": "b\nc"}]}"#,
            r#"{"Go": "1.26", "Require": [{"Path": "a.b/c d", "Version": "v1.0.0"}]}"#,
            r#"{"Go": "1.26", "Require": [{"Path": "a.b/c", "Version": "latest"}]}"#,
        ] {
            assert!(
                matches!(
                    GoMod::from_json(bad.as_bytes()),
                    Err(GoModError::Malformed(..))
                ),
                "{bad}"
            );
        }
    }
}
