//! Go releases that a fleet learns of: every instance offers them, and the newest becomes the default.

use std::time::Duration;

use serde_json::{Value, json};
use wombat_model::catalog::GoReleases;
use wombat_service::go_releases;
use wombat_store::Store;
use wombat_testkit::{NatsServer, wait_until};

use crate::support::{Instance, ask, body, one, unlimited};

const SOON: Duration = Duration::from_secs(20);
const SUM: &str = "h1:8ka/oPBhq5O997fLqPbEZ2NBw2NDru/hSAG5lurObdE=";

async fn learn(store: &Store, versions: &[&str]) -> anyhow::Result<()> {
    let mut learnt = GoReleases::default();
    for version in versions {
        learnt.add(version.parse()?, "linux/amd64".parse()?, SUM.parse()?);
    }
    store.catalog.add_go_releases(&learnt).await?;
    Ok(())
}

async fn offered(client: &async_nats::Client) -> Vec<String> {
    let answer = ask(client, "catalog.search", &json!({})).await.unwrap();
    let releases = answer["releases"].as_array().unwrap();
    let newest = releases.iter().find(|release| {
        release["newest"] == true && release["module"].as_str().unwrap().contains("connect")
    });
    let versions = newest.unwrap()["goVersions"].as_array().unwrap();
    let text = |version: &Value| version.as_str().unwrap().to_owned();
    versions.iter().map(text).collect()
}

#[tokio::test]
async fn a_new_patch_is_the_default_and_a_new_line_is_on_offer() -> anyhow::Result<()> {
    let (server, client, store, instance) = Box::pin(one()).await?;
    let other = Instance::start(&server, unlimited()).await?;
    let embedded = go_releases()?;
    let newest = embedded.newest_of("1.26".parse()?, "linux/amd64".parse()?);
    let newest = newest.map(|(version, _)| version.to_string()).unwrap();
    assert_eq!(store.catalog.go_releases().await?, Some(embedded));
    let before = offered(&client).await;
    assert_eq!(before[0], newest);
    assert!(before.contains(&"1.26.5".to_owned()), "{before:?}");
    let first = ask(&client, "build.request", &body("nats")).await.unwrap();
    assert_eq!(first["goversion"], newest);
    let old =
        json!({"goos": "linux", "goarch": "amd64", "components": ["nats"], "goVersion": "1.26.5"});
    let old = ask(&client, "build.resolve", &old).await.unwrap();
    assert_eq!(old["goversion"], "1.26.5");

    learn(&store, &["1.26.900", "1.900.1", "1.900.0"]).await?;
    // Requests go to either instance, and repeats of the first request mean another build now.
    wait_until("both instances to have heard", SOON, async || {
        for _ in 0..10 {
            let built = ask(&client, "build.request", &body("nats")).await.unwrap();
            if built["goversion"] != "1.26.900" {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await?;
    let after = offered(&client).await;
    assert_eq!(after[..2], ["1.26.900", "1.900.1"]);
    assert!(after.contains(&"1.900.0".to_owned()) && after.contains(&newest));
    let newer =
        json!({"goos": "linux", "goarch": "amd64", "components": ["nats"], "goVersion": "1.900.0"});
    let newer = ask(&client, "build.request", &newer).await.unwrap();
    assert_eq!(newer["goversion"], "1.900.0");

    let answer = ask(&client, "catalog.goreleases", &json!({}))
        .await
        .unwrap();
    assert_eq!(answer["releases"][0]["version"], "1.900.1");
    assert_eq!(answer["releases"][0]["sums"]["linux/amd64"], SUM);
    assert_eq!(answer["checked"], Value::Null);
    let refused = ask(&client, "catalog.goreleases", &json!({"x": 1})).await;
    assert!(refused.is_err());
    other.stop().await?;
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_request_for_a_go_that_doesnt_exist_names_others() -> anyhow::Result<()> {
    let (_server, client, _store, instance) = Box::pin(one()).await?;
    let question = json!({"goos": "linux", "goarch": "amd64", "components": ["nats"], "goVersion": "1.26.999"});
    let refused = ask(&client, "build.resolve", &question).await.unwrap_err();
    let newest = offered(&client).await;
    let words = refused.to_string();
    assert!(words.contains("unsupported_go_version"), "{words}");
    assert!(
        words.contains(&format!("choose {} or {}", newest[0], newest[1])),
        "{words}"
    );
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_damaged_list_is_made_anew_at_the_start() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = Box::pin(server.store()).await?;
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let damaged = jetstream.publish("$KV.catalog.go-releases", "nothing".into());
    damaged.await?.await?;
    let instance = Instance::start(&server, unlimited()).await?;
    assert_eq!(store.catalog.go_releases().await?, Some(go_releases()?));
    instance.stop().await?;
    Ok(())
}
