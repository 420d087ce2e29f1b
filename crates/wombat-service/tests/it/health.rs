//! `build.health`: how full the stores are, and whether writes are acknowledged.

use std::time::Duration;

use async_nats::jetstream;
use serde_json::{Value, json};
use wombat_testkit::{NatsServer, wait_until};

use crate::support::{ask, one, one_on};

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_full_store_is_named_with_what_follows() -> anyhow::Result<()> {
    let (_server, client, _store, instance) = one().await?;
    let health = async || {
        let answer = ask(&client, "build.health", &json!({})).await;
        answer.map_err(|body| anyhow::anyhow!("{body}"))
    };
    let answer = health().await?;
    assert!(answer.get("unacknowledged").is_none(), "{answer}");
    let stores = answer["stores"].as_array().unwrap();
    let names: Vec<_> = stores.iter().map(|store| &store["name"]).collect();
    assert_eq!(
        names,
        [
            "builds",
            "publications",
            "builders",
            "catalog",
            "artifacts",
            "catalog-docs",
            "gocache",
            "BUILD_LOGS"
        ]
    );
    assert!(
        stores.iter().all(|store| store["full"] == false),
        "{answer}"
    );

    let jetstream = jetstream::new(client.clone());
    let mut stream = jetstream.get_stream("OBJ_artifacts").await?;
    let mut config = stream.info().await?.config.clone();
    config.max_bytes = 1_000_000;
    jetstream.update_stream(config).await?;
    for n in 0..2 {
        let sent = jetstream.publish(format!("$O.artifacts.C.x.y.{n}"), vec![0; 490_000].into());
        sent.await?.await?;
    }
    let answer = health().await?;
    let stores = answer["stores"].as_array().unwrap();
    let full: Vec<&Value> = stores.iter().filter(|it| it["full"] == true).collect();
    assert_eq!(full.len(), 1, "{answer}");
    assert_eq!(full[0]["name"], "artifacts");
    assert_eq!(full[0]["refusesBuilds"], true);
    assert_eq!(full[0]["limit"], 1_000_000);
    let words = full[0]["words"].as_str().unwrap();
    assert!(words.contains("no new builds are accepted"), "{words}");
    drop(instance);
    Ok(())
}

/// A server whose disk was full answers requests and acknowledges no write until it is restarted.
#[tokio::test]
async fn a_server_that_acknowledges_nothing_is_noticed_and_so_is_its_recovery() -> anyhow::Result<()>
{
    let (_server, client, _store, instance) = one_on(NatsServer::alone()?).await?;
    let jetstream = jetstream::new(client.clone());
    let stream = jetstream.get_stream("KV_builders").await?;
    let whole = stream.cached_info().config.clone();
    let silent = jetstream::stream::Config {
        no_ack: true,
        ..whole.clone()
    };
    for (config, is_told) in [(silent, true), (whole, false)] {
        jetstream.delete_stream("KV_builders").await?;
        jetstream.create_stream(config).await?;
        wait_until("the service notices", PATIENCE, async || {
            let Ok(answer) = ask(&client, "build.health", &json!({})).await else {
                return Ok(None);
            };
            let words = answer["unacknowledged"].as_str();
            let is_right = words.is_some_and(|words| words.contains("restart nats-server"));
            Ok((is_right == is_told && words.is_some() == is_told).then_some(()))
        })
        .await?;
    }
    drop(instance);
    Ok(())
}
