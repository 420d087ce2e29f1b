//! The plan of an import: what the last builder stored, or made anew.

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use wombat_go::catalog_import::{
    GENERATION, ImportRequest, Importer, OfferedPackages, lowest_go, module_graph,
};
use wombat_model::{
    GoVersion, ModulePath, Platform,
    catalog::{Import, ImportPlan},
    names::{BASE_MODULE, BASE_PACKAGES},
};
use wombat_store::StoreError;

use super::effort::{effort, workshop};
use crate::worker::Worker;

/// The plan of an import.
pub(super) async fn plan(
    worker: &Worker,
    import: &Import,
    host: Platform,
    stop: &CancellationToken,
) -> anyhow::Result<ImportPlan> {
    let known = stored(worker, import, host).await;
    if let Some(plan) = known.context("reading the plan of the import")? {
        info!("continuing an import");
        return Ok(plan);
    }
    let plan = make(worker, import, host, stop).await?;
    // Without it, no other builder helps; the work is the same.
    if let Err(error) = worker.store.catalog.store_import_plan(&plan).await {
        warn!(%error, "can't store the plan of an import");
    }
    Ok(plan)
}

/// The stored plan, if it is of this import, and of an importer of the same generation on the same platform: others
/// find something else.
pub(super) async fn stored(
    worker: &Worker,
    import: &Import,
    host: Platform,
) -> Result<Option<ImportPlan>, StoreError> {
    let catalog = &worker.store.catalog;
    let known = catalog.import_plan(&import.module, &import.version).await?;
    Ok(known.filter(|plan| {
        plan.is_of(import) && plan.basis.generation == GENERATION && plan.basis.host == host
    }))
}

async fn make(
    worker: &Worker,
    import: &Import,
    host: Platform,
    stop: &CancellationToken,
) -> anyhow::Result<ImportPlan> {
    let (workshop, effort) = (workshop(worker), effort(worker, stop));
    let module = (&import.module, &import.version);
    let own_go = workshop.settings().version;
    let go_mod = module_graph(&workshop, module, own_go, host, &effort).await?;
    let lowest_go = lowest_go(&go_mod);
    let go_versions = on_offer(&import.go_versions, own_go, lowest_go);
    let go = go_versions[0];
    let offered = OfferedPackages::of(&workshop, module, go, host, &effort).await?;
    let base_module: ModulePath = BASE_MODULE.parse()?;
    let base = BASE_PACKAGES.map(|path| format!("{BASE_MODULE}/{path}").parse());
    let folders = offered.folders.into_iter();
    let request = ImportRequest {
        module: import.module.clone(),
        version: import.version.clone(),
        title: title(&import.module),
        go,
        go_versions,
        lowest_go,
        component_root: offered.root,
        packages: folders.map(|folder| (folder, String::new())).collect(),
        excluded: offered.excluded,
        base: base.into_iter().collect::<Result<_, _>>()?,
        base_module,
    };
    let mut plan = Importer::plan(&workshop, request, import.requested, host, &effort).await?;
    if !import.only.is_empty() {
        let all = std::mem::take(&mut plan.packages);
        for (folder, description) in all {
            if import.only.contains(&plan.path_of(&folder)?) {
                plan.packages.insert(folder, description);
            }
        }
        plan.excluded.clear();
    }
    Ok(plan)
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
