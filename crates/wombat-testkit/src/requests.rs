//! Requests as people send them, and where their answers lead.

use serde_json::Value;

/// A request for packages of Redpanda Connect for linux/amd64.
pub fn a_request(packages: &[&str]) -> Value {
    let paths: Vec<String> = packages.iter().map(|name| connect(name)).collect();
    serde_json::json!({"goos": "linux", "goarch": "amd64", "goVersion": "1.26.8", "packages": paths})
}

/// A request that no other of these numbers equals: for builds by a stand-in.
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
    ];
    let picked: Vec<&str> = names
        .iter()
        .enumerate()
        .filter(|(bit, _)| (n + 1) & (1 << bit) != 0)
        .map(|(_, name)| *name)
        .collect();
    a_request(&picked)
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
