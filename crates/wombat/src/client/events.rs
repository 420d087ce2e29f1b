//! Server-sent events of one build, resumed after a lost connection.

use std::time::Duration;

use eventsource_stream::{Event, EventStreamError, Eventsource as _};
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
    events: Option<RawEvents>,
    last_id: Option<String>,
    retries: u32,
}

/// Events of one connection; an incomplete one at its end is dropped.
type RawEvents = BoxStream<'static, Result<Event, EventStreamError<reqwest::Error>>>;

impl EventStream {
    pub(crate) fn open(server: &Server, key: &BuildKey) -> Self {
        Self {
            server: server.clone(),
            key: key.clone(),
            events: None,
            last_id: None,
            retries: 0,
        }
    }

    /// The next event; after [`BuildEvent::End`] there is none.
    pub(crate) async fn next(&mut self) -> Result<BuildEvent, ClientError> {
        loop {
            let Some(events) = &mut self.events else {
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
            if let Some(Ok(event)) = events.next().await {
                self.retries = 0;
                if !event.id.is_empty() {
                    self.last_id = Some(event.id.clone());
                }
                match self.read(&event)? {
                    Some(event) => return Ok(event),
                    None => continue,
                }
            }
            self.events = None;
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
        if let Some(id) = &self.last_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = self.server.send(request).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(false);
        }
        self.events = Some(response.bytes_stream().eventsource().boxed());
        Ok(true)
    }

    fn read(&self, event: &Event) -> Result<Option<BuildEvent>, ClientError> {
        let unexpected = |error: serde_json::Error| ClientError::Unexpected {
            server: self.server.url(""),
            problem: format!("event `{}`: {error}", event.event),
        };
        Ok(match event.event.as_str() {
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn events<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
        let chunks = futures::stream::iter(chunks.into_iter().map(Ok::<_, Infallible>));
        let events = chunks.eventsource().map(Result::unwrap);
        events.collect().await
    }

    #[tokio::test]
    async fn events_are_cut_at_any_byte() {
        let text = ": hello\n\nid: 1-2-3\nevent: build\ndata: {\"a\":\ndata: 1}\n\nevent: end\r\ndata: {}\r\n\r\n";
        for size in 1..text.len() {
            let events = events(text.as_bytes().chunks(size)).await;
            let [first, second]: [Event; 2] = events.try_into().unwrap();
            assert_eq!(
                (first.event.as_str(), first.data.as_str()),
                ("build", "{\"a\":\n1}")
            );
            assert_eq!(second.event, "end");
            assert_eq!(second.id, "1-2-3");
        }
    }

    #[tokio::test]
    async fn half_an_event_is_none() {
        let half = b"id: 9-9-9\nevent: log\ndata: {";
        assert!(events([half.as_slice()]).await.is_empty());
    }
}
