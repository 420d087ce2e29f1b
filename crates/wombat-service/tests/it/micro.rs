//! What `nats micro` users see: descriptions, schemas, errors, stats, and a clean end.

use std::{collections::BTreeMap, time::Duration};

use async_nats::Client;
use futures::{StreamExt, future::join_all};
use serde_json::{Value, json};

use wombat_testkit::wait_until;

use crate::support::{CONNECT, Instance, ask, ask_bytes, one, unlimited};

const LIMIT: Duration = Duration::from_secs(10);

async fn verb(client: &Client, subject: &str) -> Value {
    let reply = client.request(subject.to_owned(), "".into()).await.unwrap();
    serde_json::from_slice(&reply.payload).unwrap()
}

/// Metadata by endpoint of both services.
async fn metadata(client: &Client) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for service in ["build", "catalog"] {
        let info = verb(client, &format!("$SRV.INFO.{service}")).await;
        assert!(!info["description"].as_str().unwrap().is_empty());
        for endpoint in info["endpoints"].as_array().unwrap() {
            let name = endpoint["name"].as_str().unwrap();
            assert_eq!(endpoint["subject"], format!("{service}.{name}"));
            assert_eq!(endpoint["queue_group"], "q");
            all.insert(format!("{service}.{name}"), endpoint["metadata"].clone());
        }
    }
    all
}

#[tokio::test]
async fn answers_fit_the_schemas_that_are_published() -> anyhow::Result<()> {
    let (_server, client, _store, instance) = one().await?;
    let metadata = metadata(&client).await;
    let names: Vec<&str> = metadata.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "build.ahead",
            "build.builders",
            "build.cancel",
            "build.force",
            "build.get",
            "build.health",
            "build.list",
            "build.log",
            "build.purge",
            "build.request",
            "build.resolve",
            "build.stats",
            "catalog.block",
            "catalog.blocklist",
            "catalog.component",
            "catalog.components",
            "catalog.goreleases",
            "catalog.import",
            "catalog.imports",
            "catalog.search",
            "catalog.select"
        ]
    );
    let request =
        json!({"goos": "linux", "goarch": "amd64", "packages": [format!("{CONNECT}/kafka")]});
    let view = ask(&client, "build.request", &request).await.unwrap();
    let id = json!({ "id": view["id"] });
    for (subject, question) in [
        ("build.resolve", request.clone()),
        ("build.ahead", request.clone()),
        ("build.request", request.clone()),
        ("build.force", request),
        ("build.builders", json!({})),
        ("build.stats", json!({"minutes": 5})),
        ("build.health", json!({})),
        ("build.get", id.clone()),
        ("build.list", json!({"query": "kafka", "facets": true})),
        ("build.log", id.clone()),
        ("build.cancel", id.clone()),
        ("build.purge", id),
        ("catalog.search", json!({"query": "kafka"})),
        ("catalog.components", json!({"query": "kafka"})),
        ("catalog.blocklist", json!({})),
        (
            "catalog.block",
            json!({"modules": [{"module": "a.b/*", "reason": "x"}]}),
        ),
        (
            "catalog.import",
            json!({"module": "c.d/e", "version": "v1.2.3", "goVersions": ["1.26.8"]}),
        ),
        ("catalog.imports", json!({})),
        ("catalog.goreleases", json!({})),
        ("catalog.component", json!({"component": "kafka"})),
    ] {
        let schema = |key: &str| -> Value {
            serde_json::from_str(metadata[subject][key].as_str().unwrap()).unwrap()
        };
        assert!(
            !metadata[subject]["description"]
                .as_str()
                .unwrap()
                .is_empty()
        );
        jsonschema::validate(&schema("request-schema"), &question)
            .unwrap_or_else(|error| panic!("{subject}: {error}"));
        // The index needs a moment to catch up.
        let answer = wait_until(subject, LIMIT, async || {
            Ok(ask(&client, subject, &question).await.ok())
        })
        .await?;
        jsonschema::validate(&schema("response-schema"), &answer)
            .unwrap_or_else(|error| panic!("{subject}: {error}: {answer}"));
    }
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn errors_name_every_problem_and_are_counted() -> anyhow::Result<()> {
    let (_server, client, _store, instance) = one().await?;
    let body = json!({"goos": "plan9", "goarch": "amd64", "packages": ["x"], "colour": 1});
    let error = ask(&client, "build.request", &body).await.unwrap_err();
    assert_eq!(error["error"]["code"], 400);
    assert_eq!(error["error"]["field"], "goos");
    assert_eq!(
        error["error"]["problems"].as_array().unwrap().len(),
        3,
        "{error}"
    );

    let forced = json!({"goos": "linux", "goarch": "amd64", "components": ["nats"], "force": true});
    let error = ask(&client, "build.request", &forced).await.unwrap_err();
    assert_eq!(error["error"]["code"], 403);
    assert_eq!(error["error"]["field"], "force");

    let content = json!({"goos": "linux", "goarch": "amd64", "components": ["natz"]});
    let error = ask(&client, "build.request", &content).await.unwrap_err();
    assert_eq!(error["error"]["code"], 422);
    assert_eq!(error["error"]["problems"][0]["code"], "unknown_component");

    let stats = verb(&client, "$SRV.STATS.build").await;
    let endpoints = stats["endpoints"].as_array().unwrap();
    let request = endpoints
        .iter()
        .find(|endpoint| endpoint["name"] == "request")
        .unwrap();
    assert_eq!(request["num_errors"], 3, "{request}");
    assert!(request["last_error"].as_str().unwrap().starts_with("422:"));
    assert!(request["average_processing_time"].as_u64().unwrap() > 0);
    assert_eq!(request["num_requests"], 3);
    instance.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_payload_harms_it() -> anyhow::Result<()> {
    let (_server, client, store, instance) = one().await?;
    let deep = "[".repeat(10_000);
    let long = format!(r#"{{"goos":"{}"}}"#, "x".repeat(500_000));
    let payloads: [&[u8]; 12] = [
        b"",
        b"null",
        b"[]",
        b"7",
        b"{",
        b"\xff\xfe\x00",
        b"{\"id\":\"build.*.>\"}",
        b"{\"id\":\"build.linux.amd64.1_26_8.\\u0000\"}",
        b"{\"goos\":\"linux\\nx\",\"goarch\":\"amd64\",\"packages\":[\"a.b/c\\r\\n\"]}",
        b"{\"goos\":1e999,\"limit\":-1,\"after\":-1}",
        deep.as_bytes(),
        long.as_bytes(),
    ];
    for subject in [
        "request", "resolve", "get", "cancel", "log", "list", "builders", "stats", "health",
    ] {
        for payload in payloads {
            if let Err(body) = ask_bytes(&client, &format!("build.{subject}"), payload).await {
                let code = body["error"]["code"].as_u64().unwrap();
                assert!(code < 500 || code == 503, "{subject}: {body}");
            }
        }
    }
    for subject in ["catalog.search", "catalog.components", "catalog.component"] {
        for payload in payloads {
            if let Err(body) = ask_bytes(&client, subject, payload).await {
                assert!(
                    body["error"]["code"].as_u64().unwrap() < 500,
                    "{subject}: {body}"
                );
            }
        }
    }
    assert_eq!(
        store.builds.identity().await?.1.get(),
        0,
        "nothing was written"
    );
    instance.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_that_is_away_is_said_within_two_seconds() -> anyhow::Result<()> {
    let (_server, client, _store, instance) = one().await?;
    // JetStream is gone while the connection lives, as in a cluster without a leader.
    client
        .request("$JS.API.STREAM.DELETE.KV_builds", "".into())
        .await?;
    let question = json!({"goos": "linux", "goarch": "amd64", "components": ["nats"]});
    let start = std::time::Instant::now();
    let error = ask(&client, "build.request", &question).await.unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert!(error["error"]["code"].as_u64().unwrap() >= 500, "{error}");
    let both = [
        ask(&client, "build.resolve", &question),
        ask(&client, "build.request", &question),
    ];
    assert!(join_all(both).await.iter().all(Result::is_err));
    instance.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_answers_what_was_accepted() -> anyhow::Result<()> {
    let (server, client, _store, leaving) = one().await?;
    let staying = Instance::start(&server, unlimited()).await?;
    let question = json!({"goos": "linux", "goarch": "amd64", "components": ["nats"]});
    let asking = (0..2000).map(|_| ask(&client, "build.resolve", &question));
    let asking = futures::stream::iter(asking)
        .buffer_unordered(50)
        .collect::<Vec<_>>();
    let (answers, left) = tokio::join!(asking, leaving.stop());
    left?;
    assert!(answers.iter().all(Result::is_ok));
    staying.stop().await?;
    let error = client
        .request("build.resolve", "".into())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no responders"), "{error}");
    Ok(())
}
