//! What the real binary is made of. Its other packages need tools or many minutes of compiling; what lint can't see of
//! their components is left to `the_catalog_says_what_real_binaries_hold`.

/// The version of Redpanda Connect.
pub const CONNECT: &str = "v4.105.0";
/// The version of Benthos that it requires.
pub const BENTHOS: &str = "v4.77.0";
/// Their folders in the catalog.
pub(super) const CONNECT_FOLDER: &str = "connect-v4.105.0";
pub(super) const BENTHOS_FOLDER: &str = "benthos-v4.77.0";

/// Packages below the components of Redpanda Connect, as the catalog names their files.
pub const PACKAGES: [&str; 31] = [
    "amqp09",
    "amqp1",
    "avro",
    "beanstalkd",
    "changelog",
    "crypto",
    "discord",
    "influxdb",
    "jaeger",
    "javascript",
    "kafka",
    "maxmind",
    "memcached",
    "mqtt",
    "msgpack",
    "nanomsg",
    "nats",
    "nsq",
    "opensearch",
    "otlp",
    "prometheus",
    "pure-extended",
    "pusher",
    "questdb",
    "redis",
    "sentry",
    "sftp",
    "sql-base",
    "statsd",
    "text",
    "twitter",
];
