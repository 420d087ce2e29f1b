//! What a finished binary says of itself: which modules went into it, at which versions, and how much code each brought.
//!
//! Nothing is run. `build_info`: the list of modules that Go's linker leaves in every binary · `functions`: the table of
//! functions that Go's runtime needs, so that stripping keeps it · `file`: finding both in a file of any size.
//!
//! The file was made from strangers' code, so every offset in it may be a lie: what doesn't fit is an end, never a panic.

mod build_info;
mod file;
mod functions;

use std::{
    collections::BTreeMap,
    io,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use serde::Serialize;
use tokio::sync::Semaphore;
use wombat_model::Sha256;

use crate::cache::CachedFile;
use build_info::BuildInfo;

/// Binaries whose contents are kept.
const KEPT: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");
/// What the standard library and the runtime are called.
const STANDARD: &str = "std";

/// What is in a binary, told by the binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Contents {
    /// Bytes of the binary.
    pub(crate) size: u64,
    /// The Go release that linked it.
    pub(crate) go: String,
    /// Modules that went into it, those with the most code first.
    pub(crate) modules: Vec<ModuleContents>,
    /// Bytes that belong to no function: tables, descriptions of types, texts, embedded files.
    pub(crate) rest: u64,
}

/// A module in a binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct ModuleContents {
    /// Its path; `std` is Go's own library.
    pub(crate) module: String,
    /// Its version; left out for the main package, which has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Bytes of machine code.
    pub(crate) code: u64,
    /// Functions.
    pub(crate) functions: u32,
}

/// Why a binary can't be told about.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ContentsError {
    /// The file can't be read.
    #[error("{0}")]
    Read(#[from] Arc<io::Error>),
    /// It says nothing that we understand.
    #[error("the binary has no {0} that is understood here")]
    Unknown(&'static str),
}

impl From<io::Error> for ContentsError {
    fn from(error: io::Error) -> Self {
        Self::Read(Arc::new(error))
    }
}

type Seen = Arc<Mutex<LruCache<Sha256, Arc<Contents>>>>;

/// Looks into binaries, one at a time, and remembers what was seen.
pub(crate) struct Viewer {
    seen: Seen,
    turn: Arc<Semaphore>,
}

impl Viewer {
    pub(crate) fn new() -> Self {
        Self {
            seen: Arc::new(Mutex::new(LruCache::new(KEPT))),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// What was seen in the binary with this digest.
    pub(crate) fn remembered(&self, digest: &Sha256) -> Option<Arc<Contents>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(digest).cloned()
    }

    /// Looks into the file, which holds the binary with this digest. The look goes on and is remembered if nobody waits for it any
    /// more; until then the file stays and nobody else has a turn.
    pub(crate) async fn look(
        &self,
        digest: Sha256,
        file: CachedFile,
    ) -> Result<Arc<Contents>, ContentsError> {
        let turn = self.turn.clone().acquire_owned().await;
        if let Some(contents) = self.remembered(&digest) {
            return Ok(contents);
        }
        let seen = self.seen.clone();
        let (mut file, hold) = file.into_std().await;
        let looking = tokio::task::spawn_blocking(move || {
            let _held = (turn, hold);
            let contents = Arc::new(contents(&mut file)?);
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.put(digest, contents.clone());
            Ok(contents)
        });
        looking.await.map_err(io::Error::other)?
    }
}

/// Reads a binary.
fn contents(file: &mut std::fs::File) -> Result<Contents, ContentsError> {
    let file::Found {
        size,
        build_info,
        functions,
    } = file::find(file)?;
    let info = build_info.ok_or(ContentsError::Unknown("list of modules"))?;
    let bytes = functions.ok_or(ContentsError::Unknown("table of functions"))?;
    let table =
        functions::Table::read(&bytes).ok_or(ContentsError::Unknown("table of functions"))?;
    Ok(sorted(size, info, &table))
}

/// Gives every function to its module: the longest path that its package begins with.
fn sorted(size: u64, info: BuildInfo, table: &functions::Table<'_>) -> Contents {
    let mut totals: BTreeMap<&str, (u64, u32)> = info
        .modules
        .keys()
        .map(|path| (path.as_str(), (0, 0)))
        .collect();
    let mut code = 0;
    for function in table.functions() {
        let package = function.package();
        let module = match info.module_of(&package) {
            Some(module) => module,
            None if is_standard(&package) => STANDARD,
            // Of a module that isn't on the list.
            None => continue,
        };
        let total = totals.entry(module).or_default();
        total.0 += function.size;
        total.1 += 1;
        code += function.size;
    }
    let mut modules: Vec<ModuleContents> = totals
        .into_iter()
        .map(|(module, (code, functions))| ModuleContents {
            version: if module == STANDARD {
                Some(info.go.clone())
            } else {
                info.modules.get(module).cloned().flatten()
            },
            module: module.to_owned(),
            code,
            functions,
        })
        .collect();
    modules.sort_by(|left, right| (right.code, &left.module).cmp(&(left.code, &right.module)));
    Contents {
        size,
        go: info.go,
        modules,
        rest: size.saturating_sub(code),
    }
}

/// Paths of Go's own library have no host in front.
fn is_standard(package: &str) -> bool {
    !package.split('/').next().unwrap_or_default().contains('.')
}

#[cfg(test)]
mod tests;
