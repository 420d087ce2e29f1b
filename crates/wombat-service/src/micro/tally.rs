//! Requests, errors and times by endpoint, for `nats micro stats`.

use std::time::Duration;

use async_nats::service::{endpoint::Stats, error::Error};
use parking_lot::Mutex;
use serde_json::json;
use strum::VariantArray as _;
use wombat_model::{Refusal, plain_text::shortened};

use super::queue_group::QUEUE_GROUP;
use crate::endpoints::Endpoint;

/// Counters of all endpoints.
#[derive(Debug, Default)]
pub(super) struct Tally([Mutex<Counter>; Endpoint::VARIANTS.len()]);

#[derive(Debug, Default)]
struct Counter {
    requests: usize,
    errors: usize,
    /// Requests without an inbox for the answer.
    dropped: u64,
    time: Duration,
    last_error: Option<Error>,
}

impl Tally {
    /// Counts an answered request.
    pub(super) fn count(&self, endpoint: Endpoint, time: Duration, refusal: Option<&Refusal>) {
        let mut counter = self.0[endpoint as usize].lock();
        counter.requests += 1;
        counter.time += time;
        if let Some(refusal) = refusal {
            counter.errors += 1;
            counter.last_error = Some(Error {
                status: one_line(refusal),
                code: refusal.status.code().into(),
            });
        }
    }

    /// Counts a request that was dropped, since its reply subject isn't an inbox.
    pub(super) fn count_dropped(&self, endpoint: Endpoint) {
        self.0[endpoint as usize].lock().dropped += 1;
    }

    /// The counts of an endpoint. `dropped` is left out while it is zero.
    pub(super) fn stats(&self, endpoint: Endpoint) -> Stats {
        let counter = self.0[endpoint as usize].lock();
        let requests = u32::try_from(counter.requests).unwrap_or(u32::MAX);
        Stats {
            name: endpoint.name().to_owned(),
            subject: endpoint.subject(),
            requests: counter.requests,
            errors: counter.errors,
            processing_time: counter.time,
            average_processing_time: counter.time.checked_div(requests).unwrap_or_default(),
            last_error: counter.last_error.clone(),
            data: (counter.dropped > 0).then(|| json!({ "dropped": counter.dropped })),
            queue_group: QUEUE_GROUP.to_owned(),
        }
    }
}

/// A summary that fits into a header: one plain line of limited length.
pub(super) fn one_line(refusal: &Refusal) -> String {
    const LONGEST: usize = 1024;
    shortened(&refusal.summary(), LONGEST).into_owned()
}
