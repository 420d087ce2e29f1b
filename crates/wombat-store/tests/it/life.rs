//! A build's life, step by step.

use wombat_model::{ArtifactName, BuildState, BuilderId, Failure, FailureClass, Status};
use wombat_store::{
    ClaimOutcome, FinishOutcome, Store, SubmitOptions, Submitted, Versioned, WatchEvent, Written,
};
use wombat_testkit::{NatsServer, a_spec, succeed};

pub(crate) fn builder(name: &str) -> BuilderId {
    name.parse().unwrap()
}

pub(crate) async fn submit(
    store: &Store,
    package: &str,
) -> anyhow::Result<Versioned<wombat_model::Build>> {
    let spec = a_spec().package(package).build();
    Ok(store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts)
        .await?
        .into_record())
}

pub(crate) async fn claimed(
    store: &Store,
    package: &str,
    by: &str,
) -> anyhow::Result<wombat_store::Claim> {
    let seen = submit(store, package).await?;
    match store.builds.claim(seen, &builder(by)).await? {
        ClaimOutcome::Won(claim) => Ok(*claim),
        ClaimOutcome::Lost => anyhow::bail!("lost without a rival"),
    }
}

/// Puts a binary and ends the claim with it.
pub(crate) async fn finish(
    store: &Store,
    claim: wombat_store::Claim,
    content: &[u8],
) -> anyhow::Result<FinishOutcome> {
    let name = ArtifactName::new(claim.key(), claim.id());
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), content)?;
    let object = store.artifacts.put_file(&name, file.path()).await?;
    succeed(store, claim, object).await
}

#[tokio::test]
async fn a_request_is_made_once_and_answered_ever_after() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let spec = a_spec().build();

    let first = store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts)
        .await?;
    let again = store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts)
        .await?;

    let (Submitted::Queued(first), Submitted::Existing(again)) = (first, again) else {
        anyhow::bail!("the first is queued, the second answered");
    };
    assert_eq!(first.revision, again.revision);
    assert_eq!(first.value.status(), Status::New);
    assert_eq!(store.builds.get(&spec.key()).await?, Some(again));
    Ok(())
}

#[tokio::test]
async fn failures_are_final_only_where_asking_again_cant_help() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    for (package, class, queued) in [
        ("a", FailureClass::Compile, false),
        ("b", FailureClass::Infra, true),
    ] {
        let claim = claimed(&store, package, "fox").await?;
        store
            .builds
            .fail(claim, Failure::new(class, "words"))
            .await?;
        let spec = a_spec().package(package).build();
        let again = store
            .builds
            .submit(&spec, SubmitOptions::default(), &store.artifacts)
            .await?;
        assert_eq!(matches!(again, Submitted::Queued(_)), queued, "{class:?}");
        let forced = store
            .builds
            .submit(&spec, SubmitOptions::forced(), &store.artifacts)
            .await?;
        assert_eq!(forced.into_record().value.status(), Status::New);
    }
    Ok(())
}

#[tokio::test]
async fn a_forced_rebuild_serves_the_old_binary_until_there_is_a_new_one() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let claim = claimed(&store, "nats", "fox").await?;
    let spec = claim.build().spec().clone();
    finish(&store, claim, b"one").await?;

    let queued = store
        .builds
        .submit(&spec, SubmitOptions::forced(), &store.artifacts)
        .await?
        .into_record();
    let old = queued.value.artifact().cloned().unwrap();
    let ClaimOutcome::Won(claim) = store.builds.claim(queued, &builder("owl")).await? else {
        anyhow::bail!("lost without a rival");
    };
    let failed = store
        .builds
        .fail(*claim, Failure::new(FailureClass::Infra, "no proxy"))
        .await?;
    let FinishOutcome::Done(record) = failed else {
        anyhow::bail!("fenced without a rival")
    };
    assert_eq!(record.value.status(), Status::Success);
    assert_eq!(record.value.artifact(), Some(&old));

    let queued = store
        .builds
        .submit(&spec, SubmitOptions::forced(), &store.artifacts)
        .await?
        .into_record();
    let ClaimOutcome::Won(claim) = store.builds.claim(queued, &builder("owl")).await? else {
        anyhow::bail!("lost without a rival");
    };
    let FinishOutcome::Done(record) = finish(&store, *claim, b"two").await? else {
        anyhow::bail!("fenced without a rival")
    };
    let json = serde_json::to_value(&record.value)?;
    assert_eq!(
        json["notReproducible"], true,
        "other bytes for the same identity are reported"
    );
    assert_eq!(json["otherSha256"], old.sha256.as_str());
    Ok(())
}

#[tokio::test]
async fn a_success_without_its_binary_is_built_again() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let claim = claimed(&store, "nats", "fox").await?;
    let spec = claim.build().spec().clone();
    let name = ArtifactName::new(claim.key(), claim.id());
    finish(&store, claim, b"one").await?;

    let answered = store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts)
        .await?;
    assert!(matches!(answered, Submitted::Existing(_)));
    store.artifacts.remove(name.as_str()).await?;
    let again = store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts)
        .await?;
    assert!(matches!(again, Submitted::Queued(_)));
    Ok(())
}

#[tokio::test]
async fn a_build_that_loses_its_builder_three_times_is_given_up() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let mut record = submit(&store, "nats").await?;
    for attempt in 1..=3 {
        let ClaimOutcome::Won(claim) = store.builds.claim(record, &builder("fox")).await? else {
            anyhow::bail!("lost without a rival");
        };
        assert_eq!(claim.build().attempt(), attempt);
        let seen = store.builds.get(claim.key()).await?.unwrap();
        let Written::Won(recovered) = store.builds.recover(seen).await? else {
            anyhow::bail!("lost without a rival");
        };
        record = recovered;
    }
    assert!(
        matches!(record.value.state(), BuildState::Failed { failure, .. } if failure.class == FailureClass::Lost)
    );
    Ok(())
}

#[tokio::test]
async fn releasing_doesnt_count_as_an_attempt() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    for _ in 0..5 {
        let claim = claimed(&store, "nats", "fox").await?;
        assert_eq!(claim.build().attempt(), 1);
        store.builds.release(claim).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_watch_tells_what_was_there_before_it_and_what_comes_after() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let mut empty = store.builds.watch();
    assert_eq!(
        empty.next().await,
        WatchEvent::Ready,
        "an empty bucket is complete at once"
    );

    let before = submit(&store, "before").await?;
    let mut watch = store.builds.watch();
    let WatchEvent::Value { record, .. } = watch.next().await else {
        anyhow::bail!("a value first")
    };
    assert_eq!(record.revision, before.revision);
    assert_eq!(watch.next().await, WatchEvent::Ready);

    let after = submit(&store, "after").await?;
    let WatchEvent::Value { key, record, .. } = watch.next().await else {
        anyhow::bail!("then the change")
    };
    assert_eq!(key, after.value.key().as_str());
    assert_eq!(record.revision, after.revision);
    Ok(())
}

#[tokio::test]
async fn provisioning_twice_changes_nothing_and_keeps_what_is_there() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let key = submit(&store, "nats").await?.value.key();
    let record = store.builds.get(&key).await?;
    let (_again, store) = nats.store().await?;
    assert!(record.is_some());
    assert_eq!(store.builds.get(&key).await?, record);
    Ok(())
}

#[tokio::test]
async fn opening_what_isnt_provisioned_says_what_to_do() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let connection = nats.connection().await?;
    let error = Store::open(&connection).await.unwrap_err().to_string();
    assert!(error.contains("wombat setup"), "{error}");
    Ok(())
}
