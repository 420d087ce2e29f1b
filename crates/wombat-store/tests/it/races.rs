//! Many at once: exactly one wins, and the others learn that they lost.

use futures::future::try_join_all;
use wombat_model::{Failure, FailureClass, Status};
use wombat_store::{ClaimOutcome, FinishOutcome, SubmitOptions, Submitted};
use wombat_testkit::{NatsServer, a_spec};

use crate::life::{builder, claimed, finish, submit};

#[tokio::test(flavor = "multi_thread")]
async fn a_build_has_one_claimant() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    for round in 0..20 {
        let seen = submit(&store, &format!("p{round}")).await?;
        let rivals = (0..10).map(|n| {
            let (builds, seen) = (store.builds.clone(), seen.clone());
            async move { builds.claim(seen, &builder(&format!("b{n}"))).await }
        });
        let outcomes = try_join_all(rivals).await?;
        let won = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, ClaimOutcome::Won(_)))
            .count();
        assert_eq!(won, 1, "round {round}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_requests_at_once_make_one_record() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let spec = a_spec().build();
    let requests = (0..100).map(|_| {
        let (store, spec) = (store.clone(), spec.clone());
        async move {
            store
                .builds
                .submit(&spec, SubmitOptions::default(), &store.artifacts)
                .await
        }
    });
    let outcomes = try_join_all(requests).await?;
    let queued = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Submitted::Queued(_)))
        .count();
    assert_eq!(queued, 1);
    Ok(())
}

#[tokio::test]
async fn a_recovered_claim_cant_finish() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let claim = claimed(&store, "nats", "fox").await?;
    let key = claim.key().clone();
    let seen = store.builds.get(&key).await?.unwrap();
    store.builds.recover(seen).await?;

    assert_eq!(finish(&store, claim, b"late").await?, FinishOutcome::Fenced);
    assert_eq!(
        store.builds.get(&key).await?.unwrap().value.status(),
        Status::New
    );
    Ok(())
}

#[tokio::test]
async fn a_cancelled_claim_cant_finish() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let claim = claimed(&store, "nats", "fox").await?;
    let key = claim.key().clone();
    let cancelled = store.builds.cancel(&key).await?.unwrap()?;
    assert_eq!(cancelled.value.status(), Status::Cancelled);

    let failure = Failure::new(FailureClass::Internal, "late");
    assert_eq!(
        store.builds.fail(claim, failure).await?,
        FinishOutcome::Fenced
    );
    assert!(
        store.builds.cancel(&key).await?.unwrap().is_err(),
        "what is finished can't be cancelled"
    );
    Ok(())
}
