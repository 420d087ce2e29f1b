//! Full stores: new builds are refused with the reason, accepted ones end, and the next request is accepted once there
//! is room again.

use std::time::Duration;

use serde_json::{Value, json};
use wombat_model::{BuildKey, Failure, FailureClass};
use wombat_store::{
    ClaimOutcome, Connection, FinishOutcome, ProvisionOptions, Store, StoreError, SubmitOptions,
    provision,
};
use wombat_testkit::{NatsServer, a_distinct_request, a_spec, wait_until};

use crate::support::{Instance, ask, body, unlimited};

/// How soon a request is accepted once there is room.
const SOON: Duration = Duration::from_secs(3);

/// Submits the build of this number.
async fn submitted(
    store: &Store,
    n: usize,
) -> anyhow::Result<wombat_store::Versioned<wombat_model::Build>> {
    let spec = a_spec().package(&format!("p{n}")).build();
    let submitted = store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts);
    Ok(submitted.await?.into_record())
}

/// A builder claims a build and fails it.
async fn end(
    store: &Store,
    record: wombat_store::Versioned<wombat_model::Build>,
) -> anyhow::Result<()> {
    let claim = store.builds.claim(record, &"builder-1".parse()?).await?;
    let ClaimOutcome::Won(claim) = claim else {
        anyhow::bail!("the claim was lost");
    };
    let failure = Failure::new(FailureClass::Compile, "it doesn't compile");
    let ended = store.builds.fail(*claim, failure).await?;
    anyhow::ensure!(matches!(ended, FinishOutcome::Done(_)), "{ended:?}");
    Ok(())
}

fn is_refused_for(refusal: &Value, words: &str) {
    let error = &refusal["error"];
    assert_eq!(error["code"], 503, "{refusal}");
    assert!(refusal.to_string().contains(words), "{refusal}");
    assert!(refusal.to_string().contains("retryAfter"), "{refusal}");
}

/// Provides this room, and waits until a request is accepted.
async fn is_taken_with(connection: &Connection, room: &ProvisionOptions) -> anyhow::Result<()> {
    provision(connection, room).await?;
    let (client, wanted) = (connection.client(), body("output/redis_list"));
    wait_until("a request is taken", SOON, async || {
        Ok(ask(client, "build.request", &wanted).await.ok())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_of_binaries_takes_no_new_build_until_there_is_room() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let options = ProvisionOptions {
        artifacts_limit: Some(10 << 20),
        ..ProvisionOptions::default()
    };
    let (connection, store) = server.store_with(&options).await?;
    let _instance = Instance::start(&server, unlimited()).await?;
    let client = connection.client().clone();
    let accepted = submitted(&store, 0).await?;
    for n in 0.. {
        match store
            .artifacts
            .put_bytes(&format!("o{n}"), &vec![7; 200_000])
            .await
        {
            Ok(_) => {}
            Err(StoreError::Full(_)) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let refusal = ask(&client, "build.request", &body("output/redis_list")).await;
    is_refused_for(&refusal.unwrap_err(), "The store of binaries is full");
    let known = ask(&client, "build.get", &json!({"id": accepted.value.key()})).await;
    assert_eq!(known.unwrap()["status"], "new");
    end(&store, accepted).await?;

    let more = ProvisionOptions {
        artifacts_limit: Some(100 << 20),
        ..ProvisionOptions::default()
    };
    is_taken_with(&connection, &more).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_of_records_lets_every_accepted_build_end() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let options = ProvisionOptions {
        builds_limit: Some(1 << 20),
        ..ProvisionOptions::default()
    };
    let (connection, store) = server.store_with(&options).await?;
    let _instance = Instance::start(&server, unlimited()).await?;
    let client = connection.client().clone();
    let mut accepted = Vec::new();
    let refusal = loop {
        let wanted = a_distinct_request(u32::try_from(accepted.len())?);
        match ask(&client, "build.request", &wanted).await {
            Ok(view) => accepted.push(view["id"].as_str().unwrap().parse::<BuildKey>()?),
            Err(refusal) => break refusal,
        }
    };
    is_refused_for(&refusal, "The store of records of builds is full");
    assert!(accepted.len() > 20, "{}", accepted.len());
    for key in accepted {
        end(&store, store.builds.get(&key).await?.unwrap()).await?;
    }

    let more = ProvisionOptions {
        builds_limit: Some(8 << 20),
        ..ProvisionOptions::default()
    };
    is_taken_with(&connection, &more).await
}
