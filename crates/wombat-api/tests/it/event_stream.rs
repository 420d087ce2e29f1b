//! A client of server-sent events.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};
use reqwest::{Response, StatusCode};

use crate::support::{Api, PATIENCE};

/// An event as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) data: String,
}

impl Received {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.data).expect("JSON")
    }
}

/// An open stream.
pub(crate) struct EventStream {
    chunks: BoxStream<'static, reqwest::Result<Bytes>>,
    text: String,
    /// The last id that was received, with data or without.
    pub(crate) last_id: String,
}

impl EventStream {
    /// Opens a stream; `after` is the last id that was received.
    pub(crate) async fn open(api: &Api, path: &str, after: Option<&str>) -> anyhow::Result<Self> {
        let answer = Self::ask(api, path, after).await?;
        anyhow::ensure!(answer.status() == StatusCode::OK, "{answer:?}");
        Ok(Self::of(answer.bytes_stream()))
    }

    pub(crate) async fn ask(
        api: &Api,
        path: &str,
        after: Option<&str>,
    ) -> anyhow::Result<Response> {
        let mut request = api.get(path);
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after);
        }
        Ok(request.send().await?)
    }

    /// Makes sure that these events came to the end, and that nothing comes after it.
    pub(crate) async fn is_over(api: &Api, path: &str, events: &[Received]) -> anyhow::Result<()> {
        let end = events.last().expect("an end");
        assert_eq!(end.event, "end");
        let answer = Self::ask(api, path, Some(&end.id)).await?;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        Ok(())
    }

    fn of(chunks: impl Stream<Item = reqwest::Result<Bytes>> + Send + 'static) -> Self {
        Self {
            chunks: chunks.boxed(),
            text: String::new(),
            last_id: String::new(),
        }
    }

    /// The next event with data. `None`: the stream ended.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Received>> {
        tokio::time::timeout(PATIENCE, self.receive())
            .await
            .context("no event came")?
    }

    /// Waits for an id without data: the stream has begun.
    pub(crate) async fn until_id(&mut self, limit: Duration) -> anyhow::Result<()> {
        let begun = async {
            while !self.text.contains("id: ") {
                let chunk = self.chunks.next().await.context("it ended")??;
                self.text.push_str(std::str::from_utf8(&chunk)?);
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(limit, begun).await?
    }

    /// Whether nothing comes for so long.
    pub(crate) async fn is_quiet(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.receive()).await.is_err()
    }

    async fn receive(&mut self) -> anyhow::Result<Option<Received>> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    block
                        .lines()
                        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                        .map(|value| value.strip_prefix(' ').unwrap_or(value))
                        .next_back()
                        .map(str::to_owned)
                };
                if let Some(id) = field("id") {
                    self.last_id = id;
                }
                if let Some(data) = field("data") {
                    return Ok(Some(Received {
                        id: self.last_id.clone(),
                        event: field("event").unwrap_or_default(),
                        data,
                    }));
                }
            }
            match self.chunks.next().await {
                Some(chunk) => self.text.push_str(std::str::from_utf8(&chunk?)?),
                None => return Ok(None),
            }
        }
    }

    /// Everything up to the end of the stream.
    pub(crate) async fn rest(&mut self) -> anyhow::Result<Vec<Received>> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await? {
            all.push(event);
        }
        Ok(all)
    }
}
