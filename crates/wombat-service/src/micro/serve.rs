//! Runs the services: receives requests from all endpoints, answers each in a task of its own, and ends without
//! dropping any.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use async_nats::{
    Client, HeaderMap, Message, PublishError, Subject, Subscriber,
    connection::State,
    service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE},
};
use bytes::Bytes;
use futures::StreamExt;
use strum::VariantArray as _;
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, error};
use wombat_model::{Refusal, names::CLIENT_HEADER, wire::ErrorBody};
use wombat_store::ReplyRule;

use super::{
    queue_group::QUEUE_GROUP,
    tally::{Tally, one_line},
    verbs::SelfDescription,
};
use crate::{
    answers::Answers,
    endpoints::{Endpoint, MicroService},
    json::json,
    refusal,
};

/// Requests handled at once; others wait in the client library's buffer.
const AT_ONCE: usize = 128;
/// Longest time for an answer: a client must learn within two seconds that NATS is away.
const ANSWER_LIMIT: Duration = Duration::from_millis(1800);
/// Longest time for accepted requests at shutdown.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// Most requests accepted after the shutdown began: more than can be on their way.
const LAST_REQUESTS: u64 = 512;
/// An endpoint without requests for this long counts as idle.
const IDLE: Duration = Duration::from_millis(250);
/// Longest wait for the last requests.
const LEAVE_LIMIT: Duration = Duration::from_secs(3);
/// Longest time for the last answers to be sent.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// The running services.
#[derive(Debug)]
pub(crate) struct Micro {
    client: Client,
    /// Tasks that answer PING, INFO and STATS.
    verbs: JoinSet<()>,
    /// One task per endpoint.
    endpoints: JoinSet<()>,
    requests: TaskTracker,
    leave: CancellationToken,
}

impl Micro {
    /// Registers both services, which answer from then on.
    pub(crate) async fn start(
        client: &Client,
        answers: Arc<Answers>,
        replies: ReplyRule,
    ) -> anyhow::Result<Self> {
        let tally = Arc::new(Tally::default());
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let mut micro = Self {
            client: client.clone(),
            verbs: JoinSet::new(),
            endpoints: JoinSet::new(),
            requests: TaskTracker::new(),
            leave: CancellationToken::new(),
        };
        for &endpoint in Endpoint::VARIANTS {
            let subscriber = client
                .queue_subscribe(endpoint.subject(), QUEUE_GROUP.to_owned())
                .await
                .with_context(|| format!("subscribing to `{}`", endpoint.subject()))?;
            let intake = Intake {
                replies: replies.clone(),
                permits: Arc::clone(&permits),
                tasks: micro.requests.clone(),
                responder: Responder {
                    client: client.clone(),
                    answers: Arc::clone(&answers),
                    tally: Arc::clone(&tally),
                    endpoint,
                },
            };
            micro
                .endpoints
                .spawn(intake.run(subscriber, micro.leave.clone()));
        }
        for &service in MicroService::VARIANTS {
            let description = SelfDescription::new(client, service, &tally, replies.clone());
            let questions = description
                .subscribe()
                .await
                .with_context(|| format!("starting the micro service `{}`", service.name()))?;
            let ping = description.ping_subject();
            micro.verbs.spawn(description.answer(questions));
            // The server may not know the subscriptions yet. It handles the messages of one connection in order: once
            // this is answered, all earlier subscriptions are active.
            client
                .request(ping, "".into())
                .await
                .with_context(|| format!("starting the micro service `{}`", service.name()))?;
        }
        Ok(micro)
    }

    /// Waits for `stop`, then accepts no more requests and answers the accepted ones.
    pub(crate) async fn run(mut self, stop: &CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.cancelled() => {}
            _ = self.endpoints.join_next() => bail!("an endpoint ended: the connection to NATS is closed"),
        }
        // A client that looks for the services now must not find this instance.
        self.verbs.shutdown().await;
        self.leave.cancel();
        let drained = async {
            while self.endpoints.join_next().await.is_some() {}
            self.requests.close();
            self.requests.wait().await;
        };
        if timeout(DRAIN_LIMIT, drained).await.is_err() {
            error!("some requests weren't answered before the shutdown");
        }
        match timeout(FLUSH_LIMIT, self.client.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                debug!(%error, "the connection was gone before the last answers were sent");
            }
            Err(_) => debug!("NATS was away before the last answers were sent"),
        }
        Ok(())
    }
}

/// Receives the requests of one endpoint.
struct Intake {
    replies: ReplyRule,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    responder: Responder,
}

impl Intake {
    async fn run(self, mut requests: Subscriber, leave: CancellationToken) {
        let mut taken = 0;
        let mut leaves = std::pin::pin!(leave.cancelled());
        loop {
            let request = tokio::select! {
                biased;
                () = &mut leaves => break,
                request = requests.next() => request,
            };
            let Some(request) = request else { return };
            taken += 1;
            self.take(request).await;
        }
        // Without a server nothing is on its way, and the client library couldn't end the subscription.
        if self.responder.client.connection_state() != State::Connected {
            return;
        }
        match timeout(LEAVE_LIMIT * 2, self.leave(&mut requests, taken)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                debug!(%error, "the connection was gone before the last requests came");
            }
            Err(_) => debug!("NATS was away before the last requests came"),
        }
    }

    /// Accepts the requests that are still on their way. On unsubscribing, the client library forgets a subscription
    /// before the server does, and requests in between are lost. So the server is asked to end it after a few more
    /// requests; only if these don't come, and little can be lost, it is ended at once.
    async fn leave(
        &self,
        requests: &mut Subscriber,
        taken: u64,
    ) -> Result<(), async_nats::UnsubscribeError> {
        requests.unsubscribe_after(taken + LAST_REQUESTS).await?;
        let until = Instant::now() + LEAVE_LIMIT;
        while Instant::now() < until {
            match timeout(IDLE, requests.next()).await {
                Ok(Some(request)) => self.take(request).await,
                Ok(None) => return Ok(()),
                Err(_) => break,
            }
        }
        requests.unsubscribe().await?;
        while let Some(request) = requests.next().await {
            self.take(request).await;
        }
        Ok(())
    }

    async fn take(&self, request: Message) {
        let Some(inbox) = self.replies.inbox(&request) else {
            self.responder.tally.count_dropped(self.responder.endpoint);
            return;
        };
        // A cached answer needs no task.
        if self.responder.at_once(&request, &inbox).await {
            return;
        }
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return;
        };
        let responder = self.responder.clone();
        self.tasks.spawn(async move {
            responder.respond(request, inbox).await;
            drop(permit);
        });
    }
}

/// Answers the requests of one endpoint.
#[derive(Clone)]
struct Responder {
    client: Client,
    answers: Arc<Answers>,
    tally: Arc<Tally>,
    endpoint: Endpoint,
}

impl Responder {
    /// Answers from the cache; `false`: that isn't possible.
    async fn at_once(&self, request: &Message, inbox: &Subject) -> bool {
        let start = Instant::now();
        let Some(body) = self.answers.at_once(self.endpoint, &request.payload) else {
            return false;
        };
        self.tally.count(self.endpoint, start.elapsed(), None);
        self.sent(self.client.publish(inbox.clone(), body).await);
        true
    }

    async fn respond(&self, request: Message, inbox: Subject) {
        let start = Instant::now();
        let client = request
            .headers
            .as_ref()
            .and_then(|headers| headers.get(CLIENT_HEADER)?.as_str().parse().ok());
        let answer = self.answers.answer(self.endpoint, &request.payload, client);
        let answer = match timeout(ANSWER_LIMIT, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(refusal::away()),
        };
        self.tally
            .count(self.endpoint, start.elapsed(), answer.as_ref().err());
        let sent = match answer {
            Ok(body) => self.client.publish(inbox, body).await,
            Err(refusal) => {
                let (body, headers) = refused(refusal);
                self.client.publish_with_headers(inbox, headers, body).await
            }
        };
        self.sent(sent);
    }

    fn sent(&self, sent: Result<(), PublishError>) {
        if let Err(error) = sent {
            debug!(endpoint = self.endpoint.name(), %error, "an answer couldn't be sent");
        }
    }
}

/// The body and headers of an error.
fn refused(refusal: Refusal) -> (Bytes, HeaderMap) {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_SERVICE_ERROR, one_line(&refusal).as_str());
    headers.insert(
        NATS_SERVICE_ERROR_CODE,
        refusal.status.code().to_string().as_str(),
    );
    let body = json(&ErrorBody::from(refusal)).unwrap_or_default();
    (body, headers)
}
