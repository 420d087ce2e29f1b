//! A longer line: a proxy that forwards bytes with a delay.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// A running proxy; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Delay {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Delay {
    /// A proxy to `target` over which a round trip takes `round_trip` longer.
    pub(crate) async fn start(target: SocketAddr, round_trip: Duration) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(target).await else {
                    continue;
                };
                drop(near.set_nodelay(true));
                drop(far.set_nodelay(true));
                let ((near_in, near_out), (far_in, far_out)) =
                    (near.into_split(), far.into_split());
                connections.spawn(hand_on(near_in, far_out, round_trip / 2));
                connections.spawn(hand_on(far_in, near_out, round_trip / 2));
            }
        });
        Ok(Self {
            address,
            _tasks: tasks,
        })
    }

    pub(crate) fn nats_url(&self) -> String {
        format!("nats://{}", self.address)
    }
}

async fn hand_on(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    delay: Duration,
) {
    // A line has a limited capacity; more than this isn't sent ahead.
    let (sender, mut receiver) = mpsc::channel::<(Instant, Bytes)>(4096);
    let writing = async move {
        while let Some((due, bytes)) = receiver.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    let reading = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let bytes = Bytes::copy_from_slice(&buffer[..count]);
            if sender.send((Instant::now() + delay, bytes)).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(writing, reading);
}
