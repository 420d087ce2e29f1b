//! Makes the buckets and the stream, and brings older ones up to date. Doing it twice changes nothing.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    stream::{Compression, Config, DiscardPolicy, StorageType},
};
use tokio::time::Instant;
use tracing::info;
use wombat_model::names::{
    ARTIFACTS_BUCKET, BUILDERS_BUCKET, BUILDS_BUCKET, CATALOG_BUCKET, CATALOG_DOCS_BUCKET,
    GOCACHE_BUCKET, LOGS_STREAM, LOGS_SUBJECT_PREFIX,
};

use crate::{
    Connection, StoreError,
    error::server_code,
    patience::{ELECTION_PATIENCE, patiently},
};

const MIB: u64 = 1024 * 1024;
const DAY: Duration = Duration::from_hours(24);
/// How long a deleted record leaves a marker, so that an index that was away for less can catch up.
const BUILDS_MARKER: Duration = Duration::from_hours(168);
/// How long an expired presence leaves one.
const BUILDERS_MARKER: Duration = Duration::from_mins(1);

/// How long something compiled is kept. What is still wanted then is compiled once more.
const GOCACHE_AGE: Duration = Duration::from_hours(24 * 30);

/// Sizes and copies. What is left out keeps the value that an existing bucket has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Storage")]
pub struct ProvisionOptions {
    /// Copies of everything; 3 on a cluster
    #[arg(long, env = "WOMBAT_REPLICAS", value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub replicas: Option<u8>,
    /// Room for binaries, in MiB
    #[arg(long, env = "WOMBAT_ARTIFACTS_MIB", value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub artifacts_mib: Option<u64>,
    /// Room for records of builds, in MiB
    #[arg(long, env = "WOMBAT_BUILDS_MIB", value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub builds_mib: Option<u64>,
    /// Room for what Go compiled, shared by all builders, in MiB
    #[arg(long, env = "WOMBAT_GOCACHE_MIB", value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub gocache_mib: Option<u64>,
    /// Room for logs, in MiB
    #[arg(long, env = "WOMBAT_LOGS_MIB", value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub logs_mib: Option<u64>,
}

/// A bucket can't be made.
#[derive(Debug, thiserror::Error)]
#[error("can't make or change `{bucket}`: {source}")]
pub struct ProvisionError {
    bucket: &'static str,
    source: StoreError,
}

/// What one stream has to be.
pub(crate) struct Wanted {
    pub(crate) shown: &'static str,
    pub(crate) config: Config,
    /// Room in MiB that was asked for.
    room: Option<u64>,
    /// Room in MiB where nothing was asked for and nothing is there yet.
    default_room: u64,
}

/// Makes what is missing and mends what is older. Waits for [`ELECTION_PATIENCE`] while a cluster is still electing.
pub async fn provision(
    connection: &Connection,
    options: &ProvisionOptions,
) -> Result<(), ProvisionError> {
    provision_within(connection, options, ELECTION_PATIENCE).await
}

/// The same with another patience.
pub async fn provision_within(
    connection: &Connection,
    options: &ProvisionOptions,
    patience: Duration,
) -> Result<(), ProvisionError> {
    let until = Instant::now() + patience;
    for stream in wanted(options) {
        let left = until.saturating_duration_since(Instant::now());
        Box::pin(patiently(connection, left, async || {
            ensure(connection, &stream, options.replicas).await
        }))
        .await
        .map_err(|source| ProvisionError {
            bucket: stream.shown,
            source,
        })?;
    }
    Ok(())
}

/// Every stream, as it has to be.
pub(crate) fn wanted(options: &ProvisionOptions) -> [Wanted; 7] {
    [
        Wanted {
            room: options.builds_mib,
            default_room: 512,
            ..bucket(BUILDS_BUCKET, "Records of builds.", Some(BUILDS_MARKER))
        },
        Wanted {
            default_room: 16,
            ..bucket(
                BUILDERS_BUCKET,
                "Builders that are alive.",
                Some(BUILDERS_MARKER),
            )
        },
        Wanted {
            default_room: 256,
            ..bucket(CATALOG_BUCKET, "Module releases that can be built.", None)
        },
        Wanted {
            room: options.artifacts_mib,
            default_room: 10 * 1024,
            ..object_store(ARTIFACTS_BUCKET, "Finished binaries.")
        },
        Wanted {
            default_room: 512,
            ..object_store(
                CATALOG_DOCS_BUCKET,
                "What components say of themselves, by release.",
            )
        },
        Wanted {
            room: options.gocache_mib,
            default_room: 4 * 1024,
            ..gocache()
        },
        Wanted {
            room: options.logs_mib,
            default_room: 1024,
            ..logs()
        },
    ]
}

impl Wanted {
    /// What an existing stream is to become. What isn't named here is an operator's to choose.
    pub(crate) fn mended(&self, existing: &Config, replicas: Option<u8>) -> Config {
        let wanted = &self.config;
        Config {
            max_bytes: self.room.map_or(existing.max_bytes, bytes),
            num_replicas: replicas.map_or(existing.num_replicas, usize::from),
            description: wanted.description.clone(),
            max_messages: existing.max_messages.min(-1),
            max_messages_per_subject: if wanted.max_messages_per_subject > 0 {
                wanted.max_messages_per_subject
            } else {
                existing.max_messages_per_subject.min(-1)
            },
            max_age: wanted.max_age,
            max_message_size: wanted.max_message_size,
            discard: wanted.discard,
            discard_new_per_subject: wanted.discard_new_per_subject,
            allow_rollup: existing.allow_rollup || wanted.allow_rollup,
            allow_direct: wanted.allow_direct,
            // The server doesn't let go of these.
            allow_message_ttl: existing.allow_message_ttl || wanted.allow_message_ttl,
            subject_delete_marker_ttl: wanted.subject_delete_marker_ttl,
            ..existing.clone()
        }
    }
}

async fn ensure(
    connection: &Connection,
    wanted: &Wanted,
    replicas: Option<u8>,
) -> Result<(), StoreError> {
    let jetstream = connection.jetstream();
    if replicas.is_some_and(|replicas| replicas > 1) && !connection.is_clustered() {
        return Err(StoreError::Refused(
            "several copies need a cluster of nats-servers, and this is a single one; leave --replicas away".to_owned(),
        ));
    }
    let existing = match jetstream.get_stream(&wanted.config.name).await {
        Ok(stream) => Some(stream.cached_info().config.clone()),
        Err(error) if server_code(&error) == Some(jetstream::ErrorCode::STREAM_NOT_FOUND) => None,
        Err(error) => return Err(StoreError::of(&error)),
    };
    let Some(existing) = existing else {
        let config = Config {
            max_bytes: bytes(wanted.room.unwrap_or(wanted.default_room)),
            num_replicas: replicas.unwrap_or(1).into(),
            ..wanted.config.clone()
        };
        jetstream
            .create_stream(config)
            .await
            .map_err(|error| StoreError::of(&error))?;
        info!(bucket = wanted.shown, "made");
        return Ok(());
    };
    let config = wanted.mended(&existing, replicas);
    if config != existing {
        jetstream
            .update_stream(config)
            .await
            .map_err(|error| StoreError::of(&error))?;
        info!(bucket = wanted.shown, "brought up to date");
    }
    Ok(())
}

/// Of mebibytes.
fn bytes(mib: u64) -> i64 {
    i64::try_from(mib * MIB).unwrap_or(i64::MAX)
}

/// A key-value bucket, in the format that every NATS client reads.
fn bucket(name: &'static str, description: &str, marker: Option<Duration>) -> Wanted {
    let config = Config {
        name: format!("KV_{name}"),
        description: Some(description.to_owned()),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        max_bytes: -1,
        max_message_size: -1,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        duplicate_window: Duration::from_mins(2),
        allow_message_ttl: marker.is_some(),
        subject_delete_marker_ttl: marker,
        ..Config::default()
    };
    Wanted {
        shown: name,
        config,
        room: None,
        default_room: 0,
    }
}

/// A bucket that takes one value a key and no second, and forgets them with age.
fn gocache() -> Wanted {
    let plain = bucket(
        GOCACHE_BUCKET,
        "What Go compiled once, for all builders.",
        None,
    );
    Wanted {
        config: Config {
            discard_new_per_subject: true,
            max_age: GOCACHE_AGE,
            ..plain.config
        },
        ..plain
    }
}

fn object_store(name: &'static str, description: &str) -> Wanted {
    let config = Config {
        name: format!("OBJ_{name}"),
        description: Some(description.to_owned()),
        subjects: vec![format!("$O.{name}.C.>"), format!("$O.{name}.M.>")],
        max_bytes: -1,
        max_message_size: -1,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        allow_rollup: true,
        // Every NATS client then asks the leader what there is: a replica may lag behind.
        allow_direct: false,
        ..Config::default()
    };
    Wanted {
        shown: name,
        config,
        room: None,
        default_room: 0,
    }
}

fn logs() -> Wanted {
    let config = Config {
        name: LOGS_STREAM.to_owned(),
        description: Some("Phases and log lines of builds.".to_owned()),
        subjects: vec![format!("{LOGS_SUBJECT_PREFIX}>")],
        max_age: 7 * DAY,
        max_messages_per_subject: 5000,
        max_message_size: 64 * 1024,
        max_bytes: -1,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        compression: Some(Compression::S2),
        allow_direct: true,
        duplicate_window: Duration::from_mins(2),
        ..Config::default()
    };
    Wanted {
        shown: LOGS_STREAM,
        config,
        room: None,
        default_room: 0,
    }
}
