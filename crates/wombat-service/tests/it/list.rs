//! The list of builds: queries, counts, orders, pages.

use std::{collections::BTreeSet, time::Duration};

use async_nats::Client;
use serde_json::{Value, json};
use wombat_model::{Artifact, ArtifactName, BuildKey, Failure, FailureClass, Sha256, Timings};
use wombat_store::{ClaimOutcome, Store, SubmitOptions};
use wombat_testkit::{a_spec, wait_until};

use crate::support::{Instance, ask, one, unlimited};

const LIMIT: Duration = Duration::from_secs(10);

pub(crate) async fn list(client: &Client, question: &Value) -> Value {
    ask(client, "build.list", question).await.unwrap()
}

pub(crate) fn ids(answer: &Value) -> Vec<String> {
    let builds = answer["builds"].as_array().unwrap().iter();
    builds
        .map(|view| view["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits until the index holds this many builds.
pub(crate) async fn indexed(client: &Client, count: u64) -> anyhow::Result<()> {
    let condition = async || {
        let answer = ask(client, "build.list", &json!({"limit": 0})).await;
        Ok(answer
            .ok()
            .filter(|answer| answer["total"] == count)
            .map(drop))
    };
    wait_until("all builds are in the index", LIMIT, condition).await
}

pub(crate) async fn submit(
    store: &Store,
    platform: &str,
    package: &str,
) -> anyhow::Result<BuildKey> {
    let spec = a_spec().platform(platform).package(package).build();
    store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts)
        .await?;
    Ok(spec.key())
}

/// Claims a build and ends it: with a binary of this size, or in failure.
pub(crate) async fn finish(store: &Store, key: &BuildKey, size: Option<u64>) -> anyhow::Result<()> {
    let seen = store.builds.get(key).await?.unwrap();
    let ClaimOutcome::Won(claim) = store.builds.claim(seen, &"builder-1".parse()?).await? else {
        anyhow::bail!("the claim was lost");
    };
    let Some(size) = size else {
        let failure = Failure::new(FailureClass::Compile, "undefined: gizmo");
        store.builds.fail(*claim, failure).await?;
        return Ok(());
    };
    let artifact = Artifact {
        name: ArtifactName::new(key, claim.id()),
        size,
        sha256: Sha256::from_bytes([7; 32]),
        builder: "builder-1".parse()?,
        sandbox: None,
    };
    store
        .builds
        .succeed(*claim, artifact, Timings::new())
        .await?;
    Ok(())
}

#[tokio::test]
async fn queries_find_and_facets_count() -> anyhow::Result<()> {
    let (_server, client, store, instance) = one().await?;
    let nats = submit(&store, "linux/amd64", "nats").await?;
    let redis = submit(&store, "linux/arm64", "redis").await?;
    let kafka = submit(&store, "darwin/arm64", "kafka").await?;
    let mongo = submit(&store, "linux/amd64", "mongodb/enterprise").await?;
    finish(&store, &redis, Some(10)).await?;
    finish(&store, &kafka, None).await?;
    indexed(&client, 4).await?;
    let failed = async || {
        Ok((list(&client, &json!({"query": "status:failed"})).await["total"] == 1).then_some(()))
    };
    wait_until("the last change is in the index", LIMIT, failed).await?;

    let today = time::OffsetDateTime::now_utc().date();
    let (today, tomorrow) = (today.to_string(), today.next_day().unwrap().to_string());
    for (query, expected) in [
        (String::new(), vec![&nats, &redis, &kafka, &mongo]),
        ("nats".into(), vec![&nats]),
        ("LINUX".into(), vec![&nats, &redis, &mongo]),
        ("linux amd64".into(), vec![&nats, &mongo]),
        ("nats OR kafka".into(), vec![&nats, &kafka]),
        ("status:success".into(), vec![&redis]),
        ("NOT status:new".into(), vec![&redis, &kafka]),
        ("-goos:linux".into(), vec![&kafka]),
        ("goos:linux -goarch:arm64".into(), vec![&nats, &mongo]),
        ("package:nats".into(), vec![&nats]),
        ("package:enterprise".into(), vec![&mongo]),
        (
            "package:github.com/redpanda-data/connect/v4/public/components/redis".into(),
            vec![&redis],
        ),
        ("component:nats_jetstream".into(), vec![&nats]),
        ("component:input/redis_list".into(), vec![&redis]),
        ("module:connect".into(), vec![&nats, &redis, &kafka, &mongo]),
        (
            "module:github.com/redpanda-data/connect/v4@v4.105.0 status:failed".into(),
            vec![&kafka],
        ),
        ("go:1.26.8".into(), vec![&nats, &redis, &kafka, &mongo]),
        ("go:1.26".into(), vec![&nats, &redis, &kafka, &mongo]),
        ("go:1_26_7".into(), vec![]),
        ("builder:builder-1".into(), vec![&redis, &kafka]),
        ("gizmo".into(), vec![&kafka]),
        (nats.hash().as_str().to_owned(), vec![&nats]),
        (nats.hash().short().to_owned(), vec![&nats]),
        (nats.as_str().to_owned(), vec![&nats]),
        (
            format!("created:{today}"),
            vec![&nats, &redis, &kafka, &mongo],
        ),
        (format!("created:[{tomorrow} TO *]"), vec![]),
        (format!("created:<{tomorrow} status:success"), vec![&redis]),
    ] {
        let answer = list(&client, &json!({ "query": query })).await;
        let found: BTreeSet<String> = ids(&answer).into_iter().collect();
        let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{query}");
        assert_eq!(answer["total"], expected.len(), "{query}");
    }

    let answer = list(
        &client,
        &json!({"query": "linux", "limit": 1, "facets": true}),
    )
    .await;
    assert_eq!(answer["builds"].as_array().unwrap().len(), 1);
    assert_eq!(answer["total"], 3);
    let facets = &answer["facets"];
    assert_eq!(
        facets["status"],
        json!([{"value": "new", "count": 2}, {"value": "success", "count": 1}])
    );
    assert_eq!(
        facets["goarch"],
        json!([{"value": "amd64", "count": 2}, {"value": "arm64", "count": 1}])
    );
    assert_eq!(facets["package"].as_array().unwrap().len(), 3);
    assert_eq!(
        facets["builder"],
        json!([{"value": "builder-1", "count": 1}])
    );

    let bad = ask(&client, "build.list", &json!({"query": "colour:red"}))
        .await
        .unwrap_err();
    assert_eq!(bad["error"]["code"], 400);
    assert_eq!(bad["error"]["problems"][0]["code"], "invalid_query");
    for question in [
        json!({"sort": "name"}),
        json!({"cursor": "x"}),
        json!({"limit": -1}),
    ] {
        let bad = ask(&client, "build.list", &question).await.unwrap_err();
        assert_eq!(bad["error"]["code"], 400, "{question}");
    }
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn pages_hold_each_build_once_at_any_instance() -> anyhow::Result<()> {
    let (server, client, store, first) = one().await?;
    let second = Instance::start(&server, unlimited()).await?;
    for n in 0..25_u64 {
        let key = submit(&store, "linux/amd64", &format!("p{n}")).await?;
        if n % 5 != 0 {
            // Equal sizes: the id has to break the tie.
            finish(&store, &key, Some(n % 3)).await?;
        }
    }
    let settled = async || {
        let answer = ask(&client, "build.list", &json!({"query": "status:success"})).await;
        Ok(answer.ok().filter(|answer| answer["total"] == 20).map(drop))
    };
    for _ in 0..20 {
        // Whichever instance answers.
        wait_until("both have caught up", LIMIT, settled).await?;
    }
    for sort in [
        "created",
        "-created",
        "finished",
        "-finished",
        "size",
        "-size",
        "duration",
        "-duration",
    ] {
        let (mut seen, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let question = json!({"sort": sort, "limit": 4, "cursor": cursor});
            let answer = list(&client, &question).await;
            assert_eq!(answer["total"], 25);
            seen.extend(answer["builds"].as_array().unwrap().clone());
            cursor = answer["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        let unique: BTreeSet<&str> = seen
            .iter()
            .map(|view| view["id"].as_str().unwrap())
            .collect();
        assert_eq!((seen.len(), unique.len()), (25, 25), "{sort}");
        if let Some(field) = [("size", "size"), ("-size", "size")]
            .iter()
            .find(|(s, _)| *s == sort)
        {
            let values: Vec<Option<u64>> = seen.iter().map(|view| view[field.1].as_u64()).collect();
            assert!(
                values[20..].iter().all(Option::is_none),
                "{sort}: {values:?}"
            );
            let sorted = if sort == "size" {
                values[..20].is_sorted()
            } else {
                values[..20].iter().rev().is_sorted()
            };
            assert!(sorted, "{sort}: {values:?}");
        }
    }
    first.stop().await?;
    second.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_fit_into_a_message() -> anyhow::Result<()> {
    let (_server, client, store, instance) = one().await?;
    // Long errors make large records: 200 of them take more than half of a message.
    let long = "x".repeat(2000);
    for n in 0..260 {
        let key = submit(&store, "linux/amd64", &format!("p{n}")).await?;
        let seen = store.builds.get(&key).await?.unwrap();
        let ClaimOutcome::Won(claim) = store.builds.claim(seen, &"b".parse()?).await? else {
            anyhow::bail!("the claim was lost");
        };
        store
            .builds
            .fail(*claim, Failure::new(FailureClass::Infra, long.clone()))
            .await?;
    }
    indexed(&client, 260).await?;
    let (mut seen, mut cursor, mut pages) = (0, Value::Null, 0);
    while pages == 0 || !cursor.is_null() {
        let question = json!({"limit": 200, "cursor": cursor, "facets": true}).to_string();
        let reply = client.request("build.list", question.into()).await?;
        assert!(reply.payload.len() < 512 * 1024, "{}", reply.payload.len());
        let answer: Value = serde_json::from_slice(&reply.payload)?;
        seen += answer["builds"].as_array().unwrap().len();
        cursor = answer["nextCursor"].clone();
        pages += 1;
    }
    assert!(seen == 260 && pages > 1, "{seen} builds on {pages} pages");
    instance.stop().await?;
    Ok(())
}
