//! The module graph of a set of module versions: a `go.mod` and a `go.sum` that every selection from that set shares.
//!
//! It is the graph of the release itself, which its authors tested: their requirements, replacements and exclusions,
//! with our module as the only one above. If the spec contains a module that the release doesn't require, or not at
//! that version, the two lists of requirements are joined, and the newer version of each module wins. Since Go 1.17, a
//! list names every module that a package may come from, so their union is complete, too, and no other `go.mod` has to
//! be fetched. The result is stored on disk by set, so that later selections resolve nothing.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::Deserialize;
use wombat_model::{BuildSpec, Failure, FailureClass, ModulePath, ModuleVersion};

use super::{
    blocking::blocking,
    classify,
    error::BuildError,
    go::Go,
    go_mod::{GoMod, GoModError, Require},
    go_sum::GoSum,
    graph_store::{GraphFiles, GraphStore, set_name},
    size_limit::{FileError, GO_MOD, GO_SUM, TooLarge},
    stage::Stage,
};

/// The output of `go mod download -json` for a module.
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

impl fmt::Display for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.version)
    }
}

/// The graph of the spec's modules: from disk if this builder resolved it before.
pub(super) async fn resolve(
    go: &Go<'_>,
    store: &GraphStore,
    spec: &BuildSpec,
) -> Result<GraphFiles, BuildError> {
    let set = set_name(spec);
    if let Some(files) = store.load(&set).await {
        return Ok(files);
    }
    let files = resolve_afresh(go, spec).await?;
    store.keep(&set, &files).await;
    Ok(files)
}

/// Fetches the module that gives the graph, as far as the module cache lacks something of it.
pub(super) async fn fetch_base(go: &Go<'_>, spec: &BuildSpec) -> Result<(), BuildError> {
    let base = (spec.graph(), spec.graph_version());
    download(go, &[base]).await.map(drop)
}

async fn resolve_afresh(go: &Go<'_>, spec: &BuildSpec) -> Result<GraphFiles, BuildError> {
    let graph = (spec.graph(), spec.graph_version());
    let base = download(go, &[graph]).await?.remove(0);
    let mut go_mod = read_go_mod(go, &base, GoMod::from_json).await?;
    let mut go_sum = GoSum::default();
    add_own_sums(&mut go_sum, &base);
    go_sum.merge(read_go_sum(&base).await?);
    check_asked(spec, graph, &go_mod)?;
    for (module, version) in spec.modules() {
        if let Some(replace) = go_mod.replacement(module, version) {
            let message = format!(
                "{module} {version} was requested, but {} builds with {} {} in its place.",
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
            go_sum.merge(read_go_sum(&extra).await?);
            // Each of them may be within the limits.
            go_sum.check_size().map_err(of_all)?;
            let size = go_mod.to_file().len() as u64;
            GO_MOD.check(size).map_err(of_all)?;
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

/// Go uses the newest version that any module requires. If that isn't the requested one, the build would contain
/// another version.
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
                "{module} {version} was requested, but {by} {by_version} needs {module} {}.",
                required.version
            );
            return Err(Failure::new(FailureClass::Input, message));
        }
    }
    Ok(())
}

/// Fetches modules, verified with the checksum database; in the requested order.
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
                    "The output of `go mod download` can't be parsed: {error}; {}",
                    classify::excerpt(&finished.stderr)
                ),
            )
        })?;
        if !answer.error.is_empty() {
            return Err(classify::fetching(&answer.error).into());
        }
        found.push(answer);
    }
    // `go` may answer in another order.
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
    // If it is missing, `go` says so.
    if let Ok(metadata) = tokio::fs::metadata(&module.go_mod).await {
        let checked = GO_MOD.check(metadata.len());
        checked.map_err(|error| error.of(module))?;
    }
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
        let message = format!("The go.mod of {module} can't be used: {error}.");
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

/// Fails if the file is too large. A module without dependencies has none.
async fn read_go_sum(module: &Download) -> Result<GoSum, BuildError> {
    let text = match GO_SUM.read_text_of(&module.dir.join("go.sum")).await {
        Ok(text) => text,
        Err(FileError::Io(_)) => return Ok(GoSum::default()),
        Err(FileError::TooLarge(error)) => return Err(error.of(module).into()),
    };
    let sums = blocking(move || GoSum::from_stranger(&text)).await;
    sums.map_err(|error| error.of(module).into())
}

/// The failure if the modules of a spec are too large together.
fn of_all(error: TooLarge) -> Failure {
    error.of("all requested modules together")
}
