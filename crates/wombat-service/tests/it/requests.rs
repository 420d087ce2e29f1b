//! Requests for builds.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use serde_json::{Value, json};
use wombat_model::{
    BuildKey, ClaimId,
    log::{LogEntry, LogEvent, Phase, Progress},
};
use wombat_service::ServiceArgs;
use wombat_store::{ClaimOutcome, Store};
use wombat_testkit::NatsServer;

use crate::{
    list::submit,
    support::{CONNECT, Instance, ask, body, one, unlimited},
};

fn key(view: &Value) -> BuildKey {
    view["id"].as_str().unwrap().parse().unwrap()
}

/// Claims a build as a builder would.
async fn claim(store: &Store, key: &BuildKey) -> anyhow::Result<wombat_store::Claim> {
    let seen = store.builds.get(key).await?.unwrap();
    match store.builds.claim(seen, &"builder-1".parse()?).await? {
        ClaimOutcome::Won(claim) => Ok(*claim),
        ClaimOutcome::Lost => anyhow::bail!("the claim was lost"),
    }
}

async fn log(
    store: &Store,
    key: &BuildKey,
    claim: &ClaimId,
    n: u64,
    event: LogEvent,
) -> anyhow::Result<()> {
    let entry = LogEntry { n, at: n, event };
    store.logs.append(key, claim, &entry).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_requests_at_once_are_one_build() -> anyhow::Result<()> {
    let (server, client, store, first) = one().await?;
    let second = Instance::start(&server, unlimited()).await?;
    let questions = (0..200).map(|n| {
        let packages = if n % 2 == 0 {
            json!([format!("{CONNECT}/nats"), format!("{CONNECT}/redis")])
        } else {
            json!([
                format!("{CONNECT}/redis"),
                format!("{CONNECT}/nats@v4.105.0")
            ])
        };
        let body = json!({"goos": "linux", "goarch": "arm64", "packages": packages});
        let client = client.clone();
        async move {
            ask(&client, "build.request", &body)
                .await
                .expect("an answer")
        }
    });
    let answers = join_all(questions).await;
    let ids: BTreeSet<String> = answers.iter().map(|view| view["id"].to_string()).collect();
    let revisions: BTreeSet<u64> = answers
        .iter()
        .map(|view| view["revision"].as_u64().unwrap())
        .collect();
    assert_eq!(
        (ids.len(), revisions.len()),
        (1, 1),
        "{ids:?} {revisions:?}"
    );
    assert_eq!(answers[0]["status"], "new");
    assert_eq!(answers[0]["phase"], "queued");
    assert_eq!(answers[0]["queue"]["position"], 1);
    let key = answers[0]["id"].as_str().unwrap().parse()?;
    let record = store.builds.get(&key).await?.unwrap();
    assert!(revisions.contains(&record.revision.get()), "one write");
    first.stop().await?;
    second.stop().await?;
    Ok(())
}

#[tokio::test]
async fn resolve_writes_nothing_and_knows_what_is_there() -> anyhow::Result<()> {
    let (_server, client, store, instance) = one().await?;
    let answer = ask(&client, "build.resolve", &body("nats")).await.unwrap();
    assert!(answer.get("status").is_none(), "{answer}");
    assert_eq!(store.builds.identity().await?.1.get(), 0);
    let view = ask(&client, "build.request", &body("nats")).await.unwrap();
    assert_eq!(view["id"], answer["id"]);
    let again = ask(&client, "build.resolve", &body("nats")).await.unwrap();
    assert_eq!(again["status"], "new");
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn get_shows_the_phase_and_the_queue() -> anyhow::Result<()> {
    let (_server, client, store, instance) = one().await?;
    let first = key(&ask(&client, "build.request", &body("nats")).await.unwrap());
    let second = key(&ask(&client, "build.request", &body("redis_list"))
        .await
        .unwrap());
    let get = async |id: &BuildKey| {
        ask(&client, "build.get", &json!({ "id": id }))
            .await
            .unwrap()
    };
    assert_eq!(
        get(&second).await["queue"],
        json!({"position": 2, "length": 2, "builders": 0})
    );

    let claim = claim(&store, &first).await?;
    assert_eq!(get(&first).await["phase"], "resolve");
    let progress = Some(Progress {
        done: 3,
        total: 9,
        cached: 1,
    });
    let phase = LogEvent::Phase {
        phase: Phase::Compile,
        progress,
    };
    log(&store, &first, claim.id(), 1, phase).await?;
    let lines = LogEvent::Lines {
        lines: vec!["one".into()],
    };
    log(&store, &first, claim.id(), 2, lines.clone()).await?;
    let view = get(&first).await;
    assert_eq!(
        (&view["status"], &view["phase"]),
        (&json!("building"), &json!("compile"))
    );
    assert_eq!(view["progress"]["done"], 3);
    let link = LogEvent::Phase {
        phase: Phase::Link,
        progress: None,
    };
    log(&store, &first, claim.id(), 3, link).await?;
    log(&store, &first, claim.id(), 4, lines).await?;
    assert_eq!(get(&first).await["phase"], "link", "lines hide no phase");

    let waiting = async || Ok((get(&second).await["queue"]["position"] == 1).then_some(()));
    wombat_testkit::wait_until("the queue moves up", Duration::from_secs(5), waiting).await?;
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn cancel_stops_what_is_not_finished() -> anyhow::Result<()> {
    let (_server, client, _store, instance) = one().await?;
    let id = key(&ask(&client, "build.request", &body("nats")).await.unwrap());
    let question = json!({ "id": id });
    let view = ask(&client, "build.cancel", &question).await.unwrap();
    assert_eq!(view["status"], "cancelled");
    let again = ask(&client, "build.cancel", &question).await.unwrap_err();
    assert_eq!(again["error"]["code"], 409);
    let revived = ask(&client, "build.request", &body("nats")).await.unwrap();
    assert_eq!(revived["status"], "new");

    let missing = id.as_str().replace("amd64", "arm64");
    for subject in ["build.cancel", "build.get", "build.log"] {
        let error = ask(&client, subject, &json!({ "id": missing }))
            .await
            .unwrap_err();
        assert_eq!(error["error"]["code"], 404, "{subject}: {error}");
    }
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn logs_come_in_pages_and_say_when_they_end() -> anyhow::Result<()> {
    let (_server, client, store, instance) = one().await?;
    let id = key(&ask(&client, "build.request", &body("nats")).await.unwrap());
    let claim = claim(&store, &id).await?;
    for n in 1..=5 {
        let lines = LogEvent::Lines {
            lines: vec![format!("line {n}")],
        };
        log(&store, &id, claim.id(), n, lines).await?;
    }
    let page = async |after: u64| {
        let question = json!({"id": id, "after": after, "limit": 2});
        ask(&client, "build.log", &question).await.unwrap()
    };
    let (mut after, mut lines) = (0, Vec::new());
    for expected in [2, 2, 1, 0] {
        let answer = page(after).await;
        let entries = answer["entries"].as_array().unwrap();
        assert_eq!(entries.len(), expected);
        assert_eq!(answer["end"], false, "it is being built");
        lines.extend(
            entries
                .iter()
                .map(|entry| entry["lines"][0].as_str().unwrap().to_owned()),
        );
        after = answer["next"].as_u64().unwrap();
    }
    assert_eq!(lines, ["line 1", "line 2", "line 3", "line 4", "line 5"]);

    let claim_id = claim.id().clone();
    let failure = wombat_model::Failure::new(wombat_model::FailureClass::Input, "no such version");
    store.builds.fail(claim, failure).await?;
    assert_eq!(
        page(after).await["end"],
        false,
        "its last log entries are still to come"
    );
    let end = LogEvent::End {
        status: wombat_model::Status::Failed,
    };
    log(&store, &id, &claim_id, 6, end).await?;
    let last = page(after).await;
    assert_eq!(
        (&last["end"], &last["entries"][0]["event"]),
        (&json!(true), &json!("end"))
    );
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_long_queue_refuses_what_is_new() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, _store) = server.store().await?;
    let client = connection.client();
    let args = ServiceArgs {
        queue_limit: Duration::from_secs(150),
        ..ServiceArgs::default()
    };
    let instance = Instance::start(&server, args).await?;
    for component in ["nats", "redis_list"] {
        ask(client, "build.request", &body(component))
            .await
            .unwrap();
    }
    let refused = ask(client, "build.request", &body("kafka"))
        .await
        .unwrap_err();
    assert_eq!(refused["error"]["code"], 503);
    assert_eq!(refused["error"]["problems"][0]["code"], "too_busy");
    assert!(refused["error"]["retryAfter"].as_u64().unwrap() > 0);
    let known = ask(client, "build.request", &body("nats")).await.unwrap();
    assert_eq!(known["status"], "new", "an existing build is answered");
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_running_build_is_answered_even_if_its_log_cant_be_read() -> anyhow::Result<()> {
    let (_server, client, store, instance) = Box::pin(one()).await?;
    let key = submit(&store, "linux/amd64", "nats").await?;
    let _claim = claim(&store, &key).await?;
    let jetstream = async_nats::jetstream::new(client.clone());
    jetstream.delete_stream("BUILD_LOGS").await?;
    let answer = ask(&client, "build.get", &json!({"id": key})).await;
    let view = answer.unwrap();
    assert_eq!(
        (&view["status"], &view["phase"]),
        (&json!("building"), &json!("resolve")),
        "{view}"
    );
    instance.stop().await?;
    Ok(())
}
