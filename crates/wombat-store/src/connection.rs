//! One connection of one role, and what is known of its health.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use async_nats::{Client, ConnectOptions, Event, ServerError, connection::State, jetstream};
use tokio::{sync::watch, time::timeout};
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::{
    NatsArgs,
    address::{Servers, UrlLogin, without_login},
    clock::ServerClock,
    complaints::Complaints,
    fitness::{self, UnfitServer},
    roles::inbox_prefix,
    writes::Writes,
};

/// A server that is silent for three of these is given up, and the next one is tried. Shorter, and an upload over a slow
/// link would be taken for a dead server: a chunk of 512 KiB has to be acknowledged within one of them.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// How long the end of a connection may take: the server may be away, or hang.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// How long a refused permission counts.
const VIOLATION_COUNTS: Duration = Duration::from_secs(15);
/// Waits between attempts to come back; the last one repeats.
const RECONNECT_DELAYS: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
];

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file that was named can't be read.
    #[error("can't read {what} in {path}: {source}")]
    File {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// JWT and seed don't make credentials.
    #[error("the user JWT and seed can't be read: {0}")]
    Jwt(std::io::Error),
    /// The server isn't there, or doesn't let us in.
    #[error("can't connect to NATS at {url}: {source}")]
    Connect {
        /// Where, without user and password.
        url: String,
        /// What the client said.
        source: async_nats::ConnectError,
    },
    /// There is more than one login.
    #[error("{0}")]
    Login(&'static str),
    /// It is there, but can't be worked with.
    #[error(transparent)]
    Unfit(#[from] UnfitServer),
}

/// What is known of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Since when it is up; `None` while it is down.
    pub connected_since: Option<Instant>,
    /// The last permission that the server refused; publishers never learn of it otherwise.
    pub denied: Option<Violation>,
}

impl Health {
    /// The permission that was refused in the last seconds. What a role goes on lacking it goes on asking for, and a
    /// server that is given better permissions tells nobody.
    pub fn denied_lately(&self) -> Option<&str> {
        let violation = self.denied.as_ref()?;
        (violation.at.elapsed() < VIOLATION_COUNTS).then_some(&violation.words)
    }
}

/// A permission that the server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What the server said.
    pub words: String,
    /// When.
    pub at: Instant,
}

/// A connection to NATS. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connection {
    client: Client,
    jetstream: jetstream::Context,
    health: Arc<watch::Sender<Health>>,
    pub(crate) clock: ServerClock,
    pub(crate) complaints: Complaints,
    pub(crate) writes: Writes,
    /// What goes on by itself on this connection, such as following a stream.
    tasks: TaskTracker,
}

impl Connection {
    /// Connects once; an error says why not. Afterwards it comes back by itself for ever.
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
                "the addresses in NATS_URL (--nats-url) name different users; all servers have to know the same one",
            )
        })?;
        let health = Arc::new(watch::Sender::new(Health::default()));
        let reporter = Arc::clone(&health);
        let options = login(args, servers.login)
            .await?
            .name(format!("wombat {role}"))
            .custom_inbox_prefix(
                args.inbox_prefix
                    .clone()
                    .unwrap_or_else(|| inbox_prefix(role)),
            )
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
        let jetstream = jetstream::ContextBuilder::new()
            .timeout(timeout)
            .backpressure_on_inflight(true)
            .build(client.clone());
        Ok(Self {
            client,
            jetstream,
            health,
            clock: ServerClock::default(),
            complaints: Complaints::default(),
            writes: Writes::default(),
            tasks: TaskTracker::new(),
        })
    }

    /// For requests and micro services.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// For code in this crate; others use [`crate::Store`].
    pub(crate) fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    /// Whether writes would go out now; a write made while it is down would be sent later, unasked.
    pub fn is_up(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Waits until it is up.
    pub async fn until_up(&self) {
        let mut health = self.health();
        // Only the end of this connection could make it fail.
        drop(
            health
                .wait_for(|health| health.connected_since.is_some())
                .await,
        );
    }

    /// How often it was made: another number, another session with a server. What was sent in an earlier one and isn't
    /// acknowledged may never have arrived.
    pub fn session(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Waits until this session is over: the connection is down, or was made anew.
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

    /// Waits until the server refuses a permission, and gives its words. Whoever needs an answer to go on should wait for
    /// this as well: a request that isn't permitted is answered by nobody.
    pub async fn denied(&self) -> String {
        let mut health = self.health.subscribe();
        if let Ok(health) = health.wait_for(|health| health.denied.is_some()).await {
            let words = health.denied.as_ref().map(|it| it.words.clone());
            return words.unwrap_or_default();
        }
        std::future::pending().await
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

    /// Starts what goes on by itself until its receiver is dropped; [`Self::close`] waits for it.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Waits for what follows streams, sends what is queued, lets go of every subscription, and closes. Takes two seconds
    /// at most: where the server is away, nothing can be sent, and it forgets us by itself.
    pub async fn close(self) {
        self.tasks.close();
        let sent = timeout(CLOSE_LIMIT, async {
            self.tasks.wait().await;
            self.client.flush().await
        });
        match sent.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "closing a connection with unsent messages"),
            Err(_) => warn!("NATS doesn't answer: closing the connection without it"),
        }
        if let Ok(Err(error)) = timeout(CLOSE_LIMIT, self.client.drain()).await {
            warn!(%error, "the connection was closed already");
        }
    }
}

fn report(health: &watch::Sender<Health>, event: &Event) {
    match event {
        Event::Connected => {
            info!("connected to NATS");
            health.send_modify(|health| {
                health.connected_since = Some(Instant::now());
                health.denied = None;
            });
        }
        Event::Disconnected => {
            warn!("lost the connection to NATS");
            health.send_modify(|health| health.connected_since = None);
        }
        Event::ServerError(ServerError::Other(text))
            if text.to_lowercase().contains("permissions violation") =>
        {
            let violation = Violation {
                words: text.clone(),
                at: Instant::now(),
            };
            let mut before = None;
            health.send_modify(|health| before = health.denied.replace(violation));
            // Whoever asks for the same answer thousands of times shall not fill the log.
            let is_known = before
                .is_some_and(|it| it.words == *text && it.at.elapsed() < Duration::from_secs(1));
            if !is_known {
                error!(
                    violation = text,
                    "NATS refused a permission that this role needs"
                );
            }
        }
        Event::Closed => health.send_modify(|health| health.connected_since = None),
        Event::SlowConsumer(subscription) => {
            warn!(subscription, "too slow: NATS messages were dropped");
        }
        // We asked for it.
        Event::Draining => {}
        Event::LameDuckMode | Event::ServerError(_) | Event::ClientError(_) => {
            warn!(%event, "NATS reports");
        }
    }
}

async fn login(args: &NatsArgs, in_url: Option<UrlLogin>) -> Result<ConnectOptions, ConnectError> {
    let mut options = ConnectOptions::new();
    // The login that is given by itself is the more deliberate one, and was the only one that counted once.
    if in_url.is_some() && args.has_login() {
        warn!(
            "NATS_URL (--nats-url) holds a login, and another one is given beside it, which is used"
        );
    }
    if let Some(login) = in_url.filter(|_| !args.has_login()) {
        options = match login {
            UrlLogin::User { name, password } => options.user_and_password(name, password),
            UrlLogin::Token(token) => options.token(token),
        };
    } else if let Some(path) = &args.credentials {
        let read = options.credentials_file(path).await;
        options = read.map_err(|source| unreadable("the credentials", path, source))?;
    } else if let (Some(jwt), Some(seed)) = (&args.jwt, &args.seed) {
        let credentials = format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        options = options
            .credentials(&credentials)
            .map_err(ConnectError::Jwt)?;
    } else if let Some(seed) = &args.seed {
        options = options.nkey(seed.clone());
    } else if let Some(path) = &args.seed_file {
        let seed = tokio::fs::read_to_string(path).await;
        let seed = seed.map_err(|source| unreadable("the seed", path, source))?;
        options = options.nkey(seed.trim().to_owned());
    } else if let (Some(user), Some(password)) = (&args.user, &args.password) {
        options = options.user_and_password(user.clone(), password.clone());
    }
    // The client reads these when it connects, and wouldn't say which of them it lacks.
    for (what, path) in [
        ("the authorities", &args.tls_ca),
        ("the certificate", &args.tls_certificate),
        ("the certificate's key", &args.tls_key),
    ] {
        if let Some(path) = path {
            let opened = tokio::fs::File::open(path).await;
            opened.map_err(|source| unreadable(what, path, source))?;
        }
    }
    if let Some(path) = &args.tls_ca {
        options = options
            .add_root_certificates(path.clone())
            .require_tls(true);
    }
    if let (Some(certificate), Some(key)) = (&args.tls_certificate, &args.tls_key) {
        options = options
            .add_client_certificate(certificate.clone(), key.clone())
            .require_tls(true);
    }
    Ok(options)
}

fn unreadable(what: &'static str, path: &Path, source: std::io::Error) -> ConnectError {
    ConnectError::File {
        what,
        path: path.display().to_string(),
        source,
    }
}
