//! Builders say what releases outside the catalog require.

use serde_json::json;
use wombat_builder::IfUnfit;
use wombat_model::wire::{RequirementsQuestion, RequirementsReply};

use crate::scene::Scene;

const CONNECT: &str = "github.com/redpanda-data/connect/v4";
const BENTHOS: &str = "github.com/redpanda-data/benthos/v4";

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_reads_the_go_mod_of_a_release() {
    let scene = Scene::new().await;
    let question = RequirementsQuestion {
        module: CONNECT.parse().unwrap(),
        version: "v4.98.0".parse().unwrap(),
        of: vec![BENTHOS.parse().unwrap()],
    };
    let none = scene.connection.ask_requirements(&question).await;
    assert_eq!(none.unwrap(), None, "no builder is running");
    let required =
        json!([{"Path": BENTHOS, "Version": "v4.76.0"}, {"Path": "a.b/c", "Version": "v1.0.0"}]);
    scene.stub.requires(&required).unwrap();
    let off = ["--go-releases-interval", "0"];
    let builder = scene.builder(true, IfUnfit::End, &off).await;
    scene
        .until_present(|presence| presence.problem.is_none())
        .await;
    let reply = scene.connection.ask_requirements(&question).await.unwrap();
    let Some(RequirementsReply::Requires(all)) = reply else {
        panic!("{reply:?}");
    };
    let all: Vec<String> = all.iter().map(|(it, at)| format!("{it} {at}")).collect();
    assert_eq!(all, [format!("{BENTHOS} v4.76.0")]);
    builder.stopped().await;
}
