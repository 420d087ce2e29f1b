//! Pipelines with what they need and print, as comments at their head.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// A pipeline of the folder `pipelines`.
#[derive(Debug)]
pub(crate) struct Pipeline {
    /// Its file without the ending.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// The packages beyond those of every binary: below `public/components`, or whole import paths.
    pub(crate) needs: BTreeSet<String>,
    /// Its lines, in any order. None: its output is elsewhere, and the next pipelines read it.
    pub(crate) prints: Vec<String>,
    /// What its log says if a package is left out. Such a pipeline has no server that it could talk to, and doesn't end.
    pub(crate) refused: Option<String>,
    /// The pipeline that has to run at the same time.
    pub(crate) beside: Option<String>,
}

impl Pipeline {
    /// All, by name.
    pub(crate) fn all() -> anyhow::Result<Vec<Self>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
        let mut all = Vec::new();
        for entry in fs::read_dir(folder)? {
            all.push(Self::read(entry?.path())?);
        }
        all.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(all)
    }

    fn read(path: PathBuf) -> anyhow::Result<Self> {
        let text = fs::read_to_string(&path)?;
        let head = |mark: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.strip_prefix(mark));
            lines.map(|line| line.trim().to_owned()).collect()
        };
        let needs = head("# needs:");
        let needs = needs.first().context("no `# needs:`")?;
        let name = path.file_stem().unwrap_or_default();
        let mut prints = head("# prints:");
        prints.sort_unstable();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            needs: needs.split_whitespace().map(str::to_owned).collect(),
            prints,
            refused: head("# without a package:").pop(),
            beside: head("# beside:").pop(),
            text,
            path,
        })
    }
}
