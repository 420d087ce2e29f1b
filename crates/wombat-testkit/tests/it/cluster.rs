//! A cluster of three nats-servers.

use std::time::{Duration, Instant};

use anyhow::Context;
use wombat_store::Asking;
use wombat_testkit::{Cluster, NatsServer, a_spec, node_called, wait_until};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_goes_on_without_any_one_of_its_nodes() -> anyhow::Result<()> {
    let cluster = Cluster::start()?;
    let server = NatsServer::of_cluster(&cluster)?;
    let (connection, store) = server.store().await?;
    let submit = async |package: String| {
        let spec = a_spec().package(&package).build();
        let submitted = store
            .builds
            .submit(&spec, Asking::default(), &store.artifacts)
            .await;
        Ok(submitted.ok())
    };
    let leader = cluster.until_led("KV_builds")?;
    cluster.kill(leader)?;
    let killed = Instant::now();
    wait_until("a write to be taken", LIMIT, async || {
        submit("killed".to_owned()).await
    })
    .await?;
    println!(
        "leader killed: a write is taken after {:?}",
        killed.elapsed()
    );
    assert_ne!(cluster.until_led("KV_builds")?, leader);
    cluster.restart(leader)?;
    cluster.until_current("KV_builds")?;

    // The worst one to hold: its connection stays open, and only silence tells that it is gone.
    let mine = connection.client().server_info().server_name;
    let mine = node_called(&mine).context("a node of this cluster")?;
    cluster.stop(mine)?;
    let held = Instant::now();
    wait_until("a write to be taken by the others", LIMIT, async || {
        submit("held".to_owned()).await
    })
    .await?;
    println!("own node held: a write is taken after {:?}", held.elapsed());
    cluster.go_on(mine)?;
    cluster.until_current("KV_builds")
}
