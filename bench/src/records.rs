//! Finished builds without a real build: records as a fleet leaves them behind in years, written straight into the
//! bucket.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use async_nats::jetstream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use time::OffsetDateTime;
use wombat_model::{
    Artifact, ArtifactName, Build, BuildSpec, BuilderId, ClaimId, Failure, FailureClass, GoVersion,
    Holder, ImportPath, ModulePath, ModuleVersion, Package, Platform, Sha256, Target, Timings,
    log::Phase,
};

/// Builders that made them.
pub(crate) const BUILDERS: u64 = 100;
/// Writes that wait for their acknowledgement at once.
const IN_FLIGHT: usize = 4096;
/// Seconds between two requests.
const INTERVAL: u64 = 30;

const CONNECT: &str = "github.com/redpanda-data/connect/v4";
const BENTHOS: &str = "github.com/redpanda-data/benthos/v4";
const PLATFORMS: [&str; 3] = ["linux/amd64", "linux/arm64", "darwin/arm64"];
const GO: [&str; 4] = ["1.26.8", "1.26.7", "1.26.6", "1.26.5"];
/// Four of them go into each build.
const PACKAGES: [&str; 40] = [
    "amqp09",
    "avro",
    "aws",
    "azure",
    "beanstalkd",
    "cassandra",
    "changelog",
    "cockroachdb",
    "confluent",
    "couchbase",
    "crypto",
    "cypher",
    "dgraph",
    "discord",
    "elasticsearch",
    "gateway",
    "gcp",
    "git",
    "hdfs",
    "influxdb",
    "jaeger",
    "jira",
    "kafka",
    "maxmind",
    "memcached",
    "mongodb",
    "mqtt",
    "msgpack",
    "mysql",
    "nats",
    "opensearch",
    "otlp",
    "prometheus",
    "pulsar",
    "redis",
    "sentry",
    "sftp",
    "slack",
    "snowflake",
    "sql",
];

/// Number of distinct builds: every four of the packages, for every platform and Go version.
pub(crate) const MOST: u64 = 91_390 * (PLATFORMS.len() * GO.len()) as u64;

/// Writes builds `0..count` into the bucket of a server that is set up.
pub(crate) async fn write(client: async_nats::Client, count: u64) -> anyhow::Result<()> {
    let context = jetstream::new(client);
    let start = OffsetDateTime::now_utc() - Duration::from_secs(count * INTERVAL);
    stream::iter(0..count)
        .map(|number| {
            let context = &context;
            async move {
                let build = finished(number, start)?;
                let subject = format!("$KV.builds.{}", build.key());
                let record = build.to_record()?;
                anyhow::Ok(context.publish(subject, record.into()).await?)
            }
        })
        // Builds are written in order; only waiting for the server overlaps.
        .buffered(1)
        .map_ok(|acknowledged| async move { anyhow::Ok(acknowledged.await.map(drop)?) })
        .try_buffer_unordered(IN_FLIGHT)
        .try_collect::<Vec<()>>()
        .await
        .context("writing builds")?;
    Ok(())
}

/// One of them. Most lost their binary to retention, as most old builds do.
fn finished(number: u64, start: OffsetDateTime) -> anyhow::Result<Build> {
    let requested = start + Duration::from_secs(number * INTERVAL);
    let spec = spec(number)?;
    let key = spec.key();
    let by = Holder {
        builder: builder(number)?,
        claim: format!("{number:032x}").parse::<ClaimId>()?,
    };
    let took = Duration::from_millis(1500 + number * 7919 % 20_000);
    let build = Build::new(spec, 1, requested).claim(by.clone())?;
    let build = build.at(requested + Duration::from_millis(12));
    let end = requested + took;
    if number.is_multiple_of(10) {
        let words = format!("exit status 1: package {number} doesn't compile for this platform");
        return Ok(build
            .fail(Failure::new(FailureClass::Compile, words))?
            .at(end));
    }
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    let artifact = Artifact {
        name: ArtifactName::new(&key, &by.claim),
        size: 30_000_000 + number * 104_729 % 60_000_000,
        sha256: Sha256::from_bytes(digest),
        builder: by.builder,
        sandbox: None,
    };
    let took = u64::try_from(took.as_millis())?;
    let timings = Timings::from([
        (Phase::Resolve, 1),
        (Phase::Compile, took / 4),
        (Phase::Link, took / 2),
        (Phase::Upload, took / 4),
    ]);
    Ok(build.succeed(artifact, timings)?.at(end).expire()?)
}

/// The builder of a build.
pub(crate) fn builder(number: u64) -> anyhow::Result<BuilderId> {
    Ok(format!("host-{:02}-b3c4d5", number * 31 % BUILDERS).parse()?)
}

fn spec(number: u64) -> anyhow::Result<BuildSpec> {
    let (platforms, releases) = (PLATFORMS.len() as u64, GO.len() as u64);
    let platform: Platform = PLATFORMS[index(number % platforms)].parse()?;
    let go: GoVersion = GO[index(number / platforms % releases)].parse()?;
    let connect: ModulePath = CONNECT.parse()?;
    let benthos: ModulePath = BENTHOS.parse()?;
    let mut packages: BTreeMap<ImportPath, Package> = BTreeMap::new();
    for base in ["io", "pure"] {
        let path = format!("{BENTHOS}/public/components/{base}").parse()?;
        let module = benthos.clone();
        packages.insert(path, Package { module, base: true });
    }
    for name in four(number / (platforms * releases)) {
        let path = format!("{CONNECT}/public/components/{name}").parse()?;
        let module = connect.clone();
        packages.insert(
            path,
            Package {
                module,
                base: false,
            },
        );
    }
    let modules: BTreeMap<ModulePath, ModuleVersion> = BTreeMap::from([
        (connect.clone(), "v4.105.0".parse()?),
        (benthos, "v4.77.0".parse()?),
    ]);
    Ok(BuildSpec::new(
        Target::new(platform, None)?,
        go,
        packages,
        modules,
        connect,
    )?)
}

/// The combination with this number, in an order in which neighbours have little in common.
fn four(number: u64) -> [&'static str; 4] {
    // A prime steps through all of them.
    let mut rest = number * 7919 % 91_390;
    let choose =
        |n: u64, k: u64| (0..k).fold(1, |product, i| product * n.saturating_sub(i) / (i + 1));
    let mut picked = [""; 4];
    let mut below = PACKAGES.len() as u64;
    for (place, k) in (1..=4).rev().enumerate() {
        // The largest element whose combinations still fit.
        below = (0..below)
            .rev()
            .find(|n| choose(*n, k) <= rest)
            .unwrap_or(0);
        rest -= choose(below, k);
        picked[place] = PACKAGES[index(below)];
    }
    picked
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_builds_are_the_same() {
        let all: HashSet<_> = (0..91_390).map(four).collect();
        assert_eq!(all.len(), 91_390);
        let keys: HashSet<_> = (0..500)
            .map(|number| finished(number, OffsetDateTime::UNIX_EPOCH).unwrap().key())
            .collect();
        assert_eq!(keys.len(), 500);
    }
}
