//! A store whose builds have no results yet, because an earlier version made it.

use std::time::Duration;

use async_nats::jetstream::{self, stream::Config};
use wombat_store::{
    ProvisionError, ProvisionOptions, Provisioned, UpgradeError, provision, provision_within,
};
use wombat_testkit::{NatsServer, NatsServerConfig};

use super::{PATIENCE, a_builder};

const RESULTS: &str = "KV_publications";

#[tokio::test]
async fn results_are_written_only_while_nothing_runs() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (connection, store) = nats.store().await?;
    let jetstream = jetstream::new(connection.client().clone());
    jetstream.delete_stream(RESULTS).await?;
    let presence = a_builder()?;
    let lease = Duration::from_mins(1);
    store.builders.renew(&presence, lease).await?;
    let options = ProvisionOptions::default();
    let refused = Box::pin(provision_within(&connection, &options, PATIENCE)).await;
    let Err(ProvisionError::Upgrade(UpgradeError::Running { bucket, running })) = refused else {
        anyhow::bail!("{refused:?}");
    };
    assert_eq!(
        (bucket, running.as_str()),
        ("builds", "builder fox-1 (0.1.0)")
    );
    assert!(jetstream.get_stream(RESULTS).await.is_err());

    store.builders.leave(&presence.builder).await?;
    let done = Box::pin(provision_within(&connection, &options, PATIENCE)).await?;
    assert!(done.is_upgraded && !done.is_new, "{done:?}");
    let again = Box::pin(provision_within(&connection, &options, PATIENCE)).await?;
    assert_eq!(again, Provisioned::default());
    Ok(())
}

#[tokio::test]
async fn without_room_for_results_an_earlier_version_can_go_on() -> anyhow::Result<()> {
    let nats = NatsServer::with(&NatsServerConfig {
        own_users: true,
        extra: "accounts { W { jetstream: { max_file: 20G, max_streams: 8 }, users: [{ user: w, password: w }] } }\n\
                no_auth_user: w"
            .to_owned(),
        ..NatsServerConfig::default()
    })?;
    let (connection, _store) = nats.store().await?;
    let jetstream = jetstream::new(connection.client().clone());
    jetstream.delete_stream(RESULTS).await?;
    let other = Config {
        name: "OTHER".to_owned(),
        subjects: vec!["other".to_owned()],
        ..Config::default()
    };
    jetstream.create_stream(other).await?;
    let builds = async || -> anyhow::Result<Config> {
        let stream = jetstream.get_stream("KV_builds").await?;
        Ok(stream.cached_info().config.clone())
    };
    // As version 0.1.0 needs it.
    let old = Config {
        allow_rollup: true,
        ..builds().await?
    };
    jetstream.update_stream(&old).await?;
    let before = builds().await?;
    let refused = Box::pin(provision(&connection, &ProvisionOptions::default())).await;
    let Err(ProvisionError::Stream { bucket, .. }) = refused else {
        anyhow::bail!("{refused:?}");
    };
    assert_eq!(bucket, "publications");
    assert_eq!(builds().await?, before);
    Ok(())
}
