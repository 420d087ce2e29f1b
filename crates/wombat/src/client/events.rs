//! Server-sent events of one build, resumed after a lost connection.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use reqwest::{Method, StatusCode, header};
use serde_json::Value;
use wombat_model::{
    BuildKey,
    wire::{BuildView, LoggedEntry},
};

use super::{ClientError, Server};

/// Wait before a reconnect, and most reconnects.
const RETRY_DELAY: Duration = Duration::from_secs(1);
const MAX_RETRIES: u32 = 30;

/// An event of a build.
#[derive(Debug)]
pub(crate) enum BuildEvent {
    /// The record changed.
    Build(Box<BuildView>),
    /// The builder logged an entry.
    Log(Box<LoggedEntry>),
    /// Log lines are missing: how many, and their bytes if that is known.
    Gap(u64, Option<u64>),
    /// Its record was removed; [`Self::End`] follows.
    Removed,
    /// All earlier events are void.
    Reset,
    /// The build is finished, and its log is complete.
    End,
}

/// Events of one build.
pub(crate) struct EventStream {
    server: Server,
    key: BuildKey,
    chunks: Option<BoxStream<'static, reqwest::Result<Bytes>>>,
    parser: Parser,
    retries: u32,
}

impl EventStream {
    pub(crate) fn open(server: &Server, key: &BuildKey) -> Self {
        Self {
            server: server.clone(),
            key: key.clone(),
            chunks: None,
            parser: Parser::default(),
            retries: 0,
        }
    }

    /// The next event; after [`BuildEvent::End`] there is none.
    pub(crate) async fn next(&mut self) -> Result<BuildEvent, ClientError> {
        loop {
            if let Some(event) = self.parser.take() {
                self.retries = 0;
                match self.read(&event)? {
                    Some(event) => return Ok(event),
                    None => continue,
                }
            }
            let Some(chunks) = &mut self.chunks else {
                match self.connect().await {
                    Ok(true) => continue,
                    Ok(false) => return Ok(BuildEvent::End),
                    Err(ClientError::Unreachable { .. }) if self.retries < MAX_RETRIES => {
                        self.retries += 1;
                        tokio::time::sleep(RETRY_DELAY).await;
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            };
            if let Some(Ok(bytes)) = chunks.next().await {
                self.parser.feed(&bytes);
                continue;
            }
            self.chunks = None;
            self.parser.cut();
            self.retries += 1;
            if self.retries > 1 {
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    }

    /// Opens the stream after the last event. `false`: there are no more events.
    async fn connect(&mut self) -> Result<bool, ClientError> {
        let mut request = self
            .server
            .request(Method::GET, &format!("/api/builds/{}/events", self.key))
            .header(header::ACCEPT, "text/event-stream");
        if let Some(id) = &self.parser.last_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = self.server.send(request).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(false);
        }
        self.chunks = Some(response.bytes_stream().boxed());
        Ok(true)
    }

    fn read(&self, event: &RawEvent) -> Result<Option<BuildEvent>, ClientError> {
        let unexpected = |error: serde_json::Error| ClientError::Unexpected {
            server: self.server.url(""),
            problem: format!("event `{}`: {error}", event.name),
        };
        Ok(match event.name.as_str() {
            "build" => Some(BuildEvent::Build(
                serde_json::from_str(&event.data).map_err(unexpected)?,
            )),
            "log" => Some(BuildEvent::Log(
                serde_json::from_str(&event.data).map_err(unexpected)?,
            )),
            "gap" => {
                let data: Value = serde_json::from_str(&event.data).map_err(unexpected)?;
                let dropped = data["dropped"].as_u64().unwrap_or(0);
                Some(BuildEvent::Gap(dropped, data["bytes"].as_u64()))
            }
            "removed" => Some(BuildEvent::Removed),
            "reset" => Some(BuildEvent::Reset),
            "end" => Some(BuildEvent::End),
            // A newer gateway may send other events.
            _ => None,
        })
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct RawEvent {
    name: String,
    data: String,
}

/// Splits a byte stream into events, by the HTML standard's section on server-sent events.
#[derive(Debug, Default)]
struct Parser {
    buffer: Vec<u8>,
    event: RawEvent,
    id: Option<String>,
    last_id: Option<String>,
    ready: std::collections::VecDeque<RawEvent>,
}

impl Parser {
    fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            self.line(line.trim_end_matches(['\n', '\r']));
        }
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            if self.id.is_some() {
                self.last_id = self.id.take();
            }
            let event = std::mem::take(&mut self.event);
            if event != RawEvent::default() {
                self.ready.push_back(event);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "id" => self.id = Some(value.to_owned()),
            // Comments, and unused fields.
            _ => {}
        }
    }

    fn take(&mut self) -> Option<RawEvent> {
        self.ready.pop_front()
    }

    /// The connection ended: drops an incomplete event.
    fn cut(&mut self) {
        self.buffer.clear();
        self.event = RawEvent::default();
        self.id = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_at_any_byte() {
        let text = ": hello\n\nid: 1-2-3\nevent: build\ndata: {\"a\":\ndata: 1}\n\nevent: end\r\ndata: {}\r\n\r\n";
        for size in 1..text.len() {
            let mut parser = Parser::default();
            for chunk in text.as_bytes().chunks(size) {
                parser.feed(chunk);
            }
            let first = parser.take().unwrap();
            assert_eq!(
                (first.name.as_str(), first.data.as_str()),
                ("build", "{\"a\":\n1}")
            );
            assert_eq!(parser.take().unwrap().name, "end");
            assert_eq!(parser.take(), None);
            assert_eq!(parser.last_id.as_deref(), Some("1-2-3"));
        }
    }

    #[test]
    fn half_an_event_is_none() {
        let mut parser = Parser::default();
        parser.feed(b"id: 9-9-9\nevent: log\ndata: {");
        parser.cut();
        parser.feed(b"id: 1-1-1\nevent: end\ndata: {}\n\n");
        assert_eq!(parser.take().unwrap().data, "{}");
        assert_eq!(parser.last_id.as_deref(), Some("1-1-1"));
    }
}
