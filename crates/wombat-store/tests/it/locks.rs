//! Locks among processes: a late action of one process must not harm the next owner.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::oneshot,
    task::JoinSet,
    time::timeout,
};
use wombat_store::{Connection, NatsArgs, Store};
use wombat_testkit::{NatsServer, wait_until};

const LIMIT: Duration = Duration::from_secs(20);
/// Lease of a lock that is to expire: long enough to be read once more.
const SHORT: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_mins(1);

/// A proxy to the server that holds the first removal of a key until the test releases it.
struct HoldingProxy {
    url: String,
    /// Signalled when the removal arrives.
    arrived: oneshot::Receiver<()>,
    /// Dropping it releases the removal.
    barrier: oneshot::Sender<()>,
    _passing: JoinSet<std::io::Result<()>>,
}

impl HoldingProxy {
    async fn to(nats: &NatsServer) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("nats://{}", listener.local_addr()?);
        let server = nats.url().trim_start_matches("nats://").to_owned();
        let (announce, arrived) = oneshot::channel();
        let (barrier, opened) = oneshot::channel();
        let mut passing = JoinSet::new();
        passing.spawn(async move {
            let (client, _) = listener.accept().await?;
            let (from_client, mut to_client) = client.into_split();
            let (mut from_server, to_server) = TcpStream::connect(server).await?.into_split();
            tokio::try_join!(
                pass_on(from_client, to_server, announce, opened),
                tokio::io::copy(&mut from_server, &mut to_client),
            )?;
            Ok(())
        });
        Ok(Self {
            url,
            arrived,
            barrier,
            _passing: passing,
        })
    }
}

async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    arrives: oneshot::Sender<()>,
    opened: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let mut at_the_barrier = Some((arrives, opened));
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        let removes = String::from_utf8_lossy(&buffer[..count]).contains("KV-Operation");
        if removes && let Some((arrives, opened)) = at_the_barrier.take() {
            let _ = arrives.send(());
            // It ends with an error, since the barrier is dropped.
            let _ = opened.await;
        }
        to.write_all(&buffer[..count]).await?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn letting_go_of_a_lock_that_expired_on_the_way_leaves_it_to_its_next_owner()
-> anyhow::Result<()> {
    let nats = NatsServer::alone()?;
    let (_connection, store) = nats.store().await?;
    let way = HoldingProxy::to(&nats).await?;
    let ours = Connection::open(&NatsArgs::at(way.url), "test", LIMIT).await?;
    let ours = Store::open(&ours).await?.builders;
    assert!(ours.hold_lock("job", "us", SHORT).await?);
    let letting_go = tokio::spawn(async move { ours.release_lock("job", "us").await });
    timeout(LIMIT, way.arrived).await??;

    wait_until("our lock to expire", LIMIT, async || {
        let taken = store.builders.hold_lock("job", "they", LONG).await?;
        Ok(taken.then_some(()))
    })
    .await?;
    drop(way.barrier);
    letting_go.await??;
    assert!(
        !store.builders.hold_lock("job", "a third", LONG).await?,
        "the lock that another took stays with it"
    );
    assert!(store.builders.hold_lock("job", "they", LONG).await?);
    Ok(())
}

#[tokio::test]
async fn a_lock_that_its_owner_renewed_and_let_go_of_is_free_at_once() -> anyhow::Result<()> {
    let nats = NatsServer::start()?;
    let (_connection, store) = nats.store().await?;
    let locks = &store.builders;
    assert!(locks.hold_lock("job", "us", LONG).await?);
    assert!(locks.hold_lock("job", "us", LONG).await?, "it is renewed");
    locks.release_lock("job", "they").await?;
    assert!(!locks.hold_lock("job", "they", LONG).await?, "it is ours");
    locks.release_lock("job", "us").await?;
    assert!(locks.hold_lock("job", "they", LONG).await?);
    Ok(())
}
