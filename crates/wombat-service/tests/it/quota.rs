//! Quotas of new builds for the clients of a gateway.

use async_nats::{Client, jetstream};
use serde_json::Value;
use wombat_model::names::CLIENT_HEADER;
use wombat_service::ServiceArgs;
use wombat_testkit::NatsServer;

use crate::support::{Instance, ask, body, unlimited};

/// An instance with this quota.
async fn instance_with(server: &NatsServer, quota: u32) -> anyhow::Result<Instance> {
    let args = ServiceArgs {
        client_quota: Some(quota),
        ..unlimited()
    };
    Box::pin(Instance::start(server, args)).await
}

/// Requests a build as a gateway does for the client at `from`.
async fn request(client: &Client, component: &str, from: &str) -> anyhow::Result<Value> {
    let mut headers = async_nats::HeaderMap::new();
    headers.insert(CLIENT_HEADER, from);
    let payload = body(component).to_string().into();
    let asked = client.request_with_headers("build.request", headers, payload);
    Ok(serde_json::from_slice(&asked.await?.payload)?)
}

#[tokio::test]
async fn a_client_of_a_gateway_has_a_quota_of_new_builds() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, _store) = server.store().await?;
    let client = connection.client();
    let instance = instance_with(&server, 2).await?;
    for component in ["nats", "nats", "nats", "redis_list"] {
        let view = request(client, component, "192.0.2.1").await?;
        assert_eq!(view["status"], "new", "{view}");
    }
    let refused = request(client, "kafka", "192.0.2.1").await?;
    assert_eq!(refused["error"]["code"], 429, "{refused}");
    assert!(refused["error"]["retryAfter"].as_u64().unwrap() > 0);
    let known = request(client, "nats", "192.0.2.1").await?;
    assert_eq!(known["status"], "new", "an existing build is free");
    let other = request(client, "kafka", "192.0.2.2").await?;
    assert_eq!(other["status"], "new", "{other}");
    let direct = ask(client, "build.request", &body("mqtt")).await.unwrap();
    assert_eq!(direct["status"], "new", "no gateway, no quota");
    instance.stop().await?;
    Ok(())
}

/// While the stream acknowledges nothing, the request's time runs out in the middle of the write.
#[tokio::test]
async fn a_request_that_runs_out_of_time_costs_nothing() -> anyhow::Result<()> {
    let server = NatsServer::start()?;
    let (connection, _store) = server.store().await?;
    let client = connection.client();
    let instance = instance_with(&server, 1).await?;
    let jetstream = jetstream::new(client.clone());
    let stream = jetstream.get_stream("KV_builds").await?;
    let whole = stream.cached_info().config.clone();
    let silent = jetstream::stream::Config {
        no_ack: true,
        ..whole.clone()
    };

    jetstream.update_stream(silent).await?;
    let refused = request(client, "nats", "192.0.2.1").await?;
    assert_eq!(refused["error"]["code"], 503, "{refused}");
    jetstream.update_stream(whole).await?;

    let view = request(client, "redis_list", "192.0.2.1").await?;
    assert_eq!(view["status"], "new", "the quota is untouched: {view}");
    let refused = request(client, "kafka", "192.0.2.1").await?;
    assert_eq!(refused["error"]["code"], 429, "{refused}");
    instance.stop().await?;
    Ok(())
}
