//! Records of every template: requested, built and forced, and in the form that each version reads.

use serde_json::json;
use wombat_model::{BuildSpec, Distribution, Status, Template};
use wombat_store::{
    ClaimOutcome, FinishOutcome, Store, SubmitOptions, Submitted, Versioned, WatchEvent,
};
use wombat_testkit::{NatsServer, a_spec};

use crate::{
    life::{builder, finish},
    records::{overwrite, raw},
};

fn specs() -> anyhow::Result<[BuildSpec; 3]> {
    let own = Distribution {
        name: Some("acme-connect".parse()?),
        version: Some("1.4.0".parse()?),
    };
    Ok([
        a_spec().build().with_template(Template::FIRST)?,
        a_spec().build(),
        a_spec().build().with_distribution(own)?,
    ])
}

async fn build(
    store: &Store,
    seen: Versioned<wombat_model::Build>,
    content: &[u8],
) -> anyhow::Result<Versioned<wombat_model::Build>> {
    let ClaimOutcome::Won(claim) = store.builds.claim(seen, &builder("fox")).await? else {
        anyhow::bail!("lost without a rival");
    };
    match finish(store, *claim, content).await? {
        FinishOutcome::Done(done) => Ok(*done),
        FinishOutcome::Fenced => anyhow::bail!("fenced without a rival"),
    }
}

#[tokio::test]
async fn every_template_is_built_and_forced_in_its_own_form() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let mut keys = Vec::new();
    for spec in specs()? {
        let is_first = spec.template() == Template::FIRST;
        let form = if is_first { json!(1) } else { json!("2") };
        for (options, content) in [
            (SubmitOptions::default(), b"once"),
            (SubmitOptions::forced(), b"more"),
        ] {
            let queued = store
                .builds
                .submit(&spec, options, &store.artifacts)
                .await?;
            let Submitted::Queued(seen) = queued else {
                anyhow::bail!("{queued:?}");
            };
            assert_eq!(raw(&connection, &spec.key()).await?["template"], form);
            let done = build(&store, seen, content).await?;
            assert_eq!(done.value.status(), Status::Success);
            let record = raw(&connection, &spec.key()).await?;
            assert_eq!(record["template"], form);
            assert_eq!(record.get("schema").is_none(), is_first);
        }
        let read = store.builds.get(&spec.key()).await?.unwrap();
        assert_eq!(*read.value.spec(), spec);
        keys.push(spec.key());
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_record_of_a_later_template_is_read_and_kept() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let spec = a_spec().build().with_template(3.into())?;
    let submitted = store
        .builds
        .submit(&spec, SubmitOptions::default(), &store.artifacts)
        .await?;
    let record = raw(&connection, &spec.key()).await?;
    assert_eq!(record["template"], "3");
    let told = store.builds.watch().next().await;
    let WatchEvent::Value { record: told, .. } = told else {
        anyhow::bail!("{told:?}");
    };
    let submitted = submitted.into_record();
    assert_eq!(told.revision, submitted.revision);
    assert_eq!(told.value.spec(), submitted.value.spec());
    // The number as an answer has it is read, too, and mended by the next write.
    let mut number = record;
    number["template"] = json!(3);
    let bytes = number.to_string();
    overwrite(&connection, spec.key().as_str(), bytes.as_bytes()).await?;
    let cancelled = store.builds.cancel(&spec.key()).await?.unwrap()?;
    assert_eq!(cancelled.value.status(), Status::Cancelled);
    assert_eq!(raw(&connection, &spec.key()).await?["template"], "3");
    Ok(())
}
