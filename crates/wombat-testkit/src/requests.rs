//! Build requests, and the paths of their binaries.

use serde_json::Value;

/// A request for packages of Redpanda Connect for linux/amd64.
pub fn a_request(packages: &[&str]) -> Value {
    let paths: Vec<String> = packages.iter().map(|name| connect(name)).collect();
    serde_json::json!({"goos": "linux", "goarch": "amd64", "goVersion": "1.26.8", "packages": paths})
}

/// A request that differs for each number below 16,383: for builds by a stand-in, whose binaries are for linux/amd64.
pub fn a_distinct_request(n: u32) -> Value {
    let names = [
        "nats",
        "redis",
        "kafka",
        "mqtt",
        "amqp09",
        "sql",
        "prometheus",
        "confluent",
        "aws",
        "couchbase",
        "gcp",
        "mongodb",
        "pulsar",
        "splunk",
    ];
    let selections = (1 << names.len()) - 1;
    let selection = n % selections + 1;
    let picked: Vec<&str> = names
        .iter()
        .enumerate()
        .filter(|(bit, _)| selection & (1 << bit) != 0)
        .map(|(_, name)| *name)
        .collect();
    a_request(&picked)
}

/// The bytes of a client that opens an HTTP/2 connection, and a thousand streams that it resets at once.
pub fn rapid_resets() -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for stream in (1..2_000_u32).step_by(2) {
        // HEADERS with an empty block, then RST_STREAM with CANCEL.
        bytes.extend_from_slice(&[0, 0, 0, 1, 5]);
        bytes.extend_from_slice(&stream.to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 4, 3, 0]);
        bytes.extend_from_slice(&stream.to_be_bytes());
        bytes.extend_from_slice(&8_u32.to_be_bytes());
    }
    bytes
}

/// The import path of a package of Redpanda Connect.
pub fn connect(name: &str) -> String {
    format!("github.com/redpanda-data/connect/v4/public/components/{name}")
}

/// The path of a build's binary.
pub fn artifact_path(id: &str) -> String {
    let parts: Vec<&str> = id.split('.').collect();
    format!(
        "/artifacts/{}/{}/{}/{}",
        parts[1], parts[2], parts[3], parts[4]
    )
}
