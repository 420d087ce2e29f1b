//! Listens, serves connections, and lets requests finish at shutdown.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::bail;
use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinSet, spawn_blocking},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{debug, info, warn};

use crate::{
    ApiArgs, ApiDeps, GatewayState, app,
    caller::Peer,
    connections::{ConnectionPermit, Connections, Service},
    cross_origin::ArrivedAt,
    port_holder,
    stall::StallGuard,
};

/// How long the head of a request may take to arrive, and a connection may be idle.
const HEAD_LIMIT: Duration = Duration::from_secs(15);
/// The same for a connection above the limit.
const RESERVED_HEAD_LIMIT: Duration = Duration::from_secs(3);
/// Largest head of a request, in bytes.
const HEAD_SIZE: usize = 16 * 1024;
/// How long running requests may take at shutdown.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// Pause after a connection couldn't be accepted, such as for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`, then lets requests finish and event streams end.
pub async fn run(deps: ApiDeps, args: ApiArgs, stop: CancellationToken) -> anyhow::Result<()> {
    let listener = match deps.listener {
        Some(listener) => listener,
        None => bind(&args).await?,
    };
    let address = listener.local_addr()?;
    let state = Box::pin(GatewayState::start(
        deps.connection,
        deps.store,
        deps.state_dir,
        deps.open_control,
        &args,
        stop.clone(),
    ))
    .await?;
    info!(%address, "listening");
    if let Some(bound) = deps.bound {
        // The receiver may be gone.
        let _unheard = bound.send(address);
    }
    let connections = Connections::new(state.capacity.connections, &args.trusted_proxies);
    let (followers, cache) = (state.followers.clone(), Arc::clone(&state.cache));
    let served = (listener, connections, args.limits.stall_limit);
    serve(served, app(state), stop).await;
    // They read from the connection, which is closed next.
    tokio::join!(followers.end(), cache.end());
    Ok(())
}

async fn bind(args: &ApiArgs) -> anyhow::Result<TcpListener> {
    let address = args.address();
    let error = match TcpListener::bind(address).await {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    if error.kind() != std::io::ErrorKind::AddrInUse {
        bail!(
            "can't listen on {address}: {error}; choose another address with --http ADDRESS:PORT (WOMBAT_HTTP)"
        );
    }
    let holder = spawn_blocking(move || port_holder::listening_on(address)).await?;
    let holder = holder.map_or_else(|| "another program".to_owned(), |holder| holder.to_string());
    bail!(
        "can't listen on {address}: {holder} already does; stop it, or choose another port with --http ADDRESS:PORT (WOMBAT_HTTP)"
    )
}

async fn serve(
    (listener, connections, stall_limit): (TcpListener, Connections, Duration),
    app: Router,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    // In a JoinSet, so that connections which outlast the shutdown end with this function.
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = open.join_next(), if !open.is_empty() => continue,
            accepted = accept(&listener, &connections) => accepted,
        };
        let (stream, peer, permit) = accepted;
        let connected = Connected {
            arrived: stream.local_addr().ok(),
            peer,
            service: permit.service(),
        };
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "can't set TCP_NODELAY");
        }
        let stream = StallGuard::new(stream, stall_limit);
        let connection = connection(stream, connected, app.clone(), graceful.watcher());
        open.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    let connections = graceful.count();
    info!(connections, "shutting down");
    if tokio::time::timeout(DRAIN_LIMIT, graceful.shutdown())
        .await
        .is_err()
    {
        warn!("some requests didn't finish before the shutdown");
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> (TcpStream, Peer, ConnectionPermit) {
    loop {
        let room = connections.room().await;
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Some(permit) = connections.admit(address.ip(), room) {
                    return (stream, Peer(address), permit);
                }
                debug!(%address, "a client has too many open connections");
            }
            Err(error) => {
                warn!(%error, "can't accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What requests are told about their connection.
#[derive(Clone, Copy)]
struct Connected {
    /// The address of this machine.
    arrived: Option<SocketAddr>,
    peer: Peer,
    service: Service,
}

fn connection(
    stream: StallGuard,
    connected: Connected,
    app: Router,
    watcher: Watcher,
) -> impl Future<Output = ()> {
    let Connected {
        arrived,
        peer,
        service: may_serve,
    } = connected;
    let arrived = arrived.map(|address| ArrivedAt(address.ip()));
    let (head_limit, keep_alive) = match may_serve {
        Service::Any => (HEAD_LIMIT, true),
        Service::Reserved => (RESERVED_HEAD_LIMIT, false),
    };
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(may_serve);
        if let Some(arrived) = arrived {
            request.extensions_mut().insert(arrived);
        }
        let app = app.clone();
        async move {
            Ok::<_, Infallible>(
                app.oneshot(request)
                    .await
                    .unwrap_or_else(|none| match none {}),
            )
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_limit)
        .keep_alive(keep_alive)
        .max_buf_size(HEAD_SIZE)
        .serve_connection(TokioIo::new(stream), service);
    let served = watcher.watch(connection);
    async move {
        if let Err(error) = served.await {
            debug!(%error, "a connection ended early");
        }
    }
}
