//! The files of `--config`: files, folders, patterns and standard input.

#![expect(clippy::disallowed_methods, reason = "called in a blocking thread")]

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use globset::{GlobBuilder, GlobMatcher};
use wombat_model::names::{MAX_FILES, MAX_PIPELINE_TEXT};

/// Standard input.
pub(super) const STANDARD_INPUT: &str = "-";
/// Ends of the names that are taken from folders.
const ENDINGS: [&str; 5] = ["yaml", "yml", "json", "blobl", "bloblang"];
/// Deepest folder in a folder.
const DEEPEST: usize = 32;

/// What `--config` names.
#[derive(Debug, Default)]
pub(super) struct Configs {
    /// Texts by name.
    pub(super) files: BTreeMap<String, String>,
    /// Files that weren't taken, each with the reason.
    pub(super) left_out: Vec<String>,
}

impl Configs {
    /// Reads everything that is named, up to the server's limits.
    pub(super) fn read(named: &[PathBuf], mut input: impl Read) -> anyhow::Result<Self> {
        let mut configs = Self::default();
        for path in named {
            let shown = path.display();
            if path.as_os_str() == STANDARD_INPUT {
                if configs.files.contains_key(STANDARD_INPUT) {
                    continue;
                }
                let mut bytes = Vec::new();
                let most = MAX_PIPELINE_TEXT as u64 + 1;
                let reading = input.by_ref().take(most).read_to_end(&mut bytes);
                reading.context("reading standard input")?;
                configs.add(STANDARD_INPUT.to_owned(), bytes)?;
            } else if let Some(folder) = folder_of(path) {
                let before = configs.files.len();
                configs.folder(&folder, 0, &|_| None)?;
                if configs.files.len() == before {
                    let endings = ENDINGS.map(|ending| format!(".{ending}")).join(", ");
                    bail!("{shown} has no file that ends with {endings}");
                }
            } else if path.exists() || !is_pattern(path) {
                configs.file(path)?;
            } else {
                configs.pattern(path)?;
            }
        }
        Ok(configs)
    }

    /// All texts in one, to look for variables.
    pub(super) fn all_text(&self) -> String {
        let texts: Vec<&str> = self.files.values().map(String::as_str).collect();
        texts.join("\n")
    }

    fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let name = name_of(path);
        if self.files.contains_key(&name) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        let most = MAX_PIPELINE_TEXT as u64 + 1;
        fs::File::open(path)
            .and_then(|file| file.take(most).read_to_end(&mut bytes))
            .with_context(|| format!("reading {}", path.display()))?;
        self.add(name, bytes)
    }

    fn add(&mut self, name: String, bytes: Vec<u8>) -> anyhow::Result<()> {
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            bail!("{name} is UTF-16; save it as UTF-8");
        }
        let before: usize = self.files.values().map(String::len).sum();
        if before + bytes.len() > MAX_PIPELINE_TEXT {
            bail!(
                "{name} makes it more than {MAX_PIPELINE_TEXT} bytes (256 KiB), the most that all files of --config have together"
            );
        }
        if self.files.len() == MAX_FILES {
            bail!("{name} is one file too many: --config takes at most {MAX_FILES}");
        }
        let text = String::from_utf8(bytes).with_context(|| format!("{name} isn't UTF-8"))?;
        self.files.insert(name, text);
        Ok(())
    }

    /// Takes the files below a folder. `choose` says whether a file is taken, or leaves it to the end of its name.
    fn folder(
        &mut self,
        folder: &Path,
        depth: usize,
        choose: &dyn Fn(&Path) -> Option<bool>,
    ) -> anyhow::Result<()> {
        if depth > DEEPEST {
            let shown = folder.display();
            self.left_out
                .push(format!("{shown}: folders are read {DEEPEST} deep"));
            return Ok(());
        }
        let reading = || format!("reading {}", folder.display());
        let mut paths = fs::read_dir(folder)
            .and_then(|entries| {
                entries
                    .map(|entry| Ok(entry?.path()))
                    .collect::<Result<Vec<_>, _>>()
            })
            .with_context(reading)?;
        paths.sort();
        for path in paths {
            let shown = path.display();
            let is_hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            let chosen = choose(&path);
            if is_hidden && chosen.is_none() {
                self.left_out.push(format!("{shown}: hidden"));
            } else if path.is_dir() {
                self.folder(&path, depth + 1, choose)?;
            } else {
                match chosen {
                    Some(true) => self.file(&path)?,
                    Some(false) => {}
                    None if has_ending(&path) => self.file(&path)?,
                    None => self.left_out.push(format!(
                        "{shown}: neither YAML, JSON nor Bloblang by its name"
                    )),
                }
            }
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &Path) -> anyhow::Result<()> {
        let shown = pattern.display();
        let matcher = matcher(pattern)?;
        let mut begin = PathBuf::new();
        for part in pattern.parent().into_iter().flat_map(Path::components) {
            if is_pattern(part.as_ref()) {
                break;
            }
            begin.push(part);
        }
        if begin.as_os_str().is_empty() {
            begin.push(".");
        }
        let before = self.files.len();
        if begin.is_dir() {
            let fits = |path: &Path| {
                let plain = path.strip_prefix(".").unwrap_or(path);
                Some(matcher.is_match(plain))
            };
            self.folder(&begin, 0, &fits)?;
        }
        if self.files.len() == before {
            bail!("no file matches {shown}");
        }
        Ok(())
    }
}

fn matcher(pattern: &Path) -> anyhow::Result<GlobMatcher> {
    let plain = pattern.strip_prefix(".").unwrap_or(pattern);
    let glob = GlobBuilder::new(&plain.to_string_lossy())
        .literal_separator(true)
        .build();
    let glob = glob.with_context(|| format!("--config {}", pattern.display()))?;
    Ok(glob.compile_matcher())
}

/// The folder that a path names. `folder/...` is one, too, as for the commands of Benthos.
fn folder_of(path: &Path) -> Option<PathBuf> {
    let folder = if path.ends_with("...") {
        path.parent()?
    } else {
        path
    };
    let is_here = folder.as_os_str().is_empty();
    let folder = if is_here { Path::new(".") } else { folder };
    folder.is_dir().then(|| folder.to_owned())
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

fn has_ending(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    ENDINGS.iter().any(|it| ending.eq_ignore_ascii_case(it))
}

/// The name that the server gets: the path as it was given, with slashes.
fn name_of(path: &Path) -> String {
    let plain = path.strip_prefix(".").unwrap_or(path);
    let parts: Vec<_> = plain
        .components()
        .map(|it| it.as_os_str().to_string_lossy())
        .collect();
    let name = parts.join("/");
    // The root is a component of its own.
    name.replacen("//", "/", 1)
}

#[cfg(test)]
mod tests;
