//! Links of builds that succeed more than once.

use std::time::{Duration, Instant};

use wombat_service::ServiceArgs;
use wombat_testkit::{NatsServer, wait_until};

use crate::{
    janitor::{LIMIT, build},
    support::{Instance, unlimited},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_link_follows_a_second_success_at_once() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    // The next sweep is far off.
    let rare = ServiceArgs {
        janitor_interval: Duration::from_hours(1),
        ..unlimited()
    };
    let instance = Instance::start(&server, rare).await?;
    let jetstream = async_nats::jetstream::new(connection.client().clone());
    let locks = jetstream.get_stream("KV_builders").await?;
    wait_until("the janitor to lead", LIMIT, async || {
        let lock = locks.get_last_raw_message_by_subject("$KV.builders.lock.janitor");
        Ok(lock.await.ok())
    })
    .await?;
    for round in 0..3 {
        let key = build(&store, "twice", 10).await?;
        let record = store.builds.get(&key).await?.unwrap().value;
        let name = record.artifact().unwrap().name.clone();
        let built = Instant::now();
        wait_until("the link to follow", LIMIT, async || {
            let link = store.artifacts.find(key.as_str()).await?;
            let target = link.and_then(|link| link.link);
            Ok((target.as_deref() == Some(name.as_str())).then_some(()))
        })
        .await?;
        println!("success {round}: linked after {:?}", built.elapsed());
    }
    instance.stop().await?;
    Ok(())
}
