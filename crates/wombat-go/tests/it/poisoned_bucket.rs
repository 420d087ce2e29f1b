//! A bucket that another builder poisoned changes no binary of this one.

use std::{fs::File, time::Duration};

use futures::StreamExt as _;
use serde_json::json;
use sha2::Digest as _;
use wombat_binary::BuildInfo;
use wombat_model::BuildSpec;
use wombat_store::PutOutcome;
use wombat_testkit::{a_spec, wait_until};

use crate::stub_scene::Scene;

const FORK: &str = "evil.example/fork";
const LIMIT: Duration = Duration::from_secs(30);

/// Under which earlier versions shared the module graph of a spec.
fn graph_key(spec: &BuildSpec) -> String {
    let set = json!({"resolver": 1, "graph": spec.graph(), "modules": spec.modules()});
    let digest = sha2::Sha256::digest(set.to_string());
    format!("graph.{}", hex::encode(digest))
}

/// A module graph that builds a fork under the name of the release.
fn poisoned(spec: &BuildSpec) -> Vec<u8> {
    let (path, version) = (spec.graph(), spec.graph_version());
    let graph = json!({
        "go_mod": format!(
            "module wombat/binary\n\ngo 1.26.0\n\nrequire (\n\t{path} {version}\n)\n\nreplace (\n\t{path} => {FORK} v1.0.0\n)\n"
        ),
        "go_sum": format!("{FORK} v1.0.0 h1:x=\n{FORK} v1.0.0/go.mod h1:y=\n"),
    });
    zstd::bulk::compress(graph.to_string().as_bytes(), 3).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_module_graph_changes_nothing() {
    let scene = Scene::new().await;
    let spec = a_spec().build();
    let bucket = &scene.store.gocache;
    let put = bucket.put(&graph_key(&spec), poisoned(&spec).into()).await;
    assert_eq!(put.unwrap(), PutOutcome::Stored);

    let product = scene.build(&spec).await.unwrap();
    let go_mod = &product.recipe.files["go.mod"];
    assert!(!go_mod.contains(FORK), "{go_mod}");
    let info = BuildInfo::of(&mut File::open(&product.path).unwrap()).unwrap();
    assert!(!info.modules.is_empty(), "{info:?}");
    for module in &info.modules {
        assert_eq!(module.replacement, None);
    }

    let graphs = ["graph.>".to_owned()];
    let graphs: Vec<_> = bucket.fetch(&graphs).collect().await;
    assert_eq!(
        graphs.len(),
        1,
        "nothing takes the place of what isn't read"
    );
}

/// A list of packages without the licences below them, or with other modules.
#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_package_list_changes_nothing() {
    let scene = Scene::new().await;
    let spec = a_spec().build();
    let honest = scene.build(&spec).await.unwrap();

    let shared = ["packages.>".to_owned()];
    let lists = wait_until("its lists to be shared", LIMIT, async || {
        let lists: Vec<_> = scene.store.gocache.fetch(&shared).collect().await;
        Ok((lists.len() >= spec.packages().len()).then_some(lists))
    });
    let lists = lists.await.unwrap();
    let poisoned = Scene::new().await;
    for list in lists {
        let (key, _) = list.unwrap();
        let list = json!([{
            "ImportPath": "github.com/redpanda-data/connect/v4/public/components/nats",
            "Module": {"Path": spec.graph(), "Version": spec.graph_version(), "Replace": {"Path": FORK, "Version": "v1.0.0"}},
            "Marked": false,
        }]);
        let list = zstd::bulk::compress(list.to_string().as_bytes(), 3).unwrap();
        poisoned.store.gocache.put(&key, list.into()).await.unwrap();
    }
    let product = poisoned.build(&spec).await.unwrap();
    assert_eq!(product.sha256, honest.sha256);
    assert_eq!(product.recipe, honest.recipe);
}
