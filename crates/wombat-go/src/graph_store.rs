//! Resolved module graphs on this builder's disk.
//!
//! They decide which code is built, so each builder resolves its own from the release's `go.mod` and `go.sum`. None is
//! taken from other builders.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use wombat_model::BuildSpec;

use super::{
    blocking::blocking,
    graph_trim::{RESOLVED, mark_used},
    size_limit::GRAPH,
};

/// To be raised when the same set would be resolved differently.
const RESOLVER_VERSION: u32 = 1;

/// A resolved module graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphFiles {
    /// `go.mod`.
    pub go_mod: String,
    /// `go.sum`.
    pub go_sum: String,
}

/// Resolved graphs on disk, one sealed file per set of module versions; a damaged file counts as missing.
#[derive(Clone, Debug)]
pub(super) struct GraphStore {
    folder: PathBuf,
}

impl GraphStore {
    /// Opens the store. Blocks.
    #[expect(
        clippy::disallowed_methods,
        reason = "called in blocking threads alone"
    )]
    pub(super) fn new(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        // Earlier versions stored graphs of other builders, too, under other names. And a process that was killed may
        // have left an incomplete file.
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else if path.extension().is_none_or(|kind| kind != RESOLVED) {
                fs::remove_file(path)?;
            }
        }
        Ok(Self { folder })
    }

    /// The graph of the spec's modules, if this builder resolved it before.
    pub(super) async fn find(&self, spec: &BuildSpec) -> Option<GraphFiles> {
        self.load(&set_name(spec)).await
    }

    // After a failure the next build resolves the graph again, nothing worse.
    pub(super) async fn keep(&self, set: &str, files: &GraphFiles) {
        let (file, files) = (self.file(set), files.clone());
        if let Err(error) = blocking(move || save(&file, &files)).await {
            tracing::warn!(%error, "can't store a resolved module graph");
        }
    }

    pub(super) async fn load(&self, set: &str) -> Option<GraphFiles> {
        let file = self.file(set);
        blocking(move || read(&file)).await
    }

    /// Removes a graph; the next build of this set resolves it again.
    pub(super) async fn forget(&self, set: &str) {
        let file = self.file(set);
        if let Err(error) = blocking(move || wombat_files::remove(&file)).await {
            tracing::warn!(%error, "can't remove a stored module graph");
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn file(&self, set: &str) -> PathBuf {
        self.folder.join(set).with_extension(RESOLVED)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "called in blocking threads alone"
)]
fn read(file: &Path) -> Option<GraphFiles> {
    // Earlier versions stored graphs of any size.
    let size = fs::metadata(file).ok()?.len();
    if let Err(error) = GRAPH.check(size) {
        tracing::info!(%error, "removing a stored module graph");
        wombat_files::remove(file).ok()?;
        return None;
    }
    let files = serde_json::from_slice(&wombat_files::read_sealed(file)?).ok()?;
    mark_used(file);
    Some(files)
}

/// Builds that resolve the same set at the same time store the same graph.
fn save(file: &Path, files: &GraphFiles) -> io::Result<()> {
    wombat_files::store_sealed(file, &serde_json::to_vec(files)?)
}

/// The name of a set of module versions.
pub(super) fn set_name(spec: &BuildSpec) -> String {
    let json = serde_json::json!({"resolver": RESOLVER_VERSION, "graph": spec.graph(), "modules": spec.modules()});
    hex::encode(sha2::Sha256::digest(json.to_string()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests may block")]

    use std::time::SystemTime;

    use super::*;

    #[tokio::test]
    async fn a_stored_graph_comes_back_or_isnt_there() {
        let folder = tempfile::tempdir().unwrap();
        let graphs = folder.path().join("graphs");
        // As v0.1.0 stored it.
        fs::create_dir_all(graphs.join("a")).unwrap();
        fs::write(graphs.join("a/go.mod"), "old").unwrap();
        fs::write(graphs.join(".new-1"), "unfinished").unwrap();
        fs::write(graphs.join("b.sealed"), "of another builder").unwrap();
        let store = GraphStore::new(graphs.clone()).unwrap();
        let files = GraphFiles {
            go_mod: "one".to_owned(),
            go_sum: "two".to_owned(),
        };
        assert_eq!(store.load("a").await, None);
        store.keep("a", &files).await;
        assert_eq!(store.load("a").await, Some(files.clone()));
        let names = fs::read_dir(&graphs).unwrap();
        assert_eq!(names.count(), 1, "nothing unfinished, and nothing old");
        let file = fs::File::open(store.file("a")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        store.load("a").await.unwrap();
        let used = file.metadata().unwrap().modified().unwrap();
        assert!(used > SystemTime::UNIX_EPOCH, "loading it is a use");
        fs::write(store.file("a"), "").unwrap();
        assert_eq!(store.load("a").await, None);
        store.keep("a", &files).await;
        store.forget("a").await;
        assert_eq!(store.load("a").await, None);
        store.forget("a").await;
    }

    #[tokio::test]
    async fn a_graph_of_any_size_that_an_earlier_version_stored_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = GraphStore::new(folder.path().to_owned()).unwrap();
        let files = GraphFiles {
            go_mod: String::new(),
            go_sum: "x".repeat(10 << 20),
        };
        store.keep("a", &files).await;
        assert_eq!(store.load("a").await, None);
        assert!(!store.file("a").exists());
    }
}
