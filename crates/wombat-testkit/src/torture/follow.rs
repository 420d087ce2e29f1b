//! The event stream of one build, followed from its request to its end, across disconnections.

use std::{collections::BTreeMap, time::Duration};

use eventsource_stream::{Event, Eventsource as _};
use futures::StreamExt as _;
use reqwest::StatusCode;
use serde_json::Value;

use crate::Site;

/// How long to wait before reconnecting.
const PAUSE: Duration = Duration::from_millis(500);

/// What a stream delivered.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamCheck {
    /// The number of the newest entry of each claim.
    numbers: BTreeMap<String, u64>,
    /// Claims whose last entry was delivered.
    ended: Vec<String>,
    /// What was wrong.
    pub(super) holes: Vec<String>,
    /// Whether the stream reached its end.
    pub(super) whole: bool,
}

impl StreamCheck {
    fn note(&mut self, event: &Event) {
        match event.event.as_str() {
            "log" => match serde_json::from_str::<Value>(&event.data) {
                Ok(entry) => self.note_entry(&entry),
                Err(error) => self.holes.push(format!("{error}: {}", event.data)),
            },
            "gap" => self.holes.push(format!("a gap: {}", event.data)),
            // What was delivered before is void, and is delivered again.
            "reset" => {
                self.numbers.clear();
                self.ended.clear();
            }
            _ => {}
        }
    }

    fn note_entry(&mut self, entry: &Value) {
        let claim = entry["claim"].as_str().unwrap_or_default().to_owned();
        let n = entry["n"].as_u64().unwrap_or_default();
        if entry["event"] == "end" {
            self.ended.push(claim.clone());
        }
        if entry["event"] == "gap" {
            self.holes
                .push(format!("the builder dropped lines: {entry}"));
        }
        let last = self.numbers.entry(claim.clone()).or_default();
        if n != *last + 1 {
            self.holes.push(format!("{claim}: {n} after {last}"));
        }
        *last = n;
    }

    /// What this stream lacks, if this claim ended the build.
    pub(super) fn lacks(&self, claim: Option<&str>) -> Option<String> {
        if let Some(hole) = self.holes.first() {
            return Some(hole.clone());
        }
        if !self.whole {
            return Some("the stream has no end".to_owned());
        }
        let claim = claim?;
        let complete = self.ended.iter().any(|ended| ended == claim);
        (!complete).then(|| format!("it ended at entry {:?} of {claim}", self.numbers.get(claim)))
    }
}

/// Follows a build until its stream ends.
pub(super) async fn follow(site: Site, id: String) -> StreamCheck {
    let mut seen = StreamCheck::default();
    let mut last: Option<String> = None;
    loop {
        let mut request = site
            .client
            .get(format!("{}/api/builds/{id}/events", site.url));
        if let Some(last) = &last {
            request = request.header("Last-Event-ID", last);
        }
        let response = match request.send().await {
            Ok(response) if response.status() == StatusCode::NO_CONTENT => {
                seen.whole = true;
                return seen;
            }
            Ok(response) if response.status().is_success() => response,
            Ok(_) | Err(_) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let mut events = response.bytes_stream().eventsource();
        while let Some(Ok(event)) = events.next().await {
            if !event.id.is_empty() {
                last = Some(event.id.clone());
            }
            if event.event == "end" {
                seen.whole = true;
                return seen;
            }
            seen.note(&event);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
