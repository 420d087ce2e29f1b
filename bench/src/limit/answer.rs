//! The minimum of an HTTP server: reads a request to its end, and answers with fixed bytes.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::announce::announce;

pub(super) async fn run(body: Bytes) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(&listener.local_addr()?.to_string());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let body = body.clone();
            async move {
                drop(request.into_body().collect().await);
                let answer = Response::builder()
                    .header("content-type", "application/json")
                    .body(Full::new(body))
                    .expect("a header of ours");
                Ok::<_, Infallible>(answer)
            }
        });
        // A broken connection is the client's concern.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
