//! Errors by endpoint, for `nats micro stats`: the client's own counters know only of answers without a body.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};
use wombat_model::Refusal;

use super::Endpoint;

/// Counters of all endpoints.
#[derive(Debug, Default)]
pub(super) struct Tally([Counter; Endpoint::ALL.len()]);

#[derive(Debug, Default)]
struct Counter {
    errors: AtomicU64,
    last: Mutex<Option<String>>,
}

impl Tally {
    pub(super) fn count(&self, endpoint: Endpoint, refusal: &Refusal) {
        if let Some(counter) = self.of(endpoint.name()) {
            counter.errors.fetch_add(1, Ordering::Relaxed);
            let text = format!("{}: {}", refusal.status.code(), one_line(refusal));
            *counter.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
    }

    /// What the endpoint of this name adds to its stats.
    pub(super) fn data(&self, name: &str) -> Value {
        let Some(counter) = self.of(name) else {
            return Value::Null;
        };
        let last = counter
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        json!({ "errors": counter.errors.load(Ordering::Relaxed), "lastError": last })
    }

    fn of(&self, name: &str) -> Option<&Counter> {
        let index = Endpoint::ALL
            .iter()
            .position(|endpoint| endpoint.name() == name)?;
        self.0.get(index)
    }
}

/// A summary that fits into a header: no line ends, no control characters, not endless.
pub(super) fn one_line(refusal: &Refusal) -> String {
    const LONGEST: usize = 1024;
    refusal
        .summary()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect()
}
