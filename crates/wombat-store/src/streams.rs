//! The required settings of every stream.
//!
//! No stream allows rollups: with one, whoever may write a key could empty the whole stream. A lifetime of delete markers
//! above zero would turn them on again.

use std::time::Duration;

use async_nats::jetstream::stream::{
    Compression, Config, ConsumerLimits, DiscardPolicy, StorageType,
};
use wombat_model::{
    names::{
        ARTIFACTS_BUCKET, BUILDERS_BUCKET, BUILDS_BUCKET, CATALOG_BUCKET, CATALOG_DOCS_BUCKET,
        GOCACHE_BUCKET, LOGS_STREAM, LOGS_SUBJECT_PREFIX, PUBLICATIONS_BUCKET,
    },
    units::MIB,
};

use crate::ProvisionOptions;

const DAY: Duration = Duration::from_hours(24);
/// How long compiled packages are kept. Those that are still needed then are compiled again.
const GOCACHE_AGE: Duration = Duration::from_hours(24 * 30);
/// Consumers of a stream. Every process follows most streams once; each running download, and each client that reads a
/// log or an object with NATS tools, has one more.
const MAX_CONSUMERS: i32 = 10_000;
/// How long a consumer outlives its client at most: what clients in Go and JavaScript ask for.
const IDLE_CONSUMERS: Duration = Duration::from_mins(5);

/// The required configuration of a stream.
pub(crate) struct WantedStream {
    pub(crate) shown: &'static str,
    pub(crate) config: Config,
    /// Size limit in bytes from the options.
    pub(crate) room: Option<u64>,
    /// Size limit in bytes of a new stream, unless the options have one.
    pub(crate) default_room: u64,
    /// Where its objects are while they are upgraded; `None`: it holds none.
    pub(crate) copy: Option<&'static str>,
}

/// The required configuration of every stream.
pub(crate) fn wanted_streams(options: &ProvisionOptions) -> [WantedStream; 8] {
    [
        WantedStream {
            room: options.builds_limit,
            default_room: 512 * MIB,
            ..expiring_bucket(BUILDS_BUCKET, "Records of builds.")
        },
        WantedStream {
            room: options.publications_limit,
            default_room: 256 * MIB,
            ..publications()
        },
        WantedStream {
            default_room: 16 * MIB,
            ..expiring_bucket(BUILDERS_BUCKET, "Builders that are alive.")
        },
        WantedStream {
            default_room: 256 * MIB,
            ..bucket(CATALOG_BUCKET, "Module releases that can be built.")
        },
        WantedStream {
            room: options.artifacts_limit,
            default_room: 10 * 1024 * MIB,
            copy: Some("artifacts-upgrade"),
            ..object_store(ARTIFACTS_BUCKET, "Finished binaries.")
        },
        WantedStream {
            default_room: 512 * MIB,
            copy: Some("catalog-docs-upgrade"),
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
    fn new(shown: &'static str, config: Config) -> Self {
        let config = Config {
            max_bytes: -1,
            storage: StorageType::File,
            max_consumers: MAX_CONSUMERS,
            consumer_limits: Some(ConsumerLimits {
                inactive_threshold: IDLE_CONSUMERS,
                max_ack_pending: 0,
            }),
            ..config
        };
        Self {
            shown,
            config,
            room: None,
            default_room: 0,
            copy: None,
        }
    }

    /// The configuration of a new stream, with `usual` copies if `replicas` doesn't say otherwise.
    pub(crate) fn created(&self, replicas: Option<u8>, usual: usize) -> Config {
        Config {
            max_bytes: bytes(self.room.unwrap_or(self.default_room)),
            num_replicas: replicas.map_or(usual, usize::from),
            ..self.config.clone()
        }
    }

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
            max_consumers: wanted.max_consumers,
            consumer_limits: wanted.consumer_limits.clone(),
            discard: wanted.discard,
            discard_new_per_subject: wanted.discard_new_per_subject,
            allow_rollup: wanted.allow_rollup,
            allow_direct: wanted.allow_direct,
            // The server doesn't allow this to be turned off.
            allow_message_ttl: existing.allow_message_ttl || wanted.allow_message_ttl,
            subject_delete_marker_ttl: wanted.subject_delete_marker_ttl,
            ..existing.clone()
        }
    }

    /// Whether the server refuses a second message under a subject.
    pub(crate) fn is_write_once(config: &Config) -> bool {
        config.max_messages_per_subject == 1
            && config.discard == DiscardPolicy::New
            && config.discard_new_per_subject
    }
}

/// As the server takes it.
pub(crate) fn bytes(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// A key-value bucket, in the format that every NATS client reads.
fn bucket(name: &'static str, description: &str) -> WantedStream {
    let config = Config {
        name: format!("KV_{name}"),
        description: Some(description.to_owned()),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        max_message_size: -1,
        discard: DiscardPolicy::New,
        deny_delete: true,
        allow_direct: true,
        duplicate_window: Duration::from_mins(2),
        ..Config::default()
    };
    WantedStream::new(name, config)
}

/// A bucket whose values and delete markers may have a lifetime of their own.
fn expiring_bucket(name: &'static str, description: &str) -> WantedStream {
    let plain = bucket(name, description);
    WantedStream {
        config: Config {
            allow_message_ttl: true,
            ..plain.config
        },
        ..plain
    }
}

/// A bucket whose keys are written once.
fn publications() -> WantedStream {
    let plain = bucket(
        PUBLICATIONS_BUCKET,
        "What may be built, and the binaries that came of it.",
    );
    WantedStream {
        config: Config {
            discard_new_per_subject: true,
            ..plain.config
        },
        ..plain
    }
}

/// A bucket whose keys are written once, and expire.
fn gocache() -> WantedStream {
    let plain = bucket(GOCACHE_BUCKET, "What Go compiled once, for all builders.");
    WantedStream {
        config: Config {
            discard_new_per_subject: true,
            max_age: GOCACHE_AGE,
            ..plain.config
        },
        ..plain
    }
}

/// An object store whose objects can't be replaced, not even in part.
pub(crate) fn object_store(name: &'static str, description: &str) -> WantedStream {
    let config = Config {
        name: format!("OBJ_{name}"),
        description: Some(description.to_owned()),
        subjects: vec![format!("$O.{name}.C.>"), format!("$O.{name}.M.>")],
        max_messages_per_subject: 1,
        max_message_size: -1,
        discard: DiscardPolicy::New,
        discard_new_per_subject: true,
        // Every NATS client then reads entries from the leader: a replica may lag behind.
        allow_direct: false,
        ..Config::default()
    };
    WantedStream::new(name, config)
}

fn logs() -> WantedStream {
    let config = Config {
        name: LOGS_STREAM.to_owned(),
        description: Some("Phases and log lines of builds.".to_owned()),
        subjects: vec![format!("{LOGS_SUBJECT_PREFIX}>")],
        max_age: 7 * DAY,
        max_messages_per_subject: 5000,
        max_message_size: 64 * 1024,
        discard: DiscardPolicy::Old,
        compression: Some(Compression::S2),
        allow_direct: true,
        duplicate_window: Duration::from_mins(2),
        ..Config::default()
    };
    WantedStream::new(LOGS_STREAM, config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_allows_rollups_and_objects_are_written_once() {
        for wanted in wanted_streams(&ProvisionOptions::default()) {
            let config = &wanted.config;
            assert!(!config.allow_rollup, "{}", wanted.shown);
            assert_eq!(config.subject_delete_marker_ttl, None, "{}", wanted.shown);
            let is_write_once = WantedStream::is_write_once(config);
            let expected = wanted.copy.is_some()
                || [GOCACHE_BUCKET, PUBLICATIONS_BUCKET].contains(&wanted.shown);
            assert_eq!(is_write_once, expected, "{}", wanted.shown);
        }
    }
}
