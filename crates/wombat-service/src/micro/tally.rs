//! Requests, errors and times by endpoint, for `nats micro stats`.

use std::time::Duration;

use async_nats::service::{endpoint::Stats, error::Error};
use parking_lot::Mutex;
use strum::VariantArray as _;
use wombat_model::Refusal;

use super::queue_group::QUEUE_GROUP;
use crate::endpoints::Endpoint;

/// Counters of all endpoints.
#[derive(Debug, Default)]
pub(super) struct Tally([Mutex<Counter>; Endpoint::VARIANTS.len()]);

#[derive(Debug, Default)]
struct Counter {
    requests: usize,
    errors: usize,
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

    /// The counts of an endpoint.
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
            data: None,
            queue_group: QUEUE_GROUP.to_owned(),
        }
    }
}

/// A summary that fits into a header: no line ends, no control characters, limited length.
pub(super) fn one_line(refusal: &Refusal) -> String {
    const LONGEST: usize = 1024;
    refusal
        .summary()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect()
}
