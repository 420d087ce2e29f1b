//! Builders say what releases outside the catalog require.

use std::process::Command;

use serde_json::json;
use wombat_builder::IfUnfit;
use wombat_model::wire::{RequirementsQuestion, RequirementsReply};
use wombat_testkit::wait_until;

use crate::scene::{LIMIT, Scene};

const CONNECT: &str = "github.com/redpanda-data/connect/v4";
const BENTHOS: &str = "github.com/redpanda-data/benthos/v4";

fn question() -> RequirementsQuestion {
    RequirementsQuestion {
        refuse_retracted: false,
        module: CONNECT.parse().unwrap(),
        version: "v4.98.0".parse().unwrap(),
        of: vec![BENTHOS.parse().unwrap()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_reads_the_go_mod_of_a_release() {
    let scene = Scene::new().await;
    let question = question();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_retracted_release_is_told_where_it_matters() {
    let scene = Scene::new().await;
    scene.stub.requires(&json!([])).unwrap();
    scene.stub.retracts("v4.98.1", "It lost data.").unwrap();
    let off = ["--go-releases-interval", "0"];
    let builder = scene.builder(true, IfUnfit::End, &off).await;
    scene
        .until_present(|presence| presence.problem.is_none())
        .await;
    let ask = async |version: &str, refuse_retracted| {
        let question = RequirementsQuestion {
            version: version.parse().unwrap(),
            refuse_retracted,
            ..question()
        };
        let reply = scene.connection.ask_requirements(&question).await;
        reply.unwrap().expect("a builder is running")
    };
    let none = RequirementsReply::Requires(std::collections::BTreeMap::new());
    let retracted = RequirementsReply::Retracted("It lost data.".to_owned());
    assert_eq!(ask("v4.98.1", true).await, retracted);
    assert_eq!(ask("v4.98.1", false).await, none);
    assert_eq!(ask("v4.98.0", true).await, none);
    builder.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_builder_that_is_stopped_says_so() {
    let scene = Scene::new().await;
    // `go` waits for what is never written.
    let requires = scene.stub.folder().join("requires");
    let made = Command::new("mkfifo").arg(requires).status();
    assert!(made.unwrap().success());
    let off = ["--go-releases-interval", "0"];
    let builder = scene.builder(true, IfUnfit::End, &off).await;
    scene
        .until_present(|presence| presence.problem.is_none())
        .await;
    let question = question();
    let asking = scene.connection.ask_requirements(&question);
    let stopping = async {
        wait_until("go to run", LIMIT, async || {
            Ok((!scene.stub.running().is_empty()).then_some(()))
        })
        .await
        .unwrap();
        builder.stopped().await;
    };
    let (reply, ()) = tokio::join!(asking, stopping);
    let stopped = "The builder was stopped.".to_owned();
    assert_eq!(
        reply.unwrap(),
        Some(RequirementsReply::Unavailable(stopped))
    );
}
