//! A slow link: a TCP proxy that delays everything, in order and without a limit on the rate.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

/// Bytes that are read at once.
const BUFFER: usize = 64 * 1024;

/// A running proxy. Dropping it stops new connections; existing ones last until an end closes them.
#[derive(Debug)]
pub struct DelayProxy {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for DelayProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DelayProxy {
    /// A proxy to a `nats://host:port` that lengthens round trips by this time.
    pub async fn start(target: &str, round_trip: Duration) -> anyhow::Result<Self> {
        let target = target.trim_start_matches("nats://").to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr().context("a bound socket")?;
        let delay = round_trip / 2;
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&target).await else {
                    continue;
                };
                // Small messages must not wait for others as well.
                drop((client.set_nodelay(true), server.set_nodelay(true)));
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                pass_on(from_client, to_server, delay);
                pass_on(from_server, to_client, delay);
            }
        });
        Ok(Self { address, task })
    }

    /// The address for clients.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }
}

/// One direction of a connection; its end is delayed as well.
fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (sender, mut late) = mpsc::unbounded_channel::<(Instant, Bytes)>();
    tokio::spawn(async move {
        let mut buffer = vec![0; BUFFER];
        while let Ok(read) = from.read(&mut buffer).await {
            let bytes = Bytes::copy_from_slice(&buffer[..read]);
            if read == 0 || sender.send((Instant::now() + delay, bytes)).is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some((due, bytes)) = late.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
}
