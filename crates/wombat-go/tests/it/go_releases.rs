//! New Go releases, from the module proxy's list and the checksum database.

use tokio_util::sync::CancellationToken;
use wombat_go::{GoOptions, GoReleasesError, Workshop, report::Reporter};
use wombat_model::catalog::{GoReleases, Licence};
use wombat_testkit::ProxyFault;

use crate::{
    go_scene::{Scene, helper, version},
    half_scene::scope,
};

const LIST: &str = "golang.org/toolchain/@v/list";

impl Scene {
    async fn workshop(&self, go: Option<std::path::PathBuf>) -> Workshop {
        let options = GoOptions {
            search_path: None,
            go,
            ..self.options()
        };
        let state = self.state();
        let settings = options.discover(&state, helper()).await.unwrap();
        Workshop::new(settings, &state.join("builder"), Licence::Community)
            .await
            .unwrap()
    }

    async fn with_stub(&self) -> Workshop {
        self.workshop(Some(self.stub.program())).await
    }
}

async fn new_releases(
    workshop: &Workshop,
    known: &GoReleases,
) -> Result<Vec<String>, GoReleasesError> {
    let (reporter, _) = Reporter::new();
    let scope = scope(&CancellationToken::new(), reporter);
    let found = workshop.new_go_releases(known, &scope).await?;
    Ok(found.versions().map(|it| it.to_string()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxys_list_is_read_and_what_the_database_knows_is_new() {
    let mut scene = Scene::new().await;
    let [known, new, unknown] = ["1.26.8", "1.26.11", "1.27.4"].map(|it| scene.release(it));
    scene.list(&known);
    let list = [&known, &new, &unknown].map(|module| format!("{}\n", module.version()));
    scene.proxy.replace(LIST, list.concat());
    scene.stub.knows_sums(&[&known, &new]).unwrap();
    let workshop = scene.with_stub().await;
    let (reporter, _) = Reporter::new();
    let limits = scope(&CancellationToken::new(), reporter);
    let known = scene.offer.releases.clone();
    let found = workshop.new_go_releases(&known, &limits).await.unwrap();
    let amd64 = "linux/amd64".parse().unwrap();
    let sum = found.sum(version("1.26.11"), amd64).unwrap();
    assert_eq!(sum.as_str(), new.sum());
    assert_eq!(found.versions().count(), 1, "{found:?}");

    let mut all = known.clone();
    all.add_all(&found);
    assert_eq!(new_releases(&workshop, &all).await, Ok(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_without_a_list_and_no_database_are_told() {
    let scene = Scene::new().await;
    let workshop = scene.with_stub().await;
    let off = new_releases(&workshop, &GoReleases::default()).await;
    assert_eq!(off, Err(GoReleasesError::NoChecksums));

    scene.stub.knows_sums(&[]).unwrap();
    let workshop = scene.with_stub().await;
    scene.proxy.fail(LIST, ProxyFault::Status(404));
    let refused = new_releases(&workshop, &GoReleases::default()).await;
    let said = refused.unwrap_err().to_string();
    assert!(
        said.contains("doesn't list Go releases: it answered 404"),
        "{said}"
    );
    scene.proxy.heal(LIST);
    scene.proxy.replace(LIST, "<html>no list</html>\n");
    let nothing = new_releases(&workshop, &GoReleases::default()).await;
    assert_eq!(nothing, Ok(Vec::new()));
}

/// Real Go asks the real database, through the test's proxy.
#[tokio::test(flavor = "multi_thread")]
async fn go_verifies_what_the_database_says() {
    let scene = Scene::new().await;
    let list = [
        "v0.0.1-go1.26.11.linux-arm64",
        "v0.0.1-go1.26.999.linux-amd64",
    ];
    scene.proxy.replace(LIST, list.join("\n"));
    let workshop = scene.workshop(None).await;
    let (reporter, _) = Reporter::new();
    let limits = scope(&CancellationToken::new(), reporter);
    let known = GoReleases::default();
    let found = workshop.new_go_releases(&known, &limits).await.unwrap();
    let arm64 = "linux/arm64".parse().unwrap();
    let sum = found.sum(version("1.26.11"), arm64).unwrap();
    assert_eq!(
        sum.as_str(),
        "h1:GFS9FmglLJxMwOSuun3qb8tBjpr8ibzOkt8tBrRLrnk="
    );
    assert_eq!(found.versions().count(), 1);
    let archives = scene.proxy.asked();
    let archives = archives.iter().filter(|path| path.contains("64.zip"));
    assert_eq!(archives.count(), 0, "nothing large is fetched");
}
