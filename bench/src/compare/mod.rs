//! `wombat-bench compare`: running servers, side by side, under the same load in turn.
//!
//! Each build is requested at each server, one after another; one that a server has not built before is timed until its
//! binary can be downloaded. The finished builds are then requested again, listed and downloaded as fast as each server
//! answers.

mod server;
mod table;

use std::{io::Write as _, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::{
    http::{list_path, request},
    load,
    report::Unit,
    samples::Samples,
};
use server::{Downloadable, Place, Server};
use table::Table;

/// Compares running servers that have the REST API of the first wombat-builder.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  Two servers, with two builds that neither has made so far:
    bench/compare http://127.0.0.1:4430 http://127.0.0.1:8080 \\
      --body '{\"goos\":\"linux\",\"goarch\":\"amd64\",\"packages\":[\"github.com/redpanda-data/connect/v4/public/components/redis\"]}' \\
      --body @nats-and-kafka.json
  A look at one server:
    bench/compare http://127.0.0.1:4430 --body @redis.json --query redis --rounds 1

Only `POST /api/builds`, `GET /api/builds?q=` and `/artifacts/{goos}/{goarch}/{go}/{hash}` are asked. The load is heavy:
give it servers of your own. A server that counts builds by client has to be started without that limit.")]
pub(crate) struct Compare {
    /// Addresses of the servers, as `http://HOST:PORT`; the first is the baseline
    #[arg(value_name = "URL", required = true)]
    places: Vec<Place>,
    /// Request body: JSON, or @FILE; repeat it for a median of several builds
    #[arg(long = "body", value_name = "JSON", required = true)]
    bodies: Vec<String>,
    /// Query for the list of builds (repeatable)
    #[arg(long = "query", value_name = "WORDS", default_value = "redis")]
    queries: Vec<String>,
    /// Concurrent connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// Turns per server
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Duration of a turn, in seconds
    #[arg(long, default_value_t = 3, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=600))]
    turn: u16,
    /// Longest time for a build, in seconds
    #[arg(long, default_value_t = 900, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..))]
    patience: u16,
}

pub(crate) async fn run(arguments: Compare) -> anyhow::Result<()> {
    let bodies = arguments
        .bodies
        .iter()
        .map(|body| read(body))
        .collect::<anyhow::Result<Vec<String>>>()?;
    let mut table = Table::new(arguments.places.iter().map(ToString::to_string).collect());
    let mut subjects = Vec::new();
    for place in &arguments.places {
        subjects.push(Subject::new(place.clone(), &bodies, &arguments).await?);
    }
    let new = subjects.iter().map(|subject| subject.new.clone());
    table.row("new build: request → binary", Unit::Seconds, new.collect());
    let sizes = subjects.iter().map(|subject| subject.sizes.clone());
    table.row("size of a binary", Unit::Bytes, sizes.collect());
    for (load, what) in LOADS.into_iter().enumerate() {
        eprintln!("{what} …");
        let mut rates = vec![Samples::default(); subjects.len()];
        let mut slow = rates.clone();
        for _ in 0..arguments.rounds {
            for (number, subject) in subjects.iter().enumerate() {
                let came = load::http(
                    subject.address,
                    &subject.loads[load],
                    usize::from(arguments.connections),
                    Duration::from_secs(arguments.turn.into()),
                )
                .await
                .with_context(|| format!("{what} at {}", subject.place))?;
                rates[number].push(came.rate);
                slow[number].push(came.latencies.quantile(0.99));
            }
        }
        table.row(what, Unit::PerSecond, rates);
        table.row(format!("{what}, p99"), Unit::Seconds, slow);
    }
    write!(std::io::stdout(), "{table}")?;
    Ok(())
}

/// The requests under load.
const LOADS: [&str; 3] = ["repeat of a finished build", "list", "download"];

/// One server and what it has built.
#[derive(Debug)]
struct Subject {
    place: Place,
    address: SocketAddr,
    new: Samples,
    sizes: Samples,
    /// The requests of each of [`LOADS`].
    loads: [Arc<Vec<Vec<u8>>>; LOADS.len()],
}

impl Subject {
    /// Has all bodies built.
    async fn new(place: Place, bodies: &[String], arguments: &Compare) -> anyhow::Result<Self> {
        let address = place.address().await?;
        let mut server = Server::connect(place.clone(), address).await?;
        let mut new = Samples::default();
        let mut sizes = Samples::default();
        let mut downloads = Vec::new();
        for (number, body) in bodies.iter().enumerate() {
            eprintln!("{place} builds {} of {} …", number + 1, bodies.len());
            let patience = Duration::from_secs(arguments.patience.into());
            let Downloadable { after, path, size } = server.build(body, patience).await?;
            if let Some(after) = after {
                new.push_time(after);
            } else {
                eprintln!("{place} already had this build, so it isn't timed");
            }
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
            sizes.push(size as f64);
            downloads.push(request("GET", &path, place.host(), ""));
        }
        let repeats = bodies
            .iter()
            .map(|body| request("POST", "/api/builds", place.host(), body))
            .collect();
        let lists = arguments
            .queries
            .iter()
            .map(|query| request("GET", &list_path(query), place.host(), ""))
            .collect();
        Ok(Self {
            place,
            address,
            new,
            sizes,
            loads: [repeats, lists, downloads].map(Arc::new),
        })
    }
}

/// A request body: JSON, or a file with it after `@`.
fn read(body: &str) -> anyhow::Result<String> {
    let text = match body.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?,
        None => body.to_owned(),
    };
    let json: serde_json::Value = serde_json::from_str(&text)
        .with_context(|| format!("--body {body}: not JSON; a file's name goes after an @"))?;
    ensure!(
        json.is_object(),
        "--body {body}: not a JSON object, as POST /api/builds takes it"
    );
    Ok(json.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_an_object() {
        assert_eq!(read(r#"{"goos": "linux"}"#).unwrap(), r#"{"goos":"linux"}"#);
        for bad in ["[]", "{", "@/nowhere/at/all.json"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
