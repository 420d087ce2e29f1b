//! A stolen key in the hands of the plain client library, without any of the product's code.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use async_nats::{
    Client, ConnectOptions, Event, HeaderMap, Request, RequestErrorKind, ServerError, Subscriber,
};
use bytes::Bytes;
use serde_json::Value;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::timeout,
};
use wombat_store::roles::{NatsRole, Permissions, UserName};

use super::{layout::Layout, verdict::Answer};

/// Generous: the machine may be busy with other tests.
const LIMIT: Duration = Duration::from_secs(30);
/// Messages between two barriers: the client library drops events when 128 are unread.
const BATCH: usize = 50;
/// The JetStream API of the store in the accounts of roles.
pub(super) const API: &str = "$JS.wombat.API.";

/// A client with a stolen key.
pub(super) struct Thief {
    pub(super) role: NatsRole,
    /// The name of its user in subjects.
    pub(super) user: UserName,
    client: Client,
    denials: broadcast::Sender<String>,
    barriers: AtomicU64,
}

/// A message without the client's own inbox.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    pub(super) subject: String,
    pub(super) reply: Option<String>,
    pub(super) header: Option<(&'static str, String)>,
    pub(super) payload: String,
}

impl Thief {
    pub(super) async fn of(layout: &Layout, role: NatsRole) -> anyhow::Result<Self> {
        let folder = Layout::stolen(role);
        let user = layout.name(&folder)?;
        let inbox = match role {
            NatsRole::Builder => format!("{}.{user}", role.inbox_prefix()),
            NatsRole::Admin
            | NatsRole::Service
            | NatsRole::Publisher
            | NatsRole::Api
            | NatsRole::ReadOnly => role.inbox_prefix(),
        };
        let (denials, _) = broadcast::channel(1024);
        let told = denials.clone();
        let options = ConnectOptions::with_nkey(layout.seed(&folder)?)
            .custom_inbox_prefix(inbox)
            .request_timeout(Some(LIMIT))
            .event_callback(move |event| {
                let told = told.clone();
                async move {
                    if let Event::ServerError(ServerError::Other(words)) = event {
                        // Between attacks there is no receiver.
                        drop(told.send(words));
                    }
                }
            });
        Ok(Self {
            role,
            user,
            client: options.connect(layout.urls()).await?,
            denials,
            barriers: AtomicU64::new(0),
        })
    }

    /// What its user may publish to.
    pub(super) fn publishable(&self) -> Vec<String> {
        Permissions::of(self.role, &self.user).publish
    }

    /// Sends a request and waits for its end, whatever that is.
    pub(super) async fn send(
        &self,
        subject: &str,
        headers: &[(&str, &str)],
        payload: impl Into<Bytes>,
    ) -> anyhow::Result<Answer> {
        let mut denials = self.denials.subscribe();
        let mut request = Request::new().payload(payload.into());
        if !headers.is_empty() {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, *value);
            }
            request = request.headers(map);
        }
        let named = format!("\"{subject}\"");
        tokio::select! {
            denied = told_of(&mut denials, &named) => denied.map(|_| Answer::Denied),
            reply = self.client.send_request(subject.to_owned(), request) => match reply {
                Ok(message) => Ok(Answer::of(&message.payload)),
                Err(error) if error.kind() == RequestErrorKind::NoResponders => Ok(Answer::Nothing),
                Err(error) => bail!("{subject} as {}: {error}", self.role),
            },
        }
    }

    /// The same without headers.
    pub(super) async fn ask(&self, subject: &str, question: &Value) -> anyhow::Result<Answer> {
        self.send(subject, &[], question.to_string()).await
    }

    /// Sends messages whose answers it doesn't wait for. Returns how many of them the server refuses.
    pub(super) async fn send_all(&self, messages: &[Sent]) -> anyhow::Result<usize> {
        let mut refused = 0;
        for batch in messages.chunks(BATCH) {
            let mut denials = self.denials.subscribe();
            for Sent {
                subject,
                reply,
                header,
                payload,
            } in batch
            {
                let (subject, payload) = (subject.clone(), payload.clone().into());
                let mut headers = HeaderMap::new();
                if let Some((name, value)) = header {
                    headers.insert(*name, value.as_str());
                }
                let client = &self.client;
                match (reply.clone(), headers.is_empty()) {
                    (None, true) => client.publish(subject, payload).await?,
                    (None, false) => {
                        client
                            .publish_with_headers(subject, headers, payload)
                            .await?;
                    }
                    (Some(reply), true) => {
                        client.publish_with_reply(subject, reply, payload).await?;
                    }
                    (Some(reply), false) => {
                        client
                            .publish_with_reply_and_headers(subject, reply, headers, payload)
                            .await?;
                    }
                }
            }
            refused += self.barrier(&mut denials).await?;
        }
        Ok(refused)
    }

    /// Subscribes; `None`: the server refuses it.
    pub(super) async fn subscribe(
        &self,
        subject: &str,
        queue: Option<&str>,
    ) -> anyhow::Result<Option<Subscriber>> {
        let mut denials = self.denials.subscribe();
        let subject = subject.to_owned();
        let subscriber = match queue {
            Some(queue) => {
                self.client
                    .queue_subscribe(subject, queue.to_owned())
                    .await?
            }
            None => self.client.subscribe(subject).await?,
        };
        let refused = self.barrier(&mut denials).await?;
        Ok((refused == 0).then_some(subscriber))
    }

    /// Waits until the server has processed everything before, and returns how much of it was refused: it answers a
    /// message to a subject that no role has after all others.
    async fn barrier(&self, denials: &mut broadcast::Receiver<String>) -> anyhow::Result<usize> {
        let number = self.barriers.fetch_add(1, Ordering::Relaxed);
        let subject = format!("not.permitted.{number}");
        self.client.publish(subject.clone(), Bytes::new()).await?;
        let words = format!("\"{subject}\"");
        let counted = timeout(LIMIT, told_of(denials, &words));
        counted.await.context("the server doesn't refuse it")?
    }
}

/// Waits for a refusal with these words, and returns how many others came before it.
async fn told_of(denials: &mut broadcast::Receiver<String>, words: &str) -> anyhow::Result<usize> {
    let mut others = 0;
    loop {
        match denials.recv().await {
            Ok(denial) if denial.contains(words) => return Ok(others),
            Ok(denial) => {
                ensure!(denial.contains("Permissions Violation"), "{denial}");
                others += 1;
            }
            Err(RecvError::Lagged(_) | RecvError::Closed) => bail!("a refusal wasn't read in time"),
        }
    }
}
