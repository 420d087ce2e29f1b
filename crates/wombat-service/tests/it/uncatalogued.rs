//! Builds with modules from outside the catalog: what they leave to others of the store.

use std::time::Duration;

use async_nats::{Client, HeaderMap};
use serde_json::{Value, json};
use wombat_model::{BuildKey, BuildSpec, names::CLIENT_HEADER};
use wombat_service::{ModulePolicy, ServiceArgs};
use wombat_store::{ProvisionOptions, Store};
use wombat_testkit::{NatsServer, a_spec, wait_until};

use crate::{
    janitor::{LIMIT, build, build_of},
    support::{Instance, ask, body, unlimited},
};

const MIB: usize = 1 << 20;
const KEPT: Duration = Duration::from_secs(1);

/// An instance that builds any module.
async fn open_instance(server: &NatsServer, more: ServiceArgs) -> anyhow::Result<Instance> {
    let args = ServiceArgs {
        modules: Some(ModulePolicy::Any),
        ..more
    };
    Box::pin(Instance::start(server, args)).await
}

/// A store whose binaries may take this many MiB.
fn limited(mebibytes: u64) -> ProvisionOptions {
    ProvisionOptions {
        artifacts_limit: Some(mebibytes << 20),
        ..ProvisionOptions::default()
    }
}

/// Of a version that the catalog lacks.
fn uncatalogued(package: &str) -> BuildSpec {
    let spec = a_spec().package(package).build();
    let module = spec.graph().clone();
    let version = "v4.104.9".parse().unwrap();
    let modules = [(module.clone(), version)].into();
    BuildSpec::new(
        spec.target(),
        spec.go(),
        spec.packages().clone(),
        modules,
        module,
    )
    .unwrap()
}

/// A request that names a module which the catalog lacks; another one for each number.
fn foreign(number: u32) -> Value {
    let mut request = body("nats");
    request["packages"] = json!([format!("example.com/private/plugin{number}@v1.0.0")]);
    request
}

async fn is_there(store: &Store, key: &BuildKey) -> anyhow::Result<bool> {
    let record = store.builds.get(key).await?.unwrap();
    Ok(record.value.artifact().is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_loses_the_youngest_uncatalogued_binaries_first() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (_connection, store) = server.store_with(&limited(30)).await?;
    let oldest = build(&store, "oldest", 5 * MIB).await?;
    let first = build_of(&store, &uncatalogued("first"), 5 * MIB).await?;
    let second = build_of(&store, &uncatalogued("second"), 5 * MIB).await?;
    let newest = build(&store, "newest", 5 * MIB).await?;
    let last = build(&store, "last", 5 * MIB).await?;
    let finished = store.builds.get(&last).await?.unwrap().value.finished();
    wait_until("all are old enough", LIMIT, async || {
        let age = store.builds.now().await? - finished.unwrap();
        Ok((age > KEPT).then_some(()))
    })
    .await?;
    let args = ServiceArgs {
        keep_at_least: KEPT,
        janitor_interval: Duration::from_secs(1),
        ..unlimited()
    };
    let instance = open_instance(&server, args).await?;
    wait_until("room is made", LIMIT, async || {
        let (used, limit) = store.artifacts.usage().await?;
        Ok((used <= limit.unwrap() / 100 * 80).then_some(()))
    })
    .await?;
    assert!(!is_there(&store, &second).await?);
    for key in [&oldest, &first, &newest, &last] {
        assert!(is_there(&store, key).await?, "{key}");
    }
    // The other one, and then the oldest.
    for (n, goes) in [&first, &oldest].into_iter().enumerate() {
        build(&store, &format!("more{n}"), 5 * MIB).await?;
        wait_until("room is made again", LIMIT, async || {
            Ok((!is_there(&store, goes).await?).then_some(()))
        })
        .await?;
        assert!(is_there(&store, &newest).await?);
    }
    instance.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_fifth_of_the_store_is_for_builds_of_the_catalog() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store_with(&limited(10)).await?;
    let instance = open_instance(&server, unlimited()).await?;
    let client = connection.client();
    let taken = ask(client, "build.request", &foreign(0)).await;
    assert_eq!(taken.unwrap()["status"], "new");
    for n in 0..9 {
        let name = format!("o{n}");
        store.artifacts.put_bytes(&name, &vec![7; MIB]).await?;
    }
    // The service looks again after a second at the latest.
    let mut number = 0;
    let refused = wait_until("others are refused", LIMIT, async || {
        number += 1;
        Ok(ask(client, "build.request", &foreign(number)).await.err())
    })
    .await?;
    assert_eq!(refused["error"]["code"], 503, "{refused}");
    assert!(refused["error"]["retryAfter"].is_number(), "{refused}");
    let says = "its last 20 % are for builds of the catalog";
    assert!(refused.to_string().contains(says), "{refused}");
    let taken = ask(client, "build.request", &body("output/redis_list")).await;
    assert_eq!(taken.unwrap()["status"], "new");
    instance.stop().await?;
    Ok(())
}

/// Requests a build as a gateway does for the client at `from`.
async fn request(client: &Client, wanted: &Value, from: &str) -> anyhow::Result<Value> {
    let mut headers = HeaderMap::new();
    headers.insert(CLIENT_HEADER, from);
    let payload = wanted.to_string().into();
    let asked = client.request_with_headers("build.request", headers, payload);
    Ok(serde_json::from_slice(&asked.await?.payload)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_a_quota_of_uncatalogued_bytes() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, store) = server.store().await?;
    let args = ServiceArgs {
        // One of unknown size, and not another one.
        client_uncatalogued_quota: Some(300 << 20),
        ..unlimited()
    };
    let instance = open_instance(&server, args).await?;
    let (client, one) = (connection.client(), "192.0.2.1");
    let first = request(client, &foreign(1), one).await?;
    assert_eq!(first["status"], "new", "{first}");
    let again = request(client, &foreign(1), one).await?;
    assert_eq!(again["status"], "new", "an existing build is free");
    let refused = request(client, &foreign(2), one).await?;
    assert_eq!(refused["error"]["code"], 429, "{refused}");
    // 212 of 300 MiB are missing, which takes 16.96 hours.
    assert!(
        refused
            .to_string()
            .contains("300 MiB; the next one may be requested in 17 hours"),
        "{refused}"
    );
    let wait = refused["error"]["retryAfter"].as_u64().unwrap();
    assert!((60_000..=61_100).contains(&wait), "{wait}");
    let honest = request(client, &body("redis_list"), one).await?;
    assert_eq!(honest["status"], "new", "{honest}");
    let other = request(client, &foreign(3), "192.0.2.2").await?;
    assert_eq!(other["status"], "new", "{other}");

    let key = first["id"].as_str().unwrap().parse()?;
    store.builds.cancel(&key).await?.unwrap().unwrap();
    wait_until(
        "a build that ended without a binary is free",
        LIMIT,
        async || {
            let answer = request(client, &foreign(2), one).await?;
            Ok((answer["status"] == "new").then_some(()))
        },
    )
    .await?;
    instance.stop().await?;
    Ok(())
}
