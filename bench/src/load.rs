//! Generates load: connections that each send one request after another, for a while.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{http::Connection, samples::Samples};

/// The result of a load.
#[derive(Debug)]
pub(crate) struct Load {
    /// Answers per second.
    pub(crate) rate: f64,
    /// Times of the answers.
    pub(crate) latencies: Samples,
}

impl Load {
    /// From the times of all answers, measured during `elapsed`.
    pub(crate) fn of(latencies: Vec<f64>, elapsed: Duration) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 answers")]
        let rate = latencies.len() as f64 / elapsed.as_secs_f64();
        Self {
            rate,
            latencies: latencies.into_iter().collect(),
        }
    }
}

/// Sends these requests in turn over this many connections for this long. Every answer must be a 200.
pub(crate) async fn http(
    address: SocketAddr,
    requests: &Arc<Vec<Vec<u8>>>,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Load> {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for number in 0..connections {
        let requests = Arc::clone(requests);
        tasks.spawn(async move {
            let mut connection = Connection::with_buffer(address, 64 * 1024).await?;
            let mut times = Vec::new();
            let mut turn = number;
            while start.elapsed() < time {
                let sent = Instant::now();
                let request = &requests[turn % requests.len()];
                let status = connection.exchange(request, |_| {}).await?.status;
                ensure!(status == 200, "an answer with status {status}");
                times.push(sent.elapsed().as_secs_f64());
                turn += connections;
            }
            anyhow::Ok(times)
        });
    }
    let all = gathered(tasks).await?;
    Ok(Load::of(all, start.elapsed()))
}

/// The same at a fixed pace: each connection sends a request every `interval`, however fast it is served.
pub(crate) async fn paced(
    address: SocketAddr,
    requests: &Arc<Vec<Vec<u8>>>,
    connections: usize,
    interval: Duration,
    time: Duration,
) -> anyhow::Result<Samples> {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for number in 0..connections {
        let requests = Arc::clone(requests);
        tasks.spawn(async move {
            let mut connection = Connection::with_buffer(address, 256 * 1024).await?;
            let mut ticks = tokio::time::interval(interval);
            let mut times = Vec::new();
            let mut turn = number;
            while start.elapsed() < time {
                // Counted from when it was due: a request that waits for the answer before it waits, too.
                let due = ticks.tick().await;
                let request = &requests[turn % requests.len()];
                let head = connection.exchange(request, |_| {}).await?;
                ensure!(head.status == 200, "an answer with status {}", head.status);
                times.push(due.elapsed().as_secs_f64());
                turn += connections;
            }
            anyhow::Ok(times)
        });
    }
    let all = gathered(tasks).await?;
    Ok(all.into_iter().collect())
}

/// Sends these requests in turn, this many at once per connection, for this long.
pub(crate) async fn nats(
    clients: &[async_nats::Client],
    in_flight: usize,
    subject: &'static str,
    questions: &Arc<Vec<Bytes>>,
    time: Duration,
) -> anyhow::Result<Load> {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    let askers = clients.len() * in_flight;
    for (number, client) in clients
        .iter()
        .flat_map(|client| std::iter::repeat_n(client, in_flight))
        .enumerate()
    {
        let (client, questions) = (client.clone(), Arc::clone(questions));
        tasks.spawn(async move {
            let mut times = Vec::new();
            let mut turn = number;
            while start.elapsed() < time {
                let sent = Instant::now();
                let question = questions[turn % questions.len()].clone();
                let reply = client.request(subject, question).await?;
                ensure!(reply.headers.is_none(), "an error instead of an answer");
                times.push(sent.elapsed().as_secs_f64());
                turn += askers;
            }
            anyhow::Ok(times)
        });
    }
    let all = gathered(tasks).await?;
    Ok(Load::of(all, start.elapsed()))
}

/// The times of all connections.
async fn gathered(mut tasks: JoinSet<anyhow::Result<Vec<f64>>>) -> anyhow::Result<Vec<f64>> {
    let mut all = Vec::new();
    while let Some(times) = tasks.join_next().await {
        all.extend(times??);
    }
    Ok(all)
}
