//! The servers' time. No host's clock decides anything: the clocks of hosts may be hours apart.

use std::{sync::Arc, time::Instant};

use parking_lot::Mutex;
use time::OffsetDateTime;

/// The server's clock, as far as this connection knows it: the last reading and the time since then. Cheap to clone;
/// all clones are one clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerClock(Arc<Mutex<Option<Reading>>>);

#[derive(Clone, Copy, Debug)]
struct Reading {
    time: OffsetDateTime,
    read_at: Instant,
}

impl ServerClock {
    /// Takes a reading: the server reported `time` a moment ago.
    pub(crate) fn set(&self, time: OffsetDateTime) {
        let reading = Reading {
            time,
            read_at: Instant::now(),
        };
        *self.0.lock() = Some(reading);
    }

    /// The server's time, within a round trip; this host's time before the first reading.
    pub(crate) fn now(&self) -> OffsetDateTime {
        let reading = *self.0.lock();
        reading.map_or_else(OffsetDateTime::now_utc, |reading| {
            reading.time + reading.read_at.elapsed()
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
