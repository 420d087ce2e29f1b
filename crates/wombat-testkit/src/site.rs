//! The gateway of a running stack, over HTTP.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::{process::START_LIMIT, wait_until};

/// A gateway, as a client sees it.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its address.
    pub url: String,
    /// For requests that have no method here.
    pub client: reqwest::Client,
}

impl Site {
    /// The gateway at this address.
    pub fn new(url: String) -> Self {
        // Only the first call installs it.
        drop(rustls::crypto::ring::default_provider().install_default());
        Self {
            url,
            client: reqwest::Client::new(),
        }
    }

    /// Waits until the gateway and a service answer.
    pub async fn until_ready(&self) -> anyhow::Result<()> {
        wait_until(
            "the gateway and the service to answer",
            START_LIMIT,
            async || {
                let ready = self
                    .get("/readyz")
                    .await
                    .is_ok_and(|response| response.status().is_success());
                let list = self
                    .get("/api/builds")
                    .await
                    .is_ok_and(|response| response.status().is_success());
                Ok((ready && list).then_some(()))
            },
        )
        .await
    }

    /// Gets a path.
    pub async fn get(&self, path: &str) -> anyhow::Result<Response> {
        Ok(self
            .client
            .get(format!("{}{path}", self.url))
            .send()
            .await?)
    }

    /// Gets the body of a path, which must succeed.
    pub async fn bytes(&self, path: &str) -> anyhow::Result<Bytes> {
        accepted(path, self.get(path).await?).await
    }

    /// Gets the JSON of a path, which must succeed.
    pub async fn json(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.bytes(path).await?)?)
    }

    /// Requests a build; returns the status code and the body.
    pub async fn ask(&self, body: &Value) -> anyhow::Result<(StatusCode, Value)> {
        let response = self
            .client
            .post(format!("{}/api/builds", self.url))
            .body(body.to_string())
            .send()
            .await?;
        let status = response.status();
        let text = response.text().await?;
        Ok((
            status,
            serde_json::from_str(&text).with_context(|| format!("{status} {text}"))?,
        ))
    }

    /// Requests a build that must be accepted; returns its id.
    pub async fn asked(&self, body: &Value) -> anyhow::Result<String> {
        let (status, view) = self.ask(body).await?;
        ensure!(status.is_success(), "{status} {view}");
        Ok(view["id"].as_str().context("a view has an id")?.to_owned())
    }

    /// Waits until the build has this status.
    pub async fn until(&self, id: &str, status: &str, limit: Duration) -> anyhow::Result<Value> {
        let path = format!("/api/builds/{id}");
        wait_until(&format!("{id} to be {status}"), limit, async || {
            let response = self.get(&path).await?;
            // On a busy machine an answer may take too long; the refusal says that another try may help.
            if response.status() == StatusCode::SERVICE_UNAVAILABLE {
                return Ok(None);
            }
            let view: Value = serde_json::from_slice(&accepted(&path, response).await?)?;
            let found = view["status"].as_str().unwrap_or_default();
            if found != status && ["success", "failed", "cancelled"].contains(&found) {
                bail!("it is {found}: {view}");
            }
            Ok((found == status).then_some(view))
        })
        .await
    }

    /// The number of present builders.
    pub async fn builders(&self) -> anyhow::Result<usize> {
        let answer = self.json("/api/builders").await?;
        Ok(answer["builders"].as_array().context("builders")?.len())
    }

    /// Waits until this many builders are present.
    pub async fn until_builders(&self, count: usize) -> anyhow::Result<()> {
        wait_until("the builders to be present", START_LIMIT, async || {
            Ok((self.builders().await? == count).then_some(()))
        })
        .await
    }
}

/// The body of a success.
async fn accepted(path: &str, response: Response) -> anyhow::Result<Bytes> {
    let status = response.status();
    let body = response.bytes().await?;
    let said = || String::from_utf8_lossy(&body).into_owned();
    ensure!(status.is_success(), "GET {path}: {status} {}", said());
    Ok(body)
}
