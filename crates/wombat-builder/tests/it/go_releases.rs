//! A fleet that learns of new Go releases.

use wombat_builder::IfUnfit;
use wombat_model::catalog::GoReleases;
use wombat_testkit::{TestModule, wait_until};

use crate::scene::{LIMIT, Scene};

const LIST: &str = "golang.org/toolchain/@v/list";

impl Scene {
    /// The proxy and the checksum database have these releases.
    fn have(&self, modules: &[&TestModule]) {
        self.stub.knows_sums(modules).unwrap();
        let versions = modules
            .iter()
            .map(|module| format!("{}\n", module.version()));
        self.proxy.replace(LIST, versions.collect::<String>());
    }

    /// Waits until the fleet's list is like this.
    async fn until(&self, what: &str, is_it: impl Fn(&GoReleases) -> bool) -> GoReleases {
        let looking = wait_until(what, LIMIT, async || {
            Ok(self.store.catalog.go_releases().await?.filter(&is_it))
        });
        looking.await.unwrap()
    }

    fn questions(&self) -> usize {
        let asked = self.proxy.asked();
        asked.iter().filter(|path| *path == LIST).count()
    }
}

fn versions(list: &GoReleases) -> Vec<String> {
    list.versions().map(|version| version.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_releases_are_learnt_if_they_can_be_fetched() {
    let mut scene = Scene::new().await;
    scene.serve("1.26.8");
    let [old, new, other, refused] =
        ["1.26.8", "1.26.11", "1.26.10", "1.27.4"].map(|it| scene.release(it));
    scene.have(&[&old, &new, &other, &refused]);
    scene.stub.cant_fetch("1.27.4").unwrap();
    let builder = scene
        .builder(true, IfUnfit::End, &["--go-releases-interval", "1s"])
        .await;
    let list = scene
        .until("a release to be learnt of", |list| {
            list.versions().count() > 0
        })
        .await;
    assert_eq!(
        versions(&list),
        ["1.26.10", "1.26.11"],
        "the rest comes with the program"
    );
    let sum = list.sum("1.26.11".parse().unwrap(), "linux/amd64".parse().unwrap());
    assert_eq!(sum.unwrap().as_str(), new.sum());

    let first = list.checked().unwrap();
    let again = |list: &GoReleases| list.checked() > Some(first);
    let list = scene.until("another look", again).await;
    assert_eq!(versions(&list), ["1.26.10", "1.26.11"]);
    let newest = scene.release("1.26.12");
    scene.have(&[&old, &new, &other, &refused, &newest]);
    let has_it = |list: &GoReleases| versions(list).contains(&"1.26.12".to_owned());
    scene
        .until("the newest release to be learnt of", has_it)
        .await;
    builder.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_is_asked_by_one_builder_for_all_and_not_where_that_is_off() {
    let scene = Scene::new().await;
    scene.have(&[]);
    let off = scene
        .builder(true, IfUnfit::End, &["--go-releases-interval", "0"])
        .await;
    let offline = ["--go-releases-interval", "1s", "--offline"];
    let offline = scene.builder(true, IfUnfit::End, &offline).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(scene.questions(), 0);

    // The first that is due asks, and another hears of it.
    let now = scene.store.builds.now().await.unwrap();
    let minute_ago = now - time::Duration::minutes(1);
    let list = GoReleases::default().checked_at(minute_ago);
    scene.store.catalog.add_go_releases(&list).await.unwrap();
    let every = ["--go-releases-interval", "48s"];
    let first = scene.builder(true, IfUnfit::End, &every).await;
    let later = |list: &GoReleases| list.checked() > Some(minute_ago);
    scene.until("the list to be compared", later).await;
    let second = scene.builder(true, IfUnfit::End, &every).await;
    // It would have asked after four seconds.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    assert_eq!(scene.questions(), 1);
    for builder in [first, second, off, offline] {
        builder.stopped().await;
    }
}
