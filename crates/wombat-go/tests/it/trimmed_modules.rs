//! A module cache that is over its limit: a running build keeps its modules, and removed ones are fetched again.

use std::{
    fs,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio_util::sync::CancellationToken;
use wombat_go::ModuleTrimmer;

use crate::half_scene::{MODULE, Scene, VERSION, own_spec};

/// When none of the modules counts as recently used any more.
const LATER: Duration = Duration::from_hours(2);

/// Removes every module that no build holds.
async fn trim(trimmer: &Arc<ModuleTrimmer>) {
    let trimmer = Arc::clone(trimmer);
    let done = tokio::task::spawn_blocking(move || {
        trimmer.trim(SystemTime::now() + LATER, &CancellationToken::new())
    });
    done.await.unwrap().unwrap();
}

fn assert_removed(scene: &Scene) {
    assert!(!scene.unpacked().exists());
    for kind in ["ziphash", "zip", "mod", "info"] {
        assert!(!scene.download(kind).exists(), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_module_is_fetched_again() {
    let scene = Scene::new().await;
    let (spec, never) = (own_spec("p"), CancellationToken::new());
    let workshop = scene.workshop().await;
    let built = Scene::build_in(&workshop, &spec, &never).await;
    built.succeeds("with an empty cache");
    assert!(scene.unpacked().exists());
    let archive = format!("{MODULE}/@v/{VERSION}.zip");
    let requests = || {
        let asked = scene.proxy.asked();
        asked.iter().filter(|path| **path == archive).count()
    };
    let before = requests();

    trim(&Arc::new(workshop.module_trimmer(0))).await;
    assert_removed(&scene);
    // The relay has its own cache, which would spare the request.
    fs::remove_dir_all(scene.state().join("fetched")).unwrap();
    let built = Scene::build_in(&workshop, &spec, &never).await;
    built.succeeds("with a trimmed cache");
    assert!(!built.log.contains("once more"), "{}", built.log);
    assert!(scene.unpacked().exists());
    assert!(requests() > before, "it was fetched again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_build_keeps_its_modules() {
    let scene = Scene::new().await;
    let (spec, never) = (own_spec("p"), CancellationToken::new());
    let workshop = scene.workshop().await;
    let trimmer = Arc::new(workshop.module_trimmer(0));
    let mut building = std::pin::pin!(Scene::build_in(&workshop, &spec, &never));
    let mut trims = 0;
    let built = loop {
        tokio::select! {
            built = &mut building => break built,
            () = trim(&trimmer) => trims += 1,
        }
    };
    built.succeeds("while its cache is trimmed");
    assert!(!built.log.contains("once more"), "{}", built.log);
    assert!(trims > 0, "the build takes longer than a trim");
    trim(&trimmer).await;
    assert_removed(&scene);
}
