//! How far a copy is, for the log.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::info;
use wombat_model::units::MIB;

use crate::StoredObject;

/// Time between messages.
const INTERVAL: Duration = Duration::from_secs(2);

/// Counts what is done, and logs it now and then.
#[derive(Debug)]
pub(super) struct Progress {
    bucket: &'static str,
    step: &'static str,
    all: Amount,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Amount {
    objects: usize,
    bytes: u64,
}

#[derive(Debug)]
struct State {
    done: Amount,
    logged: Instant,
}

impl Progress {
    pub(super) fn of<'a>(
        bucket: &'static str,
        step: &'static str,
        objects: impl IntoIterator<Item = &'a StoredObject>,
    ) -> Self {
        let mut all = Amount::default();
        for object in objects {
            all.add(object);
        }
        let state = State {
            done: Amount::default(),
            logged: Instant::now(),
        };
        Self {
            bucket,
            step,
            all,
            state: Mutex::new(state),
        }
    }

    /// One more is done.
    pub(super) fn note(&self, object: &StoredObject) {
        let mut state = self.state.lock();
        state.done.add(object);
        let is_last = state.done.objects == self.all.objects;
        if is_last || state.logged.elapsed() >= INTERVAL {
            state.logged = Instant::now();
            info!(
                bucket = self.bucket,
                "{}: {} of {} objects, {} of {} MiB",
                self.step,
                state.done.objects,
                self.all.objects,
                state.done.bytes / MIB,
                self.all.bytes / MIB
            );
        }
    }
}

impl Amount {
    fn add(&mut self, object: &StoredObject) {
        self.objects += 1;
        // A link has the size of its target in some clients' entries.
        if object.link.is_none() {
            self.bytes += object.size;
        }
    }
}
