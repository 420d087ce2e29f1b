//! One import, from its claim to its end.

use std::sync::Arc;

use anyhow::Context;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_model::{
    GoVersion, ModulePath, Platform,
    catalog::{Import, ImportState, Licence, ReleaseDocument},
    names::{BASE_MODULE, BASE_PACKAGES},
};
use wombat_store::Versioned;

use super::claim::{Claim, PAUSE};
use crate::worker::Worker;
use wombat_go::catalog_import::{
    Effort, ImportRequest, Importer, OfferedPackages, lowest_go, module_graph,
};

/// `nice` value: below every build.
const NICENESS: i32 = 19;
/// Longest error message in bytes.
const LONGEST_MESSAGE: usize = 2000;

/// Claims an import and does it, unless another builder is faster.
pub(super) async fn import(worker: Arc<Worker>, host: Platform, seen: Versioned<Import>) {
    let name = format!("{}@{}", seen.value.module, seen.value.version);
    let Some(claim) = Claim::win(&worker, seen).await else {
        return;
    };
    info!(release = name, "importing into the catalog");
    let import = claim.import.clone();
    let stop = CancellationToken::new();
    let (progress, told) = watch::channel((0, 0));
    let work = Box::pin(find(&worker, &import, host, &stop, progress));
    let (found, claim) = tokio::join!(work, claim.keep_telling(&worker, told, &stop));
    let Some(claim) = claim else {
        warn!(release = name, "another builder does this import now");
        return;
    };
    let state = match found {
        Ok(document) => match store(&worker, &import, &document).await {
            Ok(Some(document)) => ImportState::Storing { document },
            Ok(None) => ImportState::New,
            Err(error) => failed(&error),
        },
        // Another builder takes over.
        Err(_) if worker.stop.is_cancelled() => ImportState::New,
        Err(error) => failed(&error),
    };
    info!(release = name, ?state, "import ended here");
    claim.settle(&worker, state).await;
}

fn failed(error: &anyhow::Error) -> ImportState {
    let mut message = format!("{error:#}");
    message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
    ImportState::Failed { message }
}

/// Collects all facts about the release. `progress` is dropped at the end in any case.
async fn find(
    worker: &Worker,
    import: &Import,
    host: Platform,
    stop: &CancellationToken,
    progress: watch::Sender<(usize, usize)>,
) -> anyhow::Result<ReleaseDocument> {
    // Listing a package's components isn't using it: the licence is checked when a client picks it.
    let workshop = worker.workshop.clone().accepting(Licence::Rcl);
    let effort = Effort {
        stop: stop.clone(),
        niceness: NICENESS,
        parallelism: 1,
    };
    let module = (&import.module, &import.version);
    let own_go = workshop.settings().version;
    let go_mod = module_graph(&workshop, module, own_go, host, &effort).await?;
    let lowest_go = lowest_go(&go_mod);
    let go_versions = on_offer(&import.go_versions, own_go, lowest_go);
    let go = go_versions[0];
    let offered = OfferedPackages::of(&workshop, module, go, host, &effort).await?;
    let base_module: ModulePath = BASE_MODULE.parse()?;
    let base = BASE_PACKAGES.map(|path| format!("{BASE_MODULE}/{path}").parse());
    let request = ImportRequest {
        module: import.module.clone(),
        version: import.version.clone(),
        title: title(&import.module),
        go,
        go_versions,
        lowest_go,
        component_root: offered.root,
        packages: offered
            .folders
            .into_iter()
            .map(|folder| (folder, String::new()))
            .collect(),
        excluded: offered.excluded,
        leave_out_failing: true,
        base: base.into_iter().collect::<Result<_, _>>()?,
        base_module,
    };
    let importer = Importer::new(&workshop, request, host, effort).await?;
    let tell = |done, of| {
        progress.send_replace((done, of));
    };
    let found = importer.run(tell).await?;
    Ok(ReleaseDocument {
        release: found.release,
        documentation: found.documentation,
        stream: found.stream,
    })
}

/// The wanted Go releases that the module isn't too new for; otherwise this builder's own.
fn on_offer(wanted: &[GoVersion], own: GoVersion, lowest: Option<GoVersion>) -> Vec<GoVersion> {
    let fits = |go: &GoVersion| lowest.is_none_or(|lowest| *go >= lowest);
    let offered: Vec<GoVersion> = wanted.iter().copied().filter(fits).collect();
    if offered.is_empty() {
        vec![own]
    } else {
        offered
    }
}

/// A module's default title: the last part of its path that isn't a version.
fn title(module: &ModulePath) -> String {
    let path = module.as_str();
    let is_version = |word: &&str| {
        word.strip_prefix('v')
            .is_some_and(|it| it.parse::<u32>().is_ok())
    };
    let word = path.rsplit('/').find(|word| !is_version(word));
    word.unwrap_or(path).to_owned()
}

/// Stores the document and returns its object's name. Waits for a store that is unavailable or full, since the result
/// stays valid; `None` if the builder stops first.
async fn store(
    worker: &Worker,
    import: &Import,
    document: &ReleaseDocument,
) -> anyhow::Result<Option<String>> {
    let bytes = serde_json::to_vec(document)?;
    loop {
        // An object is written only once, so each import and each attempt uses its own name.
        let own = uuid::Uuid::new_v4().simple();
        let name = format!("{}/{}/{own}", import.module, import.version);
        match worker.store.documents.put_bytes(&name, &bytes).await {
            Ok(_) => return Ok(Some(name)),
            Err(error) if error.may_pass() => {
                warn!(%error, "can't store the result of an import yet; trying again");
            }
            Err(error) => return Err(error).context("can't store the import's result"),
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = worker.stop.cancelled() => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_releases_that_are_too_old_are_not_offered() {
        let versions = |texts: &[&str]| -> Vec<GoVersion> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let own = "1.26.8".parse().unwrap();
        let wanted = versions(&["1.26.8", "1.26.5", "1.26.3"]);
        let lowest = |text: &str| Some(text.parse().unwrap());
        let offered = on_offer(&wanted, own, lowest("1.26.5"));
        assert_eq!(offered, versions(&["1.26.8", "1.26.5"]));
        assert_eq!(on_offer(&wanted, own, lowest("1.24.0")), wanted);
        assert_eq!(on_offer(&[], own, lowest("1.24.0")), [own]);
        assert_eq!(on_offer(&wanted, own, None), wanted);
    }

    #[test]
    fn a_title_is_the_last_word_of_the_path() {
        let of = |path: &str| title(&path.parse().unwrap());
        assert_eq!(of("github.com/redpanda-data/connect/v4"), "connect");
        assert_eq!(of("a.b/vault"), "vault");
    }
}
