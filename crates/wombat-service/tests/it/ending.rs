//! The end of an instance: it reads nothing more, and nothing of it remains in NATS.

use async_nats::jetstream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wombat_service::{ServiceDeps, run};
use wombat_store::{Store, roles::NatsRole};
use wombat_testkit::NatsServer;

use crate::support::unlimited;

const STREAMS: [&str; 5] = [
    "KV_builds",
    "KV_builders",
    "KV_catalog",
    "OBJ_artifacts",
    "BUILD_LOGS",
];

#[tokio::test]
async fn followers_are_gone_when_the_connection_is_closed() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (observer, _store) = Box::pin(server.store()).await?;
    let connection = server.connection_as(NatsRole::Service).await?;
    let (ready, mut answers) = watch::channel(false);
    let state = tempfile::tempdir()?;
    let deps = ServiceDeps {
        connection: connection.clone(),
        store: Store::open(&connection).await?,
        state_dir: state.path().to_owned(),
        ready,
    };
    let stop = CancellationToken::new();
    let task = tokio::spawn(run(deps, unlimited(), stop.clone()));
    answers.wait_for(|ready| *ready).await?;
    let jetstream = jetstream::new(observer.client().clone());
    let consumers = async || {
        let mut count = 0;
        for stream in STREAMS {
            count += jetstream
                .get_stream(stream)
                .await?
                .cached_info()
                .state
                .consumer_count;
        }
        anyhow::Ok(count)
    };
    assert!(consumers().await? > 0);

    stop.cancel();
    task.await??;
    connection.close().await;
    assert_eq!(consumers().await?, 0, "something still reads");
    Ok(())
}
