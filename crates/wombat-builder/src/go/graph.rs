//! The module graph of a set of module versions: a `go.mod` and a `go.sum` that every selection from that set shares.
//!
//! It is the graph of the release itself, the one that its authors tested: their requirements, replacements and
//! exclusions, with our module as the only one above. Where a module is asked for that the release doesn't require,
//! or not at that version, the two lists of requirements are joined, the newer version of each module winning: both
//! are closed, since Go 1.17 wants every module named that a package may come from, so their union is, too. No other
//! module's `go.mod` has to be fetched for that. The result is kept on disk by set; later selections resolve nothing.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use wombat_model::{BuildSpec, Failure, FailureClass, ModulePath, ModuleVersion};
use wombat_store::GoCache;

use super::{
    classify,
    go_mod::{GoMod, GoModError, Require},
    go_sum::GoSum,
    invocation::{BuildError, Go},
    stage::Stage,
};

/// Raise it when the same set would be resolved to something else.
const RESOLVER_VERSION: u32 = 1;

/// How the names of stored graphs end.
const SEALED: &str = "sealed";

/// More than the files of a graph have together, unpacked.
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

/// Resolved graphs on disk, one sealed file a set of module versions: one that isn't whole isn't there.
#[derive(Clone, Debug)]
pub(super) struct GraphStore {
    folder: PathBuf,
    fleet: Option<GoCache>,
}

impl GraphStore {
    pub(super) fn new(folder: PathBuf, fleet: Option<GoCache>) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        // Earlier releases kept a folder a set, without anything to tell by whether its files are whole. And a process that was
        // killed may have left a file that it hadn't finished.
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

    /// The same, for graphs that all builders share.
    pub(super) fn shared(self, fleet: GoCache) -> Self {
        Self {
            fleet: Some(fleet),
            ..self
        }
    }

    /// Brings the graph of the spec's modules here, if it isn't and another builder resolved it.
    pub(super) async fn bring(&self, spec: &BuildSpec) {
        let set = set_name(spec);
        if self.load(&set).is_none()
            && let Some(files) = self.fetch(&set).await
        {
            self.keep(&set, &files);
        }
    }

    async fn fetch(&self, set: &str) -> Option<GraphFiles> {
        let keys = [format!("graph.{set}")];
        let mut answers = std::pin::pin!(self.fleet.as_ref()?.fetch(&keys));
        let (_, value) = answers.next().await?.ok()?;
        let json = zstd::bulk::decompress(&value, LARGEST).ok()?;
        serde_json::from_slice(&json).ok()
    }

    /// Lets other builders have it, without waiting for that.
    fn share(&self, set: &str, files: &GraphFiles) {
        let Some(fleet) = self.fleet.clone() else {
            return;
        };
        let packed = serde_json::to_vec(files)
            .ok()
            .and_then(|json| zstd::bulk::compress(&json, EFFORT).ok());
        let key = format!("graph.{set}");
        tokio::spawn(async move {
            if let Some(packed) = packed.filter(|packed| packed.len() <= fleet.largest())
                && let Err(error) = fleet.put(&key, packed.into()).await
            {
                tracing::debug!(%error, "a resolved module graph isn't shared");
            }
        });
    }

    // Without it the next selection takes longer, nothing worse.
    fn keep(&self, set: &str, files: &GraphFiles) {
        if let Err(error) = self.save(set, files) {
            tracing::warn!(%error, "can't keep a resolved module graph");
        }
    }

    fn load(&self, set: &str) -> Option<GraphFiles> {
        serde_json::from_slice(&wombat_files::read_sealed(&self.file(set))?).ok()
    }

    /// Two that resolve the same set at once find the same.
    fn save(&self, set: &str, files: &GraphFiles) -> io::Result<()> {
        wombat_files::store_sealed(&self.file(set), &serde_json::to_vec(files)?)
    }

    /// The next build of this set resolves it anew.
    pub(super) fn forget(&self, set: &str) {
        if let Err(error) = wombat_files::remove(&self.file(set)) {
            tracing::warn!(%error, "can't forget a module graph");
        }
    }

    fn file(&self, set: &str) -> PathBuf {
        self.folder.join(set).with_extension(SEALED)
    }
}

/// What `go mod download -json` says of a module.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Download {
    path: String,
    version: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    go_mod: PathBuf,
    #[serde(default)]
    dir: PathBuf,
    #[serde(default)]
    sum: String,
    #[serde(default)]
    go_mod_sum: String,
}

/// The graph of the spec's modules: from disk if it was resolved before. `share`: others may have it from here.
pub(super) async fn resolve(
    go: &Go<'_>,
    store: &GraphStore,
    spec: &BuildSpec,
    share: bool,
) -> Result<GraphFiles, BuildError> {
    let set = set_name(spec);
    if let Some(files) = store.load(&set) {
        return Ok(files);
    }
    let files = resolve_afresh(go, spec).await?;
    if share {
        store.share(&set, &files);
    }
    store.keep(&set, &files);
    Ok(files)
}

/// The name of a set of module versions.
pub(super) fn set_name(spec: &BuildSpec) -> String {
    let json = serde_json::json!({"resolver": RESOLVER_VERSION, "graph": spec.graph(), "modules": spec.modules()});
    hex::encode(sha2::Sha256::digest(json.to_string()))
}

async fn resolve_afresh(go: &Go<'_>, spec: &BuildSpec) -> Result<GraphFiles, BuildError> {
    let graph = (spec.graph(), spec.graph_version());
    let base = download(go, &[graph]).await?.remove(0);
    let mut go_mod = read_go_mod(go, &base, GoMod::from_json).await?;
    let mut go_sum = GoSum::default();
    add_own_sums(&mut go_sum, &base);
    go_sum.merge(read_go_sum(&base));
    check_asked(spec, graph, &go_mod)?;
    for (module, version) in spec.modules() {
        if let Some(replace) = go_mod.replacement(module, version) {
            let message = format!(
                "{module} {version} was asked for, but {} builds with {} {} in its place.",
                spec.graph(),
                replace.new,
                replace.new_version
            );
            return Err(Failure::new(FailureClass::Input, message).into());
        }
    }

    let known = |module: &ModulePath, version: &ModuleVersion| {
        module == spec.graph()
            || go_mod
                .requires
                .get(module)
                .is_some_and(|known| known.version == *version)
    };
    let missing: Vec<(&ModulePath, &ModuleVersion)> = spec
        .modules()
        .iter()
        .filter(|(module, version)| !known(module, version))
        .collect();
    if !missing.is_empty() {
        for (asked, extra) in missing.iter().zip(download(go, &missing).await?) {
            let theirs = read_go_mod(go, &extra, GoMod::of_dependency).await?;
            check_asked(spec, *asked, &theirs)?;
            go_mod.raise_to(&theirs);
            add_own_sums(&mut go_sum, &extra);
            go_sum.merge(read_go_sum(&extra));
        }
    }
    for (module, version) in spec.modules() {
        go_mod.requires.insert(
            module.clone(),
            Require {
                version: version.clone(),
                indirect: false,
            },
        );
    }
    Ok(GraphFiles {
        go_mod: go_mod.to_file(),
        go_sum: go_sum.to_file(),
    })
}

/// Go always takes the newest version that anybody requires. Where that isn't the one that was asked for, the build
/// would be of something else.
fn check_asked(
    spec: &BuildSpec,
    (by, by_version): (&ModulePath, &ModuleVersion),
    go_mod: &GoMod,
) -> Result<(), Failure> {
    for (module, version) in spec.modules() {
        if let Some(required) = go_mod.requires.get(module)
            && required.version > *version
        {
            let message = format!(
                "{module} {version} was asked for, but {by} {by_version} needs {module} {}.",
                required.version
            );
            return Err(Failure::new(FailureClass::Input, message));
        }
    }
    Ok(())
}

/// Fetches modules, checked against the checksum database; in the order asked for.
async fn download(
    go: &Go<'_>,
    modules: &[(&ModulePath, &ModuleVersion)],
) -> Result<Vec<Download>, BuildError> {
    let mut arguments = vec!["mod".to_owned(), "download".to_owned(), "-json".to_owned()];
    arguments.extend(
        modules
            .iter()
            .map(|(path, version)| format!("{path}@{version}")),
    );
    let finished = go
        .run(Stage::Fetch, go.work_dir, BTreeMap::new(), &arguments)
        .await?;
    let mut found = Vec::new();
    for answer in serde_json::Deserializer::from_slice(&finished.stdout).into_iter::<Download>() {
        let answer = answer.map_err(|error| {
            Failure::new(
                FailureClass::Internal,
                format!(
                    "What `go mod download` says isn't understood: {error}; {}",
                    classify::excerpt(&finished.stderr)
                ),
            )
        })?;
        if !answer.error.is_empty() {
            return Err(classify::fetching(&answer.error).into());
        }
        found.push(answer);
    }
    // `go` may answer in another order than it was asked.
    modules
        .iter()
        .map(|(path, version)| {
            let index = found.iter().position(|answer| {
                answer.path == path.as_str() && answer.version == version.as_str()
            });
            index
                .map(|index| found.swap_remove(index))
                .ok_or_else(|| classify::fetching(&finished.stderr).into())
        })
        .collect()
}

async fn read_go_mod(
    go: &Go<'_>,
    module: &Download,
    read: fn(&[u8]) -> Result<GoMod, GoModError>,
) -> Result<GoMod, BuildError> {
    let file = module.go_mod.display().to_string();
    let finished = go
        .run(
            Stage::Compile,
            go.work_dir,
            BTreeMap::new(),
            &["mod", "edit", "-json", &file],
        )
        .await?;
    if !finished.succeeded() {
        return Err(classify::fetching(&finished.stderr).into());
    }
    read(&finished.stdout).map_err(|error| {
        let class = match error {
            GoModError::Unreadable(_) => FailureClass::Internal,
            GoModError::ReplacedByFolder(_) | GoModError::Malformed(..) => FailureClass::Input,
        };
        let Download { path, version, .. } = module;
        let message = format!("The go.mod of {path} {version} can't be used: {error}.");
        Failure::new(class, message).into()
    })
}

fn add_own_sums(sums: &mut GoSum, module: &Download) {
    sums.add(&module.path, &module.version, &module.sum);
    sums.add(
        &module.path,
        &format!("{}/go.mod", module.version),
        &module.go_mod_sum,
    );
}

fn read_go_sum(module: &Download) -> GoSum {
    // A module without dependencies has no go.sum.
    GoSum::from_file(&fs::read_to_string(module.dir.join("go.sum")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_graph_comes_back_or_isnt_there() {
        let folder = tempfile::tempdir().unwrap();
        let graphs = folder.path().join("graphs");
        // As v0.1.0 kept it.
        fs::create_dir_all(graphs.join("a")).unwrap();
        fs::write(graphs.join("a/go.mod"), "old").unwrap();
        fs::write(graphs.join(".new-1"), "unfinished").unwrap();
        let store = GraphStore::new(graphs.clone(), None).unwrap();
        let files = GraphFiles {
            go_mod: "one".to_owned(),
            go_sum: "two".to_owned(),
        };
        assert_eq!(store.load("a"), None);
        store.save("a", &files).unwrap();
        assert_eq!(store.load("a"), Some(files.clone()));
        let names = fs::read_dir(&graphs).unwrap();
        assert_eq!(names.count(), 1, "nothing unfinished, and nothing old");
        fs::write(store.file("a"), "").unwrap();
        assert_eq!(store.load("a"), None);
        store.save("a", &files).unwrap();
        store.forget("a");
        assert_eq!(store.load("a"), None);
        store.forget("a");
    }
}
