//! Resolved module graphs: on this builder's disk, and in the bucket that all builders share.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use wombat_model::BuildSpec;
use wombat_store::GoCache;

use super::{
    blocking::blocking,
    graph_trim::{SEALED, mark_used},
};

/// To be raised when the same set would be resolved differently.
const RESOLVER_VERSION: u32 = 1;

/// Size limit of a decompressed graph; none is as large.
const LARGEST: usize = 16 * 1024 * 1024;
const EFFORT: i32 = 3;

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
    fleet: Option<GoCache>,
}

impl GraphStore {
    /// Opens the store. Blocks.
    #[expect(
        clippy::disallowed_methods,
        reason = "called in blocking threads alone"
    )]
    pub(super) fn new(folder: PathBuf, fleet: Option<GoCache>) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        // Earlier releases stored a folder per set, whose damage can't be noticed. And a process that was killed may
        // have left an incomplete file.
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else if path.extension().is_none_or(|kind| kind != SEALED) {
                fs::remove_file(path)?;
            }
        }
        Ok(Self { folder, fleet })
    }

    /// The same, with the bucket that all builders share.
    pub(super) fn shared(self, fleet: GoCache) -> Self {
        Self {
            fleet: Some(fleet),
            ..self
        }
    }

    /// The graph of the spec's modules, if it is known: from disk, else, if `shared`, from the bucket, where another
    /// builder may have put it.
    pub(super) async fn find(&self, spec: &BuildSpec, shared: bool) -> Option<GraphFiles> {
        let set = set_name(spec);
        if let Some(files) = self.load(&set).await {
            return Some(files);
        }
        if !shared {
            return None;
        }
        let files = self.fetch(&set).await?;
        self.keep(&set, &files).await;
        Some(files)
    }

    async fn fetch(&self, set: &str) -> Option<GraphFiles> {
        let keys = [format!("graph.{set}")];
        let mut answers = std::pin::pin!(self.fleet.as_ref()?.fetch(&keys));
        let (_, value) = answers.next().await?.ok()?;
        let json = zstd::bulk::decompress(&value, LARGEST).ok()?;
        serde_json::from_slice(&json).ok()
    }

    /// Uploads the graph for other builders, without waiting for it.
    pub(super) fn share(&self, set: &str, files: &GraphFiles) {
        let Some(fleet) = &self.fleet else { return };
        let packed = serde_json::to_vec(files)
            .ok()
            .and_then(|json| zstd::bulk::compress(&json, EFFORT).ok());
        if let Some(packed) = packed {
            fleet.put_in_background(format!("graph.{set}"), packed);
        }
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
        self.folder.join(set).with_extension(SEALED)
    }
}

fn read(file: &Path) -> Option<GraphFiles> {
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
        let store = GraphStore::new(graphs.clone(), None).unwrap();
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
}
