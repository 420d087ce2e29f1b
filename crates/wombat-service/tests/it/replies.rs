//! Requests whose reply subject is no inbox: they get no answer, and nothing is done for them. On a server with one
//! account: between accounts, the server itself turns every reply subject into an inbox.

use std::{collections::BTreeMap, time::Duration};

use async_nats::{Client, Subscriber, jetstream};
use futures::StreamExt as _;
use serde_json::{Value, json};
use wombat_service::ServiceArgs;
use wombat_store::Store;
use wombat_testkit::{NatsServer, NatsServerConfig, wait_until};

use crate::support::{Instance, ask, body, one_on, unlimited};

const LIMIT: Duration = Duration::from_secs(30);

/// Subjects at which an answer would be a request to JetStream, a write, or a request to the services.
const ELSEWHERE: [&str; 8] = [
    "$JS.API.STREAM.PURGE.KV_gocache",
    "$JS.API.STREAM.DELETE.OBJ_artifacts",
    "$KV.catalog.blocklist",
    "$KV.builds.build.x",
    "$O.artifacts.M.eA==",
    "$JS.FC.a.b.c",
    "build.force",
    "elsewhere.a",
];

fn plain_server() -> anyhow::Result<NatsServer> {
    NatsServer::with(&NatsServerConfig {
        own_users: true,
        ..NatsServerConfig::default()
    })
}

async fn plain() -> anyhow::Result<(NatsServer, Client, Store, Instance)> {
    one_on(plain_server()?).await
}

/// How many requests each endpoint dropped.
async fn dropped(client: &Client) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for service in ["build", "catalog"] {
        let stats = client.request(format!("$SRV.STATS.{service}"), "".into());
        let stats: Value = serde_json::from_slice(&stats.await.unwrap().payload).unwrap();
        for endpoint in stats["endpoints"].as_array().unwrap() {
            let subject = endpoint["subject"].as_str().unwrap().to_owned();
            let count = endpoint["data"]["dropped"].as_u64().unwrap_or_default();
            all.insert(subject, count);
        }
    }
    all
}

/// Messages in the bucket of compiled packages.
async fn cached(client: &Client) -> anyhow::Result<u64> {
    let stream = jetstream::new(client.clone())
        .get_stream("KV_gocache")
        .await?;
    Ok(stream.cached_info().state.messages)
}

/// What arrived by now at a subscription.
async fn arrived(client: &Client, subscriber: &mut Subscriber) -> anyhow::Result<Vec<String>> {
    const LAST: &str = "elsewhere.last";
    client.publish(LAST, "".into()).await?;
    let mut all = Vec::new();
    while let Some(message) = subscriber.next().await {
        if message.subject.as_str() == LAST {
            break;
        }
        all.push(String::from_utf8_lossy(&message.payload).into_owned());
    }
    Ok(all)
}

#[tokio::test]
async fn every_endpoint_drops_what_has_no_inbox_before_it_reads_it() -> anyhow::Result<()> {
    let (_server, client, store, instance) = Box::pin(plain()).await?;
    let mut elsewhere = client.subscribe("elsewhere.>").await?;
    assert_eq!(cached(&client).await?, 0);
    let jetstream = jetstream::new(client.clone());
    jetstream
        .publish("$KV.gocache.x", "x".into())
        .await?
        .await?;
    let endpoints = dropped(&client).await;
    assert_eq!(endpoints.len(), 21, "{endpoints:?}");
    // An answer from memory is an answer, too: the same request is repeated.
    ask(&client, "build.request", &body("nats")).await.unwrap();
    let before = store.builds.identity().await?;
    for subject in endpoints.keys() {
        let question = match subject.as_str() {
            "catalog.block" => json!({"modules": [{"module": "a.b"}]}),
            "build.force" | "build.resolve" | "build.ahead" => body("kafka"),
            "build.request" => body("nats"),
            _ => json!({}),
        };
        for reply in ELSEWHERE {
            let question = question.to_string().into();
            client
                .publish_with_reply(subject.clone(), reply, question)
                .await?;
        }
        client
            .publish(subject.clone(), question.to_string().into())
            .await?;
    }
    let expected = ELSEWHERE.len() as u64 + 1;
    wait_until("all to be dropped", LIMIT, async || {
        let dropped = dropped(&client).await;
        Ok(dropped.values().all(|it| *it == expected).then_some(()))
    })
    .await?;
    assert_eq!(arrived(&client, &mut elsewhere).await?, [""; 0]);
    assert_eq!(store.builds.identity().await?, before, "nothing is built");
    let blocked = ask(&client, "catalog.blocklist", &json!({})).await.unwrap();
    assert_eq!(blocked, json!({"modules": [], "revision": 0}));
    assert_eq!(cached(&client).await?, 1);
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn verbs_answer_to_inboxes_only() -> anyhow::Result<()> {
    let (_server, client, _store, instance) = Box::pin(plain()).await?;
    let mut elsewhere = client.subscribe("elsewhere.>").await?;
    for subject in ["$SRV.PING", "$SRV.INFO.build", "$SRV.STATS.catalog"] {
        client
            .publish_with_reply(subject, "elsewhere.a", "".into())
            .await?;
        client.publish(subject, "".into()).await?;
        // The services answer in the order of requests.
        client.request(subject, "".into()).await?;
    }
    assert_eq!(arrived(&client, &mut elsewhere).await?, [""; 0]);
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn prefixes_that_the_operator_names_are_inboxes() -> anyhow::Result<()> {
    let server = plain_server()?;
    let (connection, _store) = Box::pin(server.store()).await?;
    let args = ServiceArgs {
        reply_prefix: vec!["elsewhere".parse()?],
        ..unlimited()
    };
    let instance = Box::pin(Instance::start(&server, args)).await?;
    let client = connection.client();
    let mut elsewhere = client.subscribe("elsewhere.>").await?;
    for (subject, answer) in [("build.builders", "builders"), ("$SRV.PING.build", "type")] {
        client
            .publish_with_reply(subject, "elsewhere.a", "".into())
            .await?;
        let message = elsewhere.next().await.unwrap();
        let message: Value = serde_json::from_slice(&message.payload)?;
        assert!(message.get(answer).is_some(), "{message}");
    }
    instance.stop().await?;
    Ok(())
}

/// A consumer may deliver to an endpoint; each delivery asks for an acknowledgement.
#[tokio::test]
async fn deliveries_of_consumers_are_no_requests() -> anyhow::Result<()> {
    let (_server, client, _store, instance) = Box::pin(plain()).await?;
    let jetstream = jetstream::new(client.clone());
    let stream = jetstream.get_stream("KV_gocache").await?;
    let consumer = jetstream::consumer::push::Config {
        deliver_subject: "build.builders".to_owned(),
        // That of the endpoints.
        deliver_group: Some("q".to_owned()),
        ack_policy: jetstream::consumer::AckPolicy::Explicit,
        ..Default::default()
    };
    stream.create_consumer(consumer).await?;
    jetstream
        .publish("$KV.gocache.x", "{}".into())
        .await?
        .await?;
    wait_until("the delivery to be dropped", LIMIT, async || {
        Ok((dropped(&client).await["build.builders"] > 0).then_some(()))
    })
    .await?;
    instance.stop().await?;
    Ok(())
}
