//! The required configuration of the buckets and the stream, which are created or updated.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    stream::{Compression, Config, DiscardPolicy, StorageType},
};
use tracing::info;
use wombat_model::{
    names::{
        ARTIFACTS_BUCKET, BUILDERS_BUCKET, BUILDS_BUCKET, CATALOG_BUCKET, CATALOG_DOCS_BUCKET,
        GOCACHE_BUCKET, LOGS_STREAM, LOGS_SUBJECT_PREFIX, PUBLICATIONS_BUCKET,
    },
    units::MIB,
};

use crate::{Connection, ProvisionOptions, StoreError, error::server_code};

const DAY: Duration = Duration::from_hours(24);
/// How long a deleted record leaves a marker: an index that was down for less can catch up.
const BUILDS_MARKER: Duration = Duration::from_hours(168);
/// How long an expired presence leaves a marker.
const BUILDERS_MARKER: Duration = Duration::from_mins(1);

/// How long compiled packages are kept. Those that are still needed then are compiled again.
const GOCACHE_AGE: Duration = Duration::from_hours(24 * 30);

/// The required configuration of a stream.
pub(crate) struct WantedStream {
    /// Its name in messages.
    pub(crate) shown: &'static str,
    pub(crate) config: Config,
    /// Size limit in bytes from the options.
    room: Option<u64>,
    /// Size limit in bytes of a new stream, unless the options have one.
    default_room: u64,
}

/// The required configuration of every stream.
pub(crate) fn wanted_streams(options: &ProvisionOptions) -> [WantedStream; 8] {
    [
        WantedStream {
            room: options.builds_limit,
            default_room: 512 * MIB,
            ..bucket(BUILDS_BUCKET, "Records of builds.", Some(BUILDS_MARKER))
        },
        WantedStream {
            room: options.publications_limit,
            default_room: 256 * MIB,
            ..publications()
        },
        WantedStream {
            default_room: 16 * MIB,
            ..bucket(
                BUILDERS_BUCKET,
                "Builders that are alive.",
                Some(BUILDERS_MARKER),
            )
        },
        WantedStream {
            default_room: 256 * MIB,
            ..bucket(CATALOG_BUCKET, "Module releases that can be built.", None)
        },
        WantedStream {
            room: options.artifacts_limit,
            default_room: 10 * 1024 * MIB,
            ..object_store(ARTIFACTS_BUCKET, "Finished binaries.")
        },
        WantedStream {
            default_room: 512 * MIB,
            ..object_store(
                CATALOG_DOCS_BUCKET,
                "What components say of themselves, by release.",
            )
        },
        WantedStream {
            room: options.fleet_cache_limit,
            default_room: 4 * 1024 * MIB,
            ..gocache()
        },
        WantedStream {
            room: options.logs_limit,
            default_room: 1024 * MIB,
            ..logs()
        },
    ]
}

impl WantedStream {
    /// The configuration that an existing stream is to get. Settings that aren't named here are the operator's choice.
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
            // The server doesn't allow these to be turned off.
            allow_message_ttl: existing.allow_message_ttl || wanted.allow_message_ttl,
            subject_delete_marker_ttl: wanted.subject_delete_marker_ttl,
            ..existing.clone()
        }
    }
}

/// Creates a stream, with `usual` copies if `replicas` doesn't say otherwise, or updates it. Returns how many copies it
/// has.
pub(crate) async fn ensure(
    connection: &Connection,
    wanted: &WantedStream,
    replicas: Option<u8>,
    usual: usize,
) -> Result<usize, StoreError> {
    let jetstream = connection.jetstream();
    if replicas.is_some_and(|replicas| replicas > 1) && !connection.is_clustered() {
        return Err(StoreError::Refused(
            "more than one copy needs a cluster of nats-servers, but this is a single server; remove --replicas".to_owned(),
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
            num_replicas: replicas.map_or(usual, usize::from),
            ..wanted.config.clone()
        };
        let copies = config.num_replicas;
        jetstream
            .create_stream(config)
            .await
            .map_err(|error| StoreError::of(&error))?;
        info!(bucket = wanted.shown, "created");
        return Ok(copies);
    };
    let config = wanted.mended(&existing, replicas);
    let copies = config.num_replicas;
    if config != existing {
        jetstream
            .update_stream(config)
            .await
            .map_err(|error| StoreError::of(&error))?;
        info!(bucket = wanted.shown, "updated");
    }
    Ok(copies)
}

/// As the server takes it.
fn bytes(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// A key-value bucket, in the format that every NATS client reads.
fn bucket(name: &'static str, description: &str, marker: Option<Duration>) -> WantedStream {
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
    WantedStream {
        shown: name,
        config,
        room: None,
        default_room: 0,
    }
}

/// A bucket whose keys are written once.
fn publications() -> WantedStream {
    let plain = bucket(
        PUBLICATIONS_BUCKET,
        "What may be built, and the binaries that came of it.",
        None,
    );
    WantedStream {
        config: Config {
            discard_new_per_subject: true,
            allow_rollup: false,
            ..plain.config
        },
        ..plain
    }
}

/// A bucket whose keys are written once, and expire.
fn gocache() -> WantedStream {
    let plain = bucket(
        GOCACHE_BUCKET,
        "What Go compiled once, for all builders.",
        None,
    );
    WantedStream {
        config: Config {
            discard_new_per_subject: true,
            max_age: GOCACHE_AGE,
            ..plain.config
        },
        ..plain
    }
}

fn object_store(name: &'static str, description: &str) -> WantedStream {
    let config = Config {
        name: format!("OBJ_{name}"),
        description: Some(description.to_owned()),
        subjects: vec![format!("$O.{name}.C.>"), format!("$O.{name}.M.>")],
        max_bytes: -1,
        max_message_size: -1,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        allow_rollup: true,
        // Every NATS client then reads entries from the leader: a replica may lag behind.
        allow_direct: false,
        ..Config::default()
    };
    WantedStream {
        shown: name,
        config,
        room: None,
        default_room: 0,
    }
}

fn logs() -> WantedStream {
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
    WantedStream {
        shown: LOGS_STREAM,
        config,
        room: None,
        default_room: 0,
    }
}
