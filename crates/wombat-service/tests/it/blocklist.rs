//! Blocked modules, and builds that are refused for a while because they exceeded their limits.

use serde_json::json;
use wombat_model::{Failure, FailureClass};
use wombat_service::ServiceArgs;
use wombat_store::ClaimOutcome;
use wombat_testkit::{NatsServer, wait_until};

use crate::{
    janitor::LIMIT,
    support::{Instance, ask, body, one, unlimited},
};

#[tokio::test]
async fn what_is_blocked_is_refused_by_every_instance_and_nothing_is_written() -> anyhow::Result<()>
{
    let (server, client, store, instance) = Box::pin(one()).await?;
    let other = Box::pin(Instance::start(&server, unlimited())).await?;
    let empty = ask(&client, "catalog.blocklist", &json!({})).await.unwrap();
    assert_eq!(empty, json!({"modules": [], "revision": 0}));
    let known = ask(&client, "build.request", &body("nats")).await.unwrap();

    let modules = json!([{"module": "github.com/redpanda-data/connect", "reason": "not today"}]);
    let list = json!({"modules": modules, "revision": 0});
    let blocked = ask(&client, "catalog.block", &list).await.unwrap();
    assert_eq!(blocked["modules"], modules);
    let revision = blocked["revision"].as_u64().unwrap();
    let before = store.builds.identity().await?;
    // Both instances answer in turn; repeated requests aren't answered from the cache either.
    let mut refused = 0;
    wait_until("both to refuse", LIMIT, async || {
        match ask(&client, "build.request", &body("nats")).await {
            Ok(view) => {
                assert_eq!(view["id"], known["id"]);
                refused = 0;
            }
            Err(error) => {
                assert_eq!(error["error"]["code"], 422, "{error}");
                assert_eq!(error["error"]["problems"][0]["code"], "module_blocked");
                refused += 1;
            }
        }
        Ok((refused == 50).then_some(()))
    })
    .await?;
    assert_eq!(
        store.builds.identity().await?,
        before,
        "nothing was written"
    );

    // A client that read an older list changes nothing.
    let stale = json!({"modules": [], "revision": 0});
    let error = ask(&client, "catalog.block", &stale).await.unwrap_err();
    assert_eq!(error["error"]["code"], 409, "{error}");
    assert_eq!(error["error"]["field"], "revision");
    for wrong in [
        json!({"modules": [{"module": "a b"}]}),
        json!({"modules": "x"}),
        json!({}),
    ] {
        let error = ask(&client, "catalog.block", &wrong).await.unwrap_err();
        assert_eq!(error["error"]["code"], 400, "{error}");
    }
    let open = json!({"modules": [], "revision": revision});
    ask(&client, "catalog.block", &open).await.unwrap();
    let mut taken = 0;
    wait_until("both to take it again", LIMIT, async || {
        let answer = ask(&client, "build.request", &body("nats")).await;
        taken = if answer.is_ok() { taken + 1 } else { 0 };
        Ok((taken == 50).then_some(()))
    })
    .await?;
    instance.stop().await?;
    other.stop().await?;
    Ok(())
}

#[tokio::test]
async fn a_list_that_cant_be_read_refuses_all_builds_until_it_is_written_anew() -> anyhow::Result<()>
{
    let (server, client, store, instance) = Box::pin(one()).await?;
    let known = ask(&client, "build.request", &body("nats")).await.unwrap();
    let repeated = ask(&client, "build.request", &body("nats")).await;
    assert_eq!(repeated.unwrap()["id"], known["id"]);
    let jetstream = async_nats::jetstream::new(client.clone());
    let damaged = jetstream.publish("$KV.catalog.blocklist", "[{".into());
    damaged.await?.await?;
    let refused = async || {
        let answer = ask(&client, "build.request", &body("nats")).await;
        Ok(answer.err().filter(|it| it["error"]["code"] == 503))
    };
    let refusal = wait_until("requests to be refused", LIMIT, refused).await?;
    let message = refusal["error"]["message"].as_str().unwrap();
    assert!(message.contains("blocklist can't be read"), "{refusal}");
    assert!(refusal["error"]["retryAfter"].is_u64(), "{refusal}");
    let before = store.builds.identity().await?;
    instance.stop().await?;

    // An instance that never knew a list refuses as well.
    let instance = Box::pin(Instance::start(&server, unlimited())).await?;
    let module = json!({"module": "c.d/e", "version": "v1.2.3"});
    for (subject, question) in [
        ("build.request", body("nats")),
        ("build.request", body("kafka")),
        ("build.force", body("nats")),
        ("build.resolve", body("nats")),
        ("build.ahead", body("nats")),
        ("catalog.import", module),
        ("catalog.blocklist", json!({})),
    ] {
        let refusal = ask(&client, subject, &question).await.unwrap_err();
        assert_eq!(refusal["error"]["code"], 503, "{subject}: {refusal}");
        let message = refusal["error"]["message"].as_str().unwrap();
        assert!(message.contains("blocklist can't be read"), "{refusal}");
    }
    assert_eq!(
        store.builds.identity().await?,
        before,
        "nothing was written"
    );
    let id = json!({"id": known["id"]});
    ask(&client, "build.get", &id).await.unwrap();
    let health = ask(&client, "build.health", &json!({})).await.unwrap();
    let words = health["blocklist"].as_str().unwrap();
    assert!(words.contains("wombat blocklist replace"), "{words}");

    let blocked = json!({"modules": [{"module": "a.b"}]});
    let written = ask(&client, "catalog.block", &blocked).await.unwrap();
    assert_eq!(written["modules"], blocked["modules"]);
    let taken = async || Ok(ask(&client, "build.request", &body("nats")).await.ok());
    let taken = wait_until("requests to be taken again", LIMIT, taken).await?;
    assert_eq!(taken["id"], known["id"]);
    let health = ask(&client, "build.health", &json!({})).await.unwrap();
    assert!(health.get("blocklist").is_none(), "{health}");
    instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn what_took_more_than_it_may_rests_unless_it_is_forced() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = Box::pin(server.store()).await?;
    let client = connection.client().clone();
    for (rest, class, expected) in [
        (3600, FailureClass::Resource, 429),
        (3600, FailureClass::Lost, 429),
        (3600, FailureClass::Infra, 0),
        (0, FailureClass::Resource, 0),
    ] {
        let args = ServiceArgs {
            poison_rest: std::time::Duration::from_secs(rest),
            ..unlimited()
        };
        let instance = Box::pin(Instance::start(&server, args)).await?;
        let view = ask(&client, "build.force", &body("nats")).await.unwrap();
        let record = store
            .builds
            .get(&view["id"].as_str().unwrap().parse()?)
            .await?;
        let claim = store
            .builds
            .claim(record.unwrap(), &"builder-1".parse()?)
            .await?;
        let ClaimOutcome::Won(claim) = claim else {
            anyhow::bail!("the claim was lost");
        };
        store
            .builds
            .fail(*claim, Failure::new(class, "It was too much."))
            .await?;
        match ask(&client, "build.request", &body("nats")).await {
            Ok(view) => {
                assert_eq!(expected, 0, "{class:?}: {view}");
                assert_eq!(view["status"], "new");
                let id = json!({"id": view["id"]});
                ask(&client, "build.cancel", &id).await.unwrap();
            }
            Err(error) => {
                assert_eq!(error["error"]["code"], expected, "{error}");
                let wait = error["error"]["retryAfter"].as_u64().unwrap();
                assert!((3500..=3601).contains(&wait), "{error}");
                let message = error["error"]["message"].as_str().unwrap();
                assert!(message.contains("It was too much."), "{error}");
            }
        }
        instance.stop().await?;
    }
    Ok(())
}
