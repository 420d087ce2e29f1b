//! Calls to a gateway, and messages for failed ones.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use wombat_model::{BuildKey, Problem, wire::BuildView};

/// The gateway to call, and the token to send.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArgs {
    /// URL of the gateway
    #[arg(
        long,
        env = "WOMBAT_SERVER",
        value_name = "URL",
        default_value = DEFAULT_SERVER
    )]
    server: String,
    /// Access token
    #[arg(long, env = "WOMBAT_TOKEN", value_name = "TOKEN", hide = true)]
    token: Option<Secret>,
    /// File with the access token, which is needed to cancel or force builds, and for administration; the token itself
    /// may be in the variable `WOMBAT_TOKEN`
    #[arg(long, env = "WOMBAT_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The gateway on this machine, as `wombat up` starts it.
const DEFAULT_SERVER: &str = "http://127.0.0.1:4430";

impl ServerArgs {
    /// The option that names the same gateway on another command line, with a space in front; empty for the default.
    pub(crate) fn flag(&self) -> String {
        if self.server == DEFAULT_SERVER {
            String::new()
        } else {
            format!(" --server {}", self.server)
        }
    }
}

/// A token that debug output doesn't show.
#[derive(Clone)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a command does nothing else meanwhile"
)]
fn token_in(path: &Path) -> anyhow::Result<Secret> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("reading the token in {} (--token-file)", path.display()))?;
    let token = text.trim();
    anyhow::ensure!(
        !token.is_empty(),
        "{} (--token-file) has no token; `wombat token new` prints one",
        path.display()
    );
    Ok(Secret(token.to_owned()))
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The gateway doesn't answer, or the connection was lost.
    #[error("can't reach {server}: {source}")]
    Unreachable {
        server: String,
        source: reqwest::Error,
    },
    /// The gateway refused the request.
    #[error("{}", refused(.problems, *.status))]
    Refused {
        status: StatusCode,
        problems: Vec<Problem>,
    },
    /// The answer isn't that of a gateway.
    #[error("{server} sent an unexpected answer: {problem}")]
    Unexpected { server: String, problem: String },
}

fn refused(problems: &[Problem], status: StatusCode) -> String {
    if problems.is_empty() {
        return format!("the server answered {status}");
    }
    let line = |problem: &Problem| match &problem.field {
        Some(field) => format!("{field}: {}", problem.message),
        None => problem.message.clone(),
    };
    let line = |problem: &Problem| line(problem).replace('\n', "\n       ");
    problems
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n       ")
}

/// The part of a problem document that a client reads.
#[derive(Deserialize)]
struct ProblemDocument {
    #[serde(default)]
    detail: String,
    #[serde(default)]
    problems: Vec<Problem>,
}

/// A gateway.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    client: reqwest::Client,
    base: String,
    token: Option<Secret>,
}

impl Server {
    pub(crate) fn new(args: &ServerArgs) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(90))
            .user_agent(concat!("wombat/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("setting up HTTP")?;
        let token = match &args.token_file {
            Some(path) => Some(token_in(path)?),
            None => args.token.clone(),
        };
        Ok(Self {
            client,
            base: args.server.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// The address of a path on this gateway.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, self.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(&token.0),
            None => request,
        }
    }

    /// Sends; an answer that isn't a success becomes an error.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request
            .send()
            .await
            .map_err(|source| self.unreachable(source))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let body = response.bytes().await.unwrap_or_default();
        let mut problems = Vec::new();
        if let Ok(document) = serde_json::from_slice::<ProblemDocument>(&body) {
            problems = document.problems;
            if problems.is_empty() && !document.detail.is_empty() {
                problems.push(Problem::general(
                    wombat_model::ProblemCode::Internal,
                    document.detail,
                ));
            }
        }
        Err(ClientError::Refused { status, problems })
    }

    /// Sends and reads JSON.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        let response = self
            .send(request.header(header::ACCEPT, "application/json"))
            .await?;
        let body = response
            .bytes()
            .await
            .map_err(|source| self.unreachable(source))?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Unexpected {
            server: self.base.clone(),
            problem: error.to_string(),
        })
    }

    /// Reads or cancels one build.
    pub(crate) async fn build(
        &self,
        method: Method,
        id: &BuildKey,
    ) -> Result<BuildView, ClientError> {
        self.json(self.request(method, &format!("/api/builds/{id}")))
            .await
    }

    pub(crate) fn unreachable(&self, source: reqwest::Error) -> ClientError {
        ClientError::Unreachable {
            server: self.base.clone(),
            source: source.without_url(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let gone = format!("{:#}", token_in(&path).unwrap_err());
        assert!(gone.contains("--token-file"), "{gone}");
        let write = |text: &str| wombat_files::store_file(&path, text.as_bytes()).unwrap();
        write(" \n");
        let empty = token_in(&path).unwrap_err().to_string();
        assert!(empty.contains("has no token"), "{empty}");
        write("wbt_x\n");
        assert_eq!(token_in(&path).unwrap().0, "wbt_x");
    }
}
