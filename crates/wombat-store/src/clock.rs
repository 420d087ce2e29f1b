//! The time as the servers have it. No host's clock decides anything: hosts are hours apart, and nobody notices.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use time::OffsetDateTime;

/// What the server's clock says, as far as this connection has heard: the last reading and the time since then. Cheap
/// to clone; all clones are one clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerClock(Arc<Mutex<Option<Reading>>>);

#[derive(Clone, Copy, Debug)]
struct Reading {
    time: OffsetDateTime,
    heard: Instant,
}

impl ServerClock {
    /// The server said a moment ago that it is `time`.
    pub(crate) fn set(&self, time: OffsetDateTime) {
        let reading = Reading {
            time,
            heard: Instant::now(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
    }

    /// The server's time, within a round trip; this host's where no server has said what time it is.
    pub(crate) fn now(&self) -> OffsetDateTime {
        let reading = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.map_or_else(OffsetDateTime::now_utc, |reading| {
            reading.time + reading.heard.elapsed()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_from_what_the_server_said() {
        let clock = ServerClock::default();
        let said = OffsetDateTime::now_utc() - time::Duration::days(4500);
        clock.clone().set(said);
        let elapsed = clock.now() - said;
        assert!((time::Duration::ZERO..time::Duration::MINUTE).contains(&elapsed));
    }
}
