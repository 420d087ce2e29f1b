//! Imports on one builder and on several: they go on where they were, are shared, and let builds pass.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::json;
use wombat_builder::IfUnfit;
use wombat_go::catalog_import::GENERATION;
use wombat_model::catalog::{Import, ImportPart, ImportState, PartState, ReleaseDocument};
use wombat_store::{SubmitOptions, WatchEvent};
use wombat_testkit::{Listers, a_spec, wait_until};

use crate::scene::{LIMIT, Running, Scene};

const MODULE: &str = "parts.example/acme";
const BENTHOS: &str = "github.com/redpanda-data/benthos/v4";
const OPTIONS: [&str; 4] = ["--lease", "3s", "--go-releases-interval", "0"];

/// Everything around a module whose packages each bring a processor.
struct Parts {
    scene: Scene,
    _listers: Listers,
}

impl Parts {
    async fn new(names: &[&str]) -> Self {
        let scene = Scene::new().await;
        let listers = Listers::new().unwrap();
        let stub = &scene.stub;
        stub.requires(&json!([{"Path": BENTHOS, "Version": "v4.77.0"}]))
            .unwrap();
        let offered = names.iter().map(|name| {
            let imports = [format!("{BENTHOS}/public/service")];
            json!({"ImportPath": format!("{MODULE}/{name}"), "Name": name, "Imports": imports})
        });
        stub.offers(&offered.collect::<Vec<_>>()).unwrap();
        let mut links = Vec::new();
        for name in names {
            let processor = format!("acme_{name}");
            let program = listers.program(name, &["base", &processor]).unwrap();
            links.push((format!("{MODULE}/{name}"), program));
        }
        links.push((
            "package".to_owned(),
            listers.program("base", &["base"]).unwrap(),
        ));
        let links: Vec<_> = links
            .iter()
            .map(|(word, program)| (word.as_str(), program.as_path()))
            .collect();
        stub.links(&links).unwrap();
        Self {
            scene,
            _listers: listers,
        }
    }

    async fn builder(&self) -> Running {
        self.scene.builder(true, IfUnfit::End, &OPTIONS).await
    }

    async fn ask(&self, only: &[&str]) {
        let (module, version) = (MODULE.parse().unwrap(), "v1.2.3".parse().unwrap());
        let now = self.scene.store.builds.server_time();
        let only = only.iter().map(|path| path.parse().unwrap()).collect();
        let import = Import::new(module, version, Vec::new(), now).of_only(only);
        let asked = self.scene.store.catalog.ask_for_import(import).await;
        assert_eq!(asked.unwrap().value.state, ImportState::New);
    }

    /// Waits for a state of the import.
    async fn until<T>(&self, what: &str, is_it: impl Fn(&Import) -> Option<T>) -> T {
        let mut watcher = self.scene.store.catalog.watch_imports();
        let looking = async {
            loop {
                if let WatchEvent::Value { record, .. } = watcher.next().await {
                    let import = record.value;
                    assert!(
                        !matches!(import.state, ImportState::Failed { .. }),
                        "{import:?}"
                    );
                    if let Some(found) = is_it(&import) {
                        return found;
                    }
                }
            }
        };
        let found = tokio::time::timeout(LIMIT, looking).await;
        found.unwrap_or_else(|_| panic!("no {what}"))
    }

    /// Waits for the end, and returns the result as a service gets it.
    async fn result(&self) -> ReleaseDocument {
        let name = self
            .until("result", |import| match &import.state {
                ImportState::Storing { document } => Some(document.clone()),
                _ => None,
            })
            .await;
        let bytes = self.scene.store.documents.bytes(&name, 1 << 20).await;
        serde_json::from_slice(&bytes.unwrap().unwrap()).unwrap()
    }

    async fn until_done(&self, count: u32) {
        self.until("package that is done", |import| match import.state {
            ImportState::Importing { done, .. } if done >= count => Some(()),
            _ => None,
        })
        .await;
    }

    /// What is stored of packages now, and what changes, for as long as the test runs.
    fn parts(&self) -> tokio::sync::mpsc::UnboundedReceiver<ImportPart> {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let (module, version) = (MODULE.parse().unwrap(), "v1.2.3".parse().unwrap());
        let mut watcher = self
            .scene
            .store
            .catalog
            .watch_import_parts(&module, &version);
        tokio::spawn(async move {
            loop {
                if let WatchEvent::Value { record, .. } = watcher.next().await
                    && sender.send(record.value).is_err()
                {
                    return;
                }
            }
        });
        receiver
    }
}

fn names(document: &ReleaseDocument) -> Vec<&str> {
    let packages = document.release.packages.iter();
    packages.map(|package| package.path.short_name()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_only_the_package_in_work_is_repeated() {
    let parts = Parts::new(&["a", "b", "c", "d", "e"]).await;
    parts.scene.stub.takes_seconds(1.0).unwrap();
    parts.ask(&[]).await;
    let first = parts.builder().await;
    parts.until_done(2).await;
    // As sudden as a crash.
    drop(first);
    let second = parts.builder().await;
    let document = parts.result().await;
    assert_eq!(names(&document), ["a", "b", "c", "d", "e"]);
    let components: Vec<String> = document
        .release
        .packages
        .iter()
        .flat_map(|package| &package.components)
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        components[0], "processor/acme_a",
        "without those of the base"
    );
    assert_eq!(components.len(), 5);
    // The base, five packages, and the one that was in work.
    let builds = parts.scene.stub.builds();
    assert!(builds.len() <= 7, "{builds:?}");
    second.stopped().await;
}

/// As after an upgrade of the builders.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_another_generation_is_made_anew() {
    let parts = Parts::new(&["a", "b", "c"]).await;
    parts.scene.stub.takes_seconds(1.0).unwrap();
    parts.ask(&[]).await;
    let first = parts.builder().await;
    parts.until_done(1).await;
    drop(first);
    let catalog = &parts.scene.store.catalog;
    let (module, version) = (MODULE.parse().unwrap(), "v1.2.3".parse().unwrap());
    let plan = catalog.import_plan(&module, &version).await.unwrap();
    let mut plan = plan.unwrap();
    assert_eq!(plan.basis.generation, GENERATION);
    assert!(plan.packages.remove("b").is_some(), "{:?}", plan.packages);
    plan.basis.generation = GENERATION - 1;
    catalog.store_import_plan(&plan).await.unwrap();
    let second = parts.builder().await;
    let document = parts.result().await;
    assert_eq!(names(&document), ["a", "b", "c"]);
    let plan = catalog.import_plan(&module, &version).await.unwrap();
    assert_eq!(plan.unwrap().basis.generation, GENERATION);
    second.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_builders_share_an_import_and_its_answer_says_how_long_it_takes() {
    let parts = Parts::new(&["a", "b", "c", "d", "e", "f"]).await;
    parts.scene.stub.takes_seconds(1.5).unwrap();
    let mut seen = parts.parts();
    parts.ask(&[]).await;
    let builders = [parts.builder().await, parts.builder().await];
    let left = parts.until("estimate", |import| match import.state {
        ImportState::Importing { seconds_left, .. } => seconds_left,
        _ => None,
    });
    let left = left.await;
    assert!((1..60).contains(&left), "{left}");
    let document = parts.result().await;
    assert_eq!(document.release.packages.len(), 6);
    let mut workers = BTreeSet::new();
    while let Ok(part) = seen.try_recv() {
        workers.extend(part.claimed_by().cloned());
    }
    assert_eq!(workers.len(), 2, "{workers:?}");
    let builds = parts.scene.stub.builds();
    assert_eq!(
        builds.len(),
        7,
        "each package once, and the base: {builds:?}"
    );
    for builder in builders {
        builder.stopped().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_fetched_is_noted_and_tried_again_alone() {
    let parts = Parts::new(&["a", "b", "c"]).await;
    let refused = format!("{MODULE}/b");
    parts.scene.stub.refuses(&[&refused]).unwrap();
    parts.ask(&[]).await;
    let builder = parts.builder().await;
    let document = parts.result().await;
    assert_eq!(names(&document), ["a", "c"]);
    assert!(document.release.excluded.is_empty());
    let why = &document.release.unfetched[&refused.parse().unwrap()];
    assert_eq!(why.dependency, "parts.example/refused v1.0.0");
    assert!(why.reason.contains("refuses"), "{why:?}");

    // As a service does when it has stored the release.
    let (module, version) = (MODULE.parse().unwrap(), "v1.2.3".parse().unwrap());
    let catalog = &parts.scene.store.catalog;
    catalog.forget_import_work(&module, &version).await.unwrap();
    let mut imports = catalog.watch_imports();
    let WatchEvent::Value { record, .. } = imports.next().await else {
        panic!("the import is gone");
    };
    let over = record.value.at(ImportState::Success { packages: 2 });
    catalog.write_import(over, record.revision).await.unwrap();
    parts.scene.stub.refuses(&[]).unwrap();
    let before = parts.scene.stub.builds().len();
    parts.ask(&[&refused]).await;
    let document = parts.result().await;
    assert_eq!(names(&document), ["b"]);
    assert!(document.release.unfetched.is_empty());
    let builds = parts.scene.stub.builds();
    assert_eq!(builds.len() - before, 2, "the base, and this package");
    builder.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_comes_before_an_import() {
    let parts = Parts::new(&["a", "b"]).await;
    parts.scene.stub.takes_seconds(4.0).unwrap();
    let mut seen = parts.parts();
    parts.ask(&[]).await;
    let builder = parts.builder().await;
    let claimed = async {
        while let Some(part) = seen.recv().await {
            if matches!(part.state, PartState::Claimed { .. }) {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, claimed).await.unwrap();
    let spec = a_spec().package("nats").build();
    let builds = &parts.scene.store.builds;
    let options = SubmitOptions {
        force: false,
        retry_after: Duration::from_mins(10),
        catalog_revision: 1,
    };
    let artifacts = &parts.scene.store.artifacts;
    builds.submit(&spec, options, artifacts).await.unwrap();
    let begun = Instant::now();
    wait_until("the build", LIMIT, async || {
        let build = builds.get(&spec.key()).await?;
        Ok(build.filter(|build| build.value.finished().is_some()))
    })
    .await
    .unwrap();
    // The package was given back for it.
    let mut claims = 0;
    while let Ok(part) = seen.try_recv() {
        claims += usize::from(part.claimed_by().is_some());
        assert!(
            part.claimed_by().is_some(),
            "no package was done before the build"
        );
    }
    assert!(begun.elapsed() < Duration::from_mins(1), "{claims}");
    let document = parts.result().await;
    assert_eq!(names(&document), ["a", "b"]);
    builder.stopped().await;
}
