//! Runs the services: takes requests from all endpoints, answers each in a task of its own, and ends without dropping one.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use async_nats::{
    Client, HeaderMap,
    service::{
        NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE, Request, Service, ServiceExt,
        endpoint::Endpoint as Requests,
    },
};
use futures::StreamExt;
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, error};
use wombat_model::{Refusal, wire::ErrorBody};

use super::{
    Endpoint,
    endpoints::MicroService,
    metadata,
    tally::{Tally, one_line},
};
use crate::{
    answers::{Answers, json},
    refusal,
};

/// Requests that are worked on at once; others wait, in the client's buffer.
const AT_ONCE: usize = 128;
/// How long an answer may take; a caller is told within two seconds that NATS is away.
const ANSWER_LIMIT: Duration = Duration::from_millis(1800);
/// How long accepted requests may take at the end.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// The running services.
#[derive(Debug)]
pub(crate) struct Micro {
    services: Vec<Service>,
    /// One task an endpoint.
    endpoints: JoinSet<()>,
    requests: TaskTracker,
    client: Client,
}

impl Micro {
    /// Registers both services. From here on they answer.
    pub(crate) async fn start(client: &Client, answers: Arc<Answers>) -> anyhow::Result<Self> {
        let tally = Arc::new(Tally::default());
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let mut micro = Self {
            services: Vec::new(),
            endpoints: JoinSet::new(),
            requests: TaskTracker::new(),
            client: client.clone(),
        };
        for service in MicroService::ALL {
            let counted = Arc::clone(&tally);
            let running = client
                .service_builder()
                .description(service.description())
                .metadata(metadata::of_service())
                .stats_handler(move |name, _| counted.data(&name))
                .start(service.name(), env!("CARGO_PKG_VERSION"))
                .await
                .map_err(|error| anyhow!("{error}"))
                .with_context(|| format!("starting the micro service `{}`", service.name()))?;
            let group = running.group(service.name());
            for endpoint in Endpoint::ALL {
                if endpoint.service() != service {
                    continue;
                }
                let requests = group
                    .endpoint_builder()
                    .name(endpoint.name())
                    .metadata(metadata::of(endpoint))
                    .add(endpoint.name())
                    .await
                    .map_err(|error| anyhow!("{error}"))
                    .with_context(|| format!("adding the endpoint `{}`", endpoint.name()))?;
                let responder = Responder {
                    answers: Arc::clone(&answers),
                    tally: Arc::clone(&tally),
                    endpoint,
                };
                let (permits, tasks) = (Arc::clone(&permits), micro.requests.clone());
                micro
                    .endpoints
                    .spawn(serve(requests, responder, permits, tasks));
            }
            micro.services.push(running);
        }
        for service in &micro.services {
            // Subscriptions are only on their way by now. A server handles what one connection sends in order: where
            // this is answered, they are known.
            let info = service.info().await;
            client
                .request(format!("$SRV.PING.{}.{}", info.name, info.id), "".into())
                .await
                .context("registering the services")?;
        }
        Ok(micro)
    }

    /// Waits for `stop`, then takes no more requests and answers those that were taken.
    pub(crate) async fn run(mut self, stop: &CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.cancelled() => {}
            _ = self.endpoints.join_next() => return Err(anyhow!("an endpoint ended: the connection is closed")),
        }
        for service in self.services.drain(..) {
            service.stop().await.map_err(|error| anyhow!("{error}"))?;
        }
        let drained = async {
            while self.endpoints.join_next().await.is_some() {}
            self.requests.close();
            self.requests.wait().await;
        };
        if tokio::time::timeout(DRAIN_LIMIT, drained).await.is_err() {
            error!("requests were still being answered at the end");
        }
        if let Err(error) = self.client.flush().await {
            debug!(%error, "the connection was gone before the last answers were sent");
        }
        Ok(())
    }
}

async fn serve(
    mut requests: Requests,
    responder: Responder,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
) {
    while let Some(request) = requests.next().await {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let responder = responder.clone();
        tasks.spawn(async move {
            responder.respond(request).await;
            drop(permit);
        });
    }
}

/// Answers the requests of one endpoint.
#[derive(Clone)]
struct Responder {
    answers: Arc<Answers>,
    tally: Arc<Tally>,
    endpoint: Endpoint,
}

impl Responder {
    async fn respond(&self, request: Request) {
        let answer = self.answers.answer(self.endpoint, &request.message.payload);
        let answer = match tokio::time::timeout(ANSWER_LIMIT, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(refusal::away()),
        };
        let (body, headers) = match answer {
            Ok(body) => (body, HeaderMap::new()),
            Err(refusal) => {
                self.tally.count(self.endpoint, &refusal);
                refused(refusal)
            }
        };
        let sent = request.respond_with_headers(Ok(body.into()), headers).await;
        if let Err(error) = sent {
            debug!(endpoint = self.endpoint.name(), %error, "an answer couldn't be sent");
        }
    }
}

/// The body and headers of an error.
fn refused(refusal: Refusal) -> (Vec<u8>, HeaderMap) {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_SERVICE_ERROR, one_line(&refusal).as_str());
    headers.insert(
        NATS_SERVICE_ERROR_CODE,
        refusal.status.code().to_string().as_str(),
    );
    let body = json(&ErrorBody::from(refusal)).unwrap_or_default();
    (body, headers)
}
