//! The other client: what it is answered while one floods.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, interval, timeout},
};

use super::target::Target;
use crate::{
    http::{Connection, request},
    report::{Section, Unit},
    samples::Samples,
};

/// Time between two of its requests of one kind.
const PACE: Duration = Duration::from_millis(20);
/// Its address.
const OTHER: &str = "198.51.100.9";
/// How long an answer to the other client may take.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// Answers to the other client: times of the good ones, in seconds, and the number of all others.
#[derive(Debug, Default)]
pub(super) struct Answers {
    times: Vec<f64>,
    failures: u32,
}

/// What the other client is answered: `/healthz`, a list, and a repeat.
pub(super) async fn ask(
    target: &Target,
    time: Duration,
) -> anyhow::Result<[(&'static str, Answers); 3]> {
    let repeat = request(
        "POST",
        "/api/builds",
        &target.forwarded(OTHER),
        &target.repeat,
    );
    let (health, list, repeat) = tokio::join!(
        asked(target.address, target.get(OTHER, "/healthz"), time),
        asked(target.address, target.get(OTHER, "/api/builds"), time),
        asked(target.address, repeat, time),
    );
    Ok([
        ("`/healthz`", health?),
        ("`GET /api/builds`", list?),
        ("a repeat", repeat?),
    ])
}

/// Sends a request every 20 ms over a connection of its own, however fast the ones before are answered.
async fn asked(address: SocketAddr, request: Vec<u8>, time: Duration) -> anyhow::Result<Answers> {
    let request = Arc::new(request);
    let (start, mut ticks) = (Instant::now(), interval(PACE));
    let mut asking = JoinSet::new();
    while start.elapsed() < time {
        ticks.tick().await;
        let request = Arc::clone(&request);
        asking.spawn(async move {
            let sent = Instant::now();
            let exchange = async {
                let mut connection = Connection::with_buffer(address, 64 * 1024).await?;
                connection.exchange(&request, |_| {}).await
            };
            match timeout(LIMIT, exchange).await {
                Ok(Ok(head)) if head.status == 200 => Some(sent.elapsed().as_secs_f64()),
                Ok(Ok(_) | Err(_)) | Err(_) => None,
            }
        });
    }
    let mut answers = Answers::default();
    while let Some(answer) = asking.join_next().await {
        match answer? {
            Some(time) => answers.times.push(time),
            None => answers.failures += 1,
        }
    }
    Ok(answers)
}

/// Adds the figures; returns the number of failures.
pub(super) fn report(section: &mut Section, when: &str, all: [(&'static str, Answers); 3]) -> u32 {
    let mut failures = 0;
    for (what, answers) in all {
        failures += answers.failures;
        let times: Samples = answers.times.into_iter().collect();
        section.value(format!("{what} {when}, p50"), Unit::Seconds, times.median());
        section.value(
            format!("{what} {when}, p99"),
            Unit::Seconds,
            times.quantile(0.99),
        );
        if answers.failures > 0 {
            let failures = f64::from(answers.failures);
            section.value(format!("{what} {when}, failures"), Unit::Count, failures);
        }
    }
    failures
}
