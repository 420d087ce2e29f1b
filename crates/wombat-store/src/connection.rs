//! A role's connection to NATS, and its health.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use async_nats::{Client, connection::State, jetstream};
use tokio::{sync::watch, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

use crate::{
    Health, NatsArgs,
    address::{Servers, without_login},
    clock::ServerClock,
    complaints::Complaints,
    fitness,
    health::report,
    jetstream_api::JetStreamApi,
    login::{ConnectError, Login, login},
    roles::{NatsRole, UserName, inbox_prefix},
    writes::{Writes, restart_nats},
};

/// After three intervals without an answer the server counts as dead, and the next one is tried. A shorter interval
/// would fail uploads over slow links: a chunk of 512 KiB must be acknowledged within one.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// How long closing a connection may take: the server may be down, or hang.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// Waits between attempts to reconnect; the last one repeats.
const RECONNECT_DELAYS: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
];

/// A connection to NATS. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connection {
    client: Client,
    user: UserName,
    pub(crate) api: JetStreamApi,
    health: Arc<watch::Sender<Health>>,
    pub(crate) clock: ServerClock,
    pub(crate) complaints: Complaints,
    pub(crate) writes: Writes,
    /// Background tasks of this connection, such as following a stream.
    tasks: TaskTracker,
    /// Cancelled once they have had their time to end.
    closed: CancellationToken,
}

impl Connection {
    /// Connects, without retries. Afterwards the connection reconnects by itself, without end.
    ///
    /// `role` is the connection's name; `timeout` bounds every request and every acknowledgement.
    pub async fn open(
        args: &NatsArgs,
        role: &str,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let url = args.url.as_deref().unwrap_or("nats://127.0.0.1:4222");
        let servers = Servers::parse(url).map_err(|_| {
            ConnectError::Login(
                "the addresses in NATS_URL (--nats-url) contain different logins; use the same login for all servers",
            )
        })?;
        let health = Arc::new(watch::Sender::new(Health::default()));
        let reporter = Arc::clone(&health);
        let Login { options, user } = login(args, servers.login).await?;
        let own_inbox = || {
            let prefix = inbox_prefix(role);
            if role == NatsRole::Builder.name() {
                format!("{prefix}.{user}")
            } else {
                prefix
            }
        };
        let options = options
            .name(format!("wombat {role}"))
            .custom_inbox_prefix(args.inbox_prefix.clone().unwrap_or_else(own_inbox))
            .ping_interval(PING_INTERVAL)
            .request_timeout(Some(timeout))
            .connection_timeout(Duration::from_secs(5))
            .reconnect_delay_callback(|attempts| {
                RECONNECT_DELAYS[attempts.min(RECONNECT_DELAYS.len() - 1)]
            })
            .event_callback(move |event| {
                let reporter = Arc::clone(&reporter);
                async move { report(&reporter, &event) }
            });
        let client =
            options
                .connect(servers.addresses)
                .await
                .map_err(|source| ConnectError::Connect {
                    url: without_login(url),
                    source,
                })?;
        fitness::check(&client.server_info(), &without_login(url))?;
        health.send_if_modified(|health| {
            health
                .connected_since
                .get_or_insert_with(Instant::now)
                .elapsed()
                .is_zero()
        });
        Ok(Self {
            api: JetStreamApi::new(&client, timeout, args.js_domain.as_deref()),
            client,
            user,
            health,
            clock: ServerClock::default(),
            complaints: Complaints::default(),
            writes: Writes::default(),
            tasks: TaskTracker::new(),
            closed: CancellationToken::new(),
        })
    }

    /// For requests and micro services.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// For code in this crate; others use [`crate::Store`].
    pub(crate) fn jetstream(&self) -> &jetstream::Context {
        self.api.context()
    }

    /// The name of the user that is logged in, as it stands in subjects.
    pub fn user(&self) -> &UserName {
        &self.user
    }

    /// Whether writes would be sent now; the client would send a write made while it is down after reconnecting.
    pub fn is_up(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Waits until it is up.
    pub async fn until_up(&self) {
        let mut health = self.health();
        // It fails only when this connection ends.
        drop(
            health
                .wait_for(|health| health.connected_since.is_some())
                .await,
        );
    }

    /// How often it was connected: another number is another session with a server. Messages that were sent in an
    /// earlier session and weren't acknowledged may not have arrived.
    pub fn session(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Waits until this session is over: the connection is down, or was restored.
    pub async fn session_ended(&self, session: u64) {
        let mut health = self.health();
        while self.session() == session && health.borrow_and_update().connected_since.is_some() {
            if health.changed().await.is_err() {
                return;
            }
        }
    }

    /// Follows the connection's health.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Forgets that the server refused a permission with this message, which was to be expected.
    pub(crate) fn forget_denied(&self, violation: &str) {
        self.health.send_if_modified(|health| {
            let denied = health.denied.take_if(|denied| denied.words == violation);
            denied.is_some()
        });
    }

    /// Waits until the server refuses a permission, and returns its message. Code that waits for a response should wait
    /// for this as well: a request that isn't permitted gets none.
    pub async fn denied(&self) -> String {
        let mut health = self.health.subscribe();
        if let Ok(health) = health.wait_for(|health| health.denied.is_some()).await {
            let words = health.denied.as_ref().map(|it| it.words.clone());
            return words.unwrap_or_default();
        }
        std::future::pending().await
    }

    /// Why NATS doesn't acknowledge this connection's writes, and how to fix that; `None`: it does, or is down.
    pub fn unacknowledged(&self) -> Option<String> {
        let connected_since = self.health().borrow().connected_since?;
        let silent = self.writes.silent(connected_since);
        (!silent.is_empty()).then(|| restart_nats(&silent))
    }

    /// Whether the server that we are connected to has no JetStream, and is in no cluster that might.
    pub(crate) fn lacks_jetstream(&self) -> bool {
        let info = self.client.server_info();
        !info.jetstream && info.cluster.is_none()
    }

    /// Whether the server is one of several.
    pub(crate) fn is_clustered(&self) -> bool {
        self.client.server_info().cluster.is_some()
    }

    /// Starts a background task, which ends by itself, as when its receiver is dropped. [`Self::close`] waits for it.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let closed = self.closed.clone();
        self.tasks.spawn(closed.run_until_cancelled_owned(task));
    }

    /// Waits for background tasks, sends queued messages, drains subscriptions, and closes. Each half takes two seconds
    /// at most: a server that is down can't be sent anything, and drops the connection by itself. Tasks that take
    /// longer are cancelled.
    pub async fn close(self) {
        self.tasks.close();
        let sent = timeout(CLOSE_LIMIT, async {
            self.tasks.wait().await;
            self.client.flush().await
        });
        match sent.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "closing a connection with unsent messages"),
            Err(_) => warn!("NATS doesn't respond; closing the connection with messages unsent"),
        }
        self.closed.cancel();
        if let Ok(Err(error)) = timeout(CLOSE_LIMIT, self.client.drain()).await {
            warn!(%error, "the connection was closed already");
        }
    }
}
