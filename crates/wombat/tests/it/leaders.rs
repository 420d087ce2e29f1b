//! Any node of a cluster is stopped: writes work again soon, and reads are answered meanwhile.

use std::time::{Duration, Instant};

use anyhow::Context;
use wombat_model::{BuildKey, Failure, FailureClass, Status};
use wombat_store::{ClaimOutcome, Store, SubmitOptions};
use wombat_testkit::{Cluster, NatsServer, a_spec, node_called, wait_until};

use crate::program;

const LIMIT: Duration = Duration::from_secs(30);

/// A build that is finished.
async fn finished(store: &Store) -> anyhow::Result<BuildKey> {
    let spec = a_spec().build();
    let asking = SubmitOptions::default();
    let submitted = store.builds.submit(&spec, asking, &store.artifacts).await?;
    let seen = submitted.into_record();
    let claimed = store.builds.claim(seen, &"fox-1".parse()?).await?;
    let ClaimOutcome::Won(claim) = claimed else {
        anyhow::bail!("another builder claimed it: {claimed:?}");
    };
    let failure = Failure::new(FailureClass::Infra, "no proxy");
    store.builds.fail(*claim, failure).await?;
    Ok(spec.key())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_node_writes_are_taken_soon_and_reads_always() -> anyhow::Result<()> {
    let cluster = Cluster::start()?;
    let server = NatsServer::of_cluster(&cluster)?;
    let (connection, store) = server.store().await?;
    let key = finished(&store).await?;
    let _service = program().start(&["service", "--nats-url", &server.url()])?;
    let (_api, site) = program().gateway(&server.url(), &[]).await?;
    let build = format!("/api/builds/{key}");
    let paths = [
        "/api/builds".to_owned(),
        build.clone(),
        format!("{build}/log"),
        "/api/catalog/components".to_owned(),
    ];
    wait_until("the build to be listed", LIMIT, async || {
        let view = site.json("/api/builds").await?;
        Ok((view["builds"][0]["status"] == Status::Failed.as_str()).then_some(()))
    })
    .await?;

    let submit = async |package: &str| {
        let spec = a_spec().package(package).build();
        let submitted = store
            .builds
            .submit(&spec, SubmitOptions::default(), &store.artifacts)
            .await;
        Ok(submitted.ok())
    };
    let leader = cluster.until_led("KV_builds")?;
    cluster.kill(leader)?;
    let killed = Instant::now();
    let writing = wait_until("a write to be taken", LIMIT, async || {
        submit("killed").await
    });
    let reading = async {
        loop {
            for path in &paths {
                if let Err(error) = site.bytes(path).await {
                    return error;
                }
            }
        }
    };
    tokio::select! {
        written = writing => drop(written?),
        error = reading => return Err(error),
    };
    println!(
        "leader killed: a write is taken after {:?}",
        killed.elapsed()
    );
    assert_ne!(cluster.until_led("KV_builds")?, leader);
    cluster.restart(leader)?;
    cluster.until_current("KV_builds")?;

    // The worst node to stop: its connection stays open, and only silence shows that it is gone.
    let mine = connection.client().server_info().server_name;
    let mine = node_called(&mine).context("a node of this cluster")?;
    cluster.stop(mine)?;
    let held = Instant::now();
    wait_until("a write to be taken by the others", LIMIT, async || {
        submit("held").await
    })
    .await?;
    println!("own node held: a write is taken after {:?}", held.elapsed());
    cluster.go_on(mine)?;
    cluster.until_current("KV_builds")
}
