//! An instance of the service in this process, and requests to it.

use std::time::Duration;

use async_nats::{
    Client, Message, Subscriber,
    client::{RequestError, RequestErrorKind},
};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle, time};
use tokio_util::sync::CancellationToken;
use wombat_service::{ServiceArgs, ServiceDeps, run};
use wombat_store::{Store, roles::NatsRole};
use wombat_testkit::NatsServer;

pub(crate) const CONNECT: &str = "github.com/redpanda-data/connect/v4/public/components";

/// A running instance.
pub(crate) struct Instance {
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
    pub(crate) state: TempDir,
}

impl Instance {
    /// Starts one and waits until it answers.
    pub(crate) async fn start(server: &NatsServer, args: ServiceArgs) -> anyhow::Result<Self> {
        Self::start_in(server, args, tempfile::tempdir()?).await
    }

    /// The same with an existing state directory.
    pub(crate) async fn start_in(
        server: &NatsServer,
        args: ServiceArgs,
        state: TempDir,
    ) -> anyhow::Result<Self> {
        let connection = server.connection_as(NatsRole::Service).await?;
        let store = Store::open(&connection).await?;
        let (ready, mut answers) = watch::channel(false);
        let deps = ServiceDeps {
            connection,
            store,
            state_dir: state.path().to_owned(),
            ready,
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(deps, args, stop.clone()));
        let instance = Self { stop, task, state };
        answers.wait_for(|ready| *ready).await?;
        Ok(instance)
    }

    /// Ends it and returns its state directory.
    pub(crate) async fn stop(self) -> anyhow::Result<TempDir> {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(15), self.task).await???;
        Ok(self.state)
    }
}

/// A server with all buckets, and one instance without a queue limit.
pub(crate) async fn one() -> anyhow::Result<(NatsServer, Client, Store, Instance)> {
    one_on(NatsServer::start()?).await
}

/// The same on this server.
pub(crate) async fn one_on(
    server: NatsServer,
) -> anyhow::Result<(NatsServer, Client, Store, Instance)> {
    let (connection, store) = Box::pin(server.store()).await?;
    let instance = Box::pin(Instance::start(&server, unlimited())).await?;
    Ok((server, connection.client().clone(), store, instance))
}

pub(crate) fn unlimited() -> ServiceArgs {
    ServiceArgs {
        queue_limit: Duration::ZERO,
        ..ServiceArgs::default()
    }
}

/// Sends a request; an error answer is an `Err` with its body.
pub(crate) async fn ask(client: &Client, subject: &str, question: &Value) -> Result<Value, Value> {
    ask_bytes(client, subject, question.to_string().as_bytes()).await
}

pub(crate) async fn ask_bytes(
    client: &Client,
    subject: &str,
    question: &[u8],
) -> Result<Value, Value> {
    let reply = reply(client, subject, question)
        .await
        .unwrap_or_else(|error| panic!("{subject}: {error}"));
    let body: Value = serde_json::from_slice(&reply.payload)
        .unwrap_or_else(|error| panic!("{subject}: {error}: {:?}", reply.payload));
    let header = |name: &str| {
        let headers = reply.headers.as_ref()?;
        Some(headers.get(name)?.as_str().to_owned())
    };
    match header("Nats-Service-Error-Code") {
        None => Ok(body),
        Some(code) => {
            assert_eq!(body["error"]["code"].to_string(), code, "{body}");
            let line = header("Nats-Service-Error").expect("both headers");
            assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
            Err(body)
        }
    }
}

/// Asks until an instance answers: the other servers of a cluster hear of its subscriptions a moment after its own one.
async fn reply(client: &Client, subject: &str, question: &[u8]) -> Result<Message, RequestError> {
    let until = time::Instant::now() + Duration::from_secs(5);
    loop {
        let reply = client.request(subject.to_owned(), question.to_vec().into());
        match reply.await {
            Err(error)
                if error.kind() == RequestErrorKind::NoResponders
                    && time::Instant::now() < until =>
            {
                tokio::task::yield_now().await;
            }
            reply => return reply,
        }
    }
}

/// A request for a build with this component.
pub(crate) fn body(component: &str) -> Value {
    json!({"goos": "linux", "goarch": "amd64", "components": [component]})
}

/// Calls of the JetStream API, of all connections.
pub(crate) struct Calls {
    client: Client,
    calls: Subscriber,
}

impl Calls {
    pub(crate) async fn watch(server: &NatsServer) -> anyhow::Result<Self> {
        let client = server.connection().await?.client().clone();
        let calls = client.subscribe("$JS.API.>").await?;
        client.flush().await?;
        Ok(Self { client, calls })
    }

    /// The calls since the last time.
    pub(crate) async fn since(&mut self) -> anyhow::Result<Vec<Message>> {
        const MARK: &str = "$JS.API.MARK";
        self.client.publish(MARK, "".into()).await?;
        let mut calls = Vec::new();
        loop {
            let call = self.calls.next().await.expect("the connection is open");
            if call.subject.as_str() == MARK {
                return Ok(calls);
            }
            calls.push(call);
        }
    }
}
