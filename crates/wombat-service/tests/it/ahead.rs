//! Builds that are begun ahead of their request: which, and what they cost the client of a gateway.

use std::time::Duration;

use async_nats::Client;
use serde_json::{Value, json};
use wombat_model::{BuildKey, Presence, SandboxLevel, Template, names::CLIENT_HEADER};
use wombat_service::{ModulePolicy, ServiceArgs};
use wombat_store::{AheadOrders, Connection, Store, roles::NatsRole};
use wombat_testkit::{NatsServer, wait_until};

use crate::support::{Instance, ask, body, unlimited};

const LIMIT: Duration = Duration::from_secs(10);

/// A service with an idle builder, whose orders the test reads.
struct System {
    connection: Connection,
    orders: AheadOrders,
    instance: Instance,
    _builder: Connection,
    _server: NatsServer,
}

impl System {
    async fn start(args: ServiceArgs) -> anyhow::Result<Self> {
        let server = NatsServer::start()?;
        let (connection, store) = server.store().await?;
        let instance = Box::pin(Instance::start(&server, args)).await?;
        let builder = server.connection_as(NatsRole::Builder).await?;
        let orders = builder.ahead_orders().await?;
        builder.client().flush().await?;
        a_builder(&store, connection.client()).await?;
        Ok(Self {
            connection,
            orders,
            instance,
            _builder: builder,
            _server: server,
        })
    }
}

/// An idle builder, which lives as long as a test.
async fn a_builder(store: &Store, client: &Client) -> anyhow::Result<()> {
    let presence = Presence {
        builder: "fox-1".parse()?,
        host: "fox".to_owned(),
        version: "0.2.0".to_owned(),
        workers: 1,
        catalog_workers: 0,
        active: Vec::new(),
        go: None,
        sandbox: SandboxLevel::Namespaces,
        templates: Template::KNOWN.to_vec(),
        draining: false,
        problem: None,
        lease_ms: 60_000,
    };
    let lease = Duration::from_mins(1);
    store.builders.renew(&presence, lease).await?;
    wait_until("the service sees the builder", LIMIT, async || {
        let answer = ask(client, "build.builders", &json!({})).await.unwrap();
        Ok((!answer["builders"].as_array().unwrap().is_empty()).then_some(()))
    })
    .await
}

/// Asks `subject` as a gateway does for its client.
async fn of_client(
    client: &Client,
    subject: &'static str,
    question: &Value,
) -> anyhow::Result<Value> {
    let mut headers = async_nats::HeaderMap::new();
    headers.insert(CLIENT_HEADER, "192.0.2.1");
    let payload = question.to_string().into();
    let asked = client.request_with_headers(subject, headers, payload);
    Ok(serde_json::from_slice(&asked.await?.payload)?)
}

async fn next(orders: &mut AheadOrders) -> anyhow::Result<BuildKey> {
    let order = tokio::time::timeout(LIMIT, orders.next()).await?;
    Ok(order.expect("the connection is open").build.key())
}

/// The id in an answer.
fn id(answer: &Value) -> BuildKey {
    answer["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_build_ahead_counts_and_its_request_is_free() -> anyhow::Result<()> {
    let args = ServiceArgs {
        client_quota: Some(2),
        ..unlimited()
    };
    let mut system = Box::pin(System::start(args)).await?;
    let client = system.connection.client();
    let orders = &mut system.orders;

    let ahead = of_client(client, "build.ahead", &body("nats")).await?;
    assert_eq!(next(orders).await?, id(&ahead));
    let again = of_client(client, "build.ahead", &body("nats")).await?;
    assert_eq!(next(orders).await?, id(&again), "it is repeated for free");
    let requested = of_client(client, "build.request", &body("nats")).await?;
    assert_eq!(requested["status"], "new", "{requested}");
    let other = of_client(client, "build.ahead", &body("redis_list")).await?;
    assert_eq!(next(orders).await?, id(&other));

    // The quota is used up: neither is another build begun nor requested, and questions are answered all the same.
    let third = of_client(client, "build.ahead", &body("kafka")).await?;
    assert!(third["packages"].is_array(), "{third}");
    let refused = of_client(client, "build.request", &body("kafka")).await?;
    assert_eq!(refused["error"]["code"], 429, "{refused}");
    let paid = of_client(client, "build.request", &body("redis_list")).await?;
    assert_eq!(paid["status"], "new", "{paid}");
    // Orders arrive in order: that of a client without a gateway is the next.
    let direct = ask(client, "build.ahead", &body("mqtt")).await.unwrap();
    assert_eq!(next(orders).await?, id(&direct));
    system.instance.stop().await?;
    Ok(())
}

#[tokio::test]
async fn only_what_the_catalog_has_is_begun_ahead() -> anyhow::Result<()> {
    let args = ServiceArgs {
        modules: Some(ModulePolicy::Any),
        ..unlimited()
    };
    let mut system = Box::pin(System::start(args)).await?;
    let client = system.connection.client();
    let orders = &mut system.orders;

    let mut strange = body("nats");
    strange["packages"] = json!(["example.com/private/plugin@v1.0.0"]);
    let answer = ask(client, "build.ahead", &strange).await.unwrap();
    assert!(answer["packages"].is_array(), "{answer}");
    let driver = json!({"goos": "linux", "goarch": "amd64", "components": ["sql_select", "driver/postgres"]});
    let of_catalog = ask(client, "build.ahead", &driver).await.unwrap();
    assert_eq!(next(orders).await?, id(&of_catalog), "the only order");
    system.instance.stop().await?;
    Ok(())
}
