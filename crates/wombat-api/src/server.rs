//! Listens, serves connections, and lets requests finish at shutdown.

use std::{convert::Infallible, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{debug, info, warn};

use crate::{
    ApiArgs, ApiDeps, GatewayState, app,
    caller::Peer,
    connections::{ConnectionPermit, Connections},
    port_holder,
};

/// How long the head of a request may take to arrive, and a connection may be idle.
const HEAD_LIMIT: Duration = Duration::from_secs(15);
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
    let connections = Connections::new(&args.trusted_proxies);
    let followers = state.followers.clone();
    serve(listener, connections, app(state), stop).await;
    // They read from the connection, which is closed next.
    followers.end().await;
    Ok(())
}

async fn bind(args: &ApiArgs) -> anyhow::Result<TcpListener> {
    let address = args.address();
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            let holder = port_holder::listening_on(address)
                .map_or_else(|| "another program".to_owned(), |holder| holder.to_string());
            anyhow::anyhow!(
                "can't listen on {address}: {holder} already does; stop it, or choose another port with --http ADDRESS:PORT (WOMBAT_HTTP)"
            )
        } else {
            anyhow::anyhow!(
                "can't listen on {address}: {error}; choose another address with --http ADDRESS:PORT (WOMBAT_HTTP)"
            )
        }
    })
}

async fn serve(
    listener: TcpListener,
    connections: Connections,
    app: Router,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let (stream, peer, permit) = accepted;
        let connection = connection(stream, peer, app.clone(), graceful.watcher());
        tokio::spawn(async move {
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
        let permit = connections.room().await;
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Some(permit) = connections.admit(address.ip(), permit) {
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

fn connection(
    stream: TcpStream,
    peer: Peer,
    app: Router,
    watcher: Watcher,
) -> impl Future<Output = ()> {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "can't set TCP_NODELAY");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(peer);
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
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(HEAD_SIZE)
        .serve_connection(TokioIo::new(stream), service);
    let served = watcher.watch(connection);
    async move {
        if let Err(error) = served.await {
            debug!(%error, "a connection ended early");
        }
    }
}
