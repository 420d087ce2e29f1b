//! Builds that an operator removes.

use serde_json::json;
use wombat_model::{
    Status,
    log::{LogEntry, LogEvent},
};
use wombat_store::SubmitOptions;
use wombat_testkit::{a_spec, wait_until};

use crate::{
    janitor::{LIMIT, build, names},
    support::{ask, one},
};

#[tokio::test]
async fn nothing_of_a_purged_build_stays_and_it_can_be_asked_for_anew() -> anyhow::Result<()> {
    let (_server, client, store, instance) = Box::pin(one()).await?;
    let key = build(&store, "nats", 1000).await?;
    let other = build(&store, "redis", 1000).await?;
    // `None`: the list is still loading.
    let listed = async || -> Option<usize> {
        let answer = ask(&client, "build.list", &json!({})).await.ok()?;
        Some(answer["builds"].as_array()?.len())
    };
    wait_until("both to be listed", LIMIT, async || {
        Ok((listed().await == Some(2)).then_some(()))
    })
    .await?;
    let claim = "c1".parse()?;
    let event = LogEvent::End {
        status: Status::Success,
    };
    store
        .logs
        .append(&key, &claim, &LogEntry { n: 1, at: 1, event })
        .await?;

    let question = json!({ "id": key });
    let gone = ask(&client, "build.purge", &question).await.unwrap();
    assert_eq!(gone, json!({"id": key, "bytes": 1000}));
    for subject in ["build.get", "build.purge", "build.cancel"] {
        let error = ask(&client, subject, &question).await.unwrap_err();
        assert_eq!(error["error"]["code"], 404, "{subject}: {error}");
    }
    let left = names(&store).await?;
    assert!(
        left.iter().all(|name| name.starts_with(other.as_str())),
        "{left:?}"
    );
    assert_eq!(store.logs.last(&key, &claim).await?, None);
    wait_until("the index to forget it", LIMIT, async || {
        Ok((listed().await == Some(1)).then_some(()))
    })
    .await?;
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn what_is_being_built_is_not_purged() -> anyhow::Result<()> {
    let (_server, client, store, instance) = Box::pin(one()).await?;
    let spec = a_spec().build();
    store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts)
        .await?;
    let question = json!({ "id": spec.key() });
    let error = ask(&client, "build.purge", &question).await.unwrap_err();
    assert_eq!(error["error"]["code"], 409, "{error}");
    assert_eq!(error["error"]["field"], "id");
    assert!(store.builds.get(&spec.key()).await?.is_some());
    ask(&client, "build.cancel", &question).await.unwrap();
    ask(&client, "build.purge", &question).await.unwrap();
    instance.stop().await?;
    Ok(())
}
