//! A module proxy that serves a test's own modules, fails where a test wants it to, and takes everything else from the
//! machine's module cache, or from its module proxy.

use std::{collections::BTreeMap, path::PathBuf, process::Command, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

use crate::{TestModule, wait_until};

/// How a proxy fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFault {
    /// It answers with this status.
    Status(u16),
    /// It accepts the request and never responds.
    Hang,
    /// It sends half of what it announced.
    Cut,
}

/// A running proxy; dropping it ends it.
#[derive(Debug)]
pub struct ModuleProxy {
    port: u16,
    state: Arc<Mutex<ProxyState>>,
    /// Its own, so that its connections end with it.
    runtime: Option<Runtime>,
}

#[derive(Debug)]
struct ProxyState {
    own: BTreeMap<String, Bytes>,
    faults: Vec<(String, ProxyFault)>,
    asked: Vec<String>,
    modules: PathBuf,
    upstream: String,
    client: reqwest::Client,
}

impl ModuleProxy {
    /// Starts it.
    pub async fn start() -> anyhow::Result<Self> {
        // Only the first call installs it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let upstream = go_env("GOPROXY")?;
        let upstream = upstream.split([',', '|']).next().unwrap_or_default();
        let state = Arc::new(Mutex::new(ProxyState {
            own: BTreeMap::new(),
            faults: Vec::new(),
            asked: Vec::new(),
            modules: PathBuf::from(go_env("GOMODCACHE")?).join("cache/download"),
            upstream: upstream.trim_end_matches('/').to_owned(),
            client: reqwest::Client::new(),
        }));
        let mut proxy = Self {
            port: 0,
            state,
            runtime: None,
        };
        proxy.start_again().await?;
        Ok(proxy)
    }

    /// Listens again, at the port that it had before.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await?;
        self.port = listener.local_addr()?.port();
        let listener = listener.into_std()?;
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&self.state));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener)?;
            axum::serve(listener, router).await
        });
        self.runtime = Some(runtime);
        Ok(())
    }

    /// Stops it, and closes all its connections.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.end();
        let port = self.port;
        wait_until(
            "the proxy to be gone",
            Duration::from_secs(10),
            async || Ok(TcpStream::connect(("127.0.0.1", port)).await.err()),
        )
        .await?;
        Ok(())
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves a module from now on.
    pub fn serve(&self, module: &TestModule) -> anyhow::Result<()> {
        let base = format!("{}/@v/{}", module.path(), module.version());
        let info = serde_json::json!({"Version": module.version(), "Time": "2026-01-02T03:04:05Z"});
        let zip = module.zip()?;
        let mut state = self.state.lock();
        state
            .own
            .insert(format!("{base}.info"), info.to_string().into());
        state.own.insert(
            format!("{base}.mod"),
            module.go_mod_text().to_owned().into(),
        );
        state.own.insert(format!("{base}.zip"), zip.into());
        Ok(())
    }

    /// Serves other bytes under a path than those of the module.
    pub fn replace(&self, path: &str, content: impl Into<Bytes>) {
        self.state
            .lock()
            .own
            .insert(path.to_owned(), content.into());
    }

    /// Stops serving its own content under this path.
    pub fn restore(&self, path: &str) {
        self.state.lock().own.remove(path);
    }

    /// Fails requests from now on whose path contains this text.
    pub fn fail(&self, text: &str, fault: ProxyFault) {
        self.state.lock().faults.push((text.to_owned(), fault));
    }

    /// Stops failing requests for this text.
    pub fn heal(&self, text: &str) {
        self.state.lock().faults.retain(|(known, _)| known != text);
    }

    /// The paths that were requested so far.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().asked.clone()
    }
}

impl Drop for ModuleProxy {
    fn drop(&mut self) {
        self.end();
    }
}

fn go_env(name: &str) -> anyhow::Result<String> {
    let output = Command::new("go")
        .args(["env", name])
        .output()
        .context("module tests need Go")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

async fn answer(State(state): State<Arc<Mutex<ProxyState>>>, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/').to_owned();
    let (fault, own, file, upstream, client) = {
        let mut state = state.lock();
        state.asked.push(path.clone());
        let fault = state.faults.iter().find(|(text, _)| path.contains(text));
        (
            fault.map(|(_, fault)| *fault),
            state.own.get(&path).cloned(),
            state.modules.join(&path),
            format!("{}/{path}", state.upstream),
            state.client.clone(),
        )
    };
    match fault {
        Some(ProxyFault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, "as the test wants it").into_response();
        }
        Some(ProxyFault::Hang) => return std::future::pending().await,
        Some(ProxyFault::Cut) | None => {}
    }
    let content = match own {
        Some(content) => Ok(content),
        None => match tokio::fs::read(&file).await {
            Ok(content) => Ok(content.into()),
            Err(_) => passed_on(&client, &upstream).await,
        },
    };
    match content {
        Ok(content) if fault == Some(ProxyFault::Cut) => {
            let half = content.slice(..content.len() / 2);
            let broken = futures::stream::iter([
                Ok(half),
                Err(std::io::Error::other("the test cuts it here")),
            ]);
            let length = [("content-length", content.len().to_string())];
            (length, Body::from_stream(broken)).into_response()
        }
        Ok(content) => content.into_response(),
        Err(status) => status.into_response(),
    }
}

async fn passed_on(client: &reqwest::Client, url: &str) -> Result<Bytes, StatusCode> {
    let response = client
        .get(url)
        .send()
        .await
        .map_err(|_| StatusCode::BAD_GATEWAY)?;
    if !response.status().is_success() {
        return Err(response.status());
    }
    response.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)
}
