//! Whether there is room for one more build. Accepted builds need further writes to finish, so new builds are refused
//! before their bucket is quite full.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::warn;
use wombat_model::{
    Refusal,
    names::{ARTIFACTS_BUCKET, BUILDS_BUCKET, PUBLICATIONS_BUCKET},
    wire::StoreHealth,
};
use wombat_store::{Connection, Room};

/// Bytes by which the record of a build may still grow until it is finished, with the removal of its hint; and the
/// initial size of a record.
const GROWTH: u64 = 3 * 1024;
const NEW: u64 = 2 * 1024;
/// How long an answer of the leaders is reused while there is room, and for how many new builds at most.
const FRESH: Duration = Duration::from_secs(1);
const FRESH_FOR: u64 = 50;
/// Seconds after which there may be room again: the janitor looks every second.
const RETRY_AFTER: u64 = 10;

/// Checks the room for new builds, at most once a second while there is some.
#[derive(Debug, Default)]
pub(crate) struct RoomForBuilds(Mutex<Option<KnownRoom>>);

/// The room that the leaders reported.
#[derive(Clone, Copy, Debug)]
struct KnownRoom {
    at: Instant,
    /// New builds that may be accepted before the leaders are asked again.
    builds: u64,
    /// Whether some of them may have modules from outside the catalog.
    takes_uncatalogued: bool,
}

impl RoomForBuilds {
    /// Why a new build is refused now, if it is. `is_of_catalog`: all of its modules are the catalog's; `open`: number of
    /// unfinished builds.
    pub(crate) async fn refusal(
        &self,
        connection: &Connection,
        is_of_catalog: bool,
        open: u64,
    ) -> Option<Refusal> {
        if self.is_known(is_of_catalog) {
            return None;
        }
        let buckets = [BUILDS_BUCKET, ARTIFACTS_BUCKET, PUBLICATIONS_BUCKET];
        let room = match connection.room_of(buckets).await {
            Ok(room) => room,
            // If the store is full, it refuses the write itself.
            Err(error) => {
                warn!(%error, "can't check the room for new builds");
                return None;
            }
        };
        let rooms = room.iter().map(|room| (more_builds(room, open), room));
        let (builds, tightest) = rooms.min_by_key(|(builds, _)| *builds)?;
        let uncatalogued = room.iter().find_map(Room::uncatalogued_refusal);
        let seen = (builds > 1).then(|| KnownRoom {
            at: Instant::now(),
            builds: builds - 1,
            takes_uncatalogued: uncatalogued.is_none(),
        });
        *self.0.lock() = seen;
        if builds == 0 {
            return refusal(tightest);
        }
        let refused = uncatalogued.filter(|_| !is_of_catalog);
        refused.map(|words| Refusal::unavailable(words, RETRY_AFTER))
    }

    /// Whether there is room for one more, by the last answer.
    fn is_known(&self, is_of_catalog: bool) -> bool {
        let mut seen = self.0.lock();
        let Some(seen) = seen.as_mut() else {
            return false;
        };
        let may_be = is_of_catalog || seen.takes_uncatalogued;
        if seen.at.elapsed() > FRESH || seen.builds == 0 || !may_be {
            return false;
        }
        seen.builds -= 1;
        true
    }
}

/// How many more builds this bucket has room for, up to [`FRESH_FOR`].
fn more_builds(room: &Room, open: u64) -> u64 {
    let (Some(limit), Some(most)) = (room.limit, room.most()) else {
        return FRESH_FOR;
    };
    if room.bucket == BUILDS_BUCKET {
        // What accepted builds may still need is reserved, however small the bucket is.
        let most = most.min(limit.saturating_sub(open * GROWTH));
        (most.saturating_sub(room.used) / (NEW + GROWTH)).min(FRESH_FOR)
    } else if room.is_full() {
        0
    } else {
        FRESH_FOR
    }
}

/// How full a bucket is; for records, including what the `open` builds may still need.
pub(crate) fn health(room: &Room, open: u64) -> StoreHealth {
    room.health_if(room.is_full() || more_builds(room, open) == 0)
}

fn refusal(room: &Room) -> Option<Refusal> {
    Some(Refusal::unavailable(room.refusal_words()?, RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(used: u64, limit: u64) -> Room {
        Room {
            bucket: BUILDS_BUCKET,
            used,
            limit: Some(limit),
        }
    }

    #[test]
    fn builds_that_were_accepted_keep_room_to_end() {
        let mib = 1 << 20;
        assert_eq!(more_builds(&records(0, 1024 * mib), 1000), FRESH_FOR);
        assert_eq!(more_builds(&records(930 * mib, 1024 * mib), 0), 0);
        // A small store that holds little is full of what its open builds may still need.
        assert!(more_builds(&records(mib / 4, mib), 10) > 0);
        assert_eq!(more_builds(&records(mib / 4, mib), 300), 0);
        // A bucket that refuses builds is reported as full, though only a quarter is used.
        let told = health(&records(mib / 4, mib), 300);
        assert!(told.full && told.refuses_builds && told.words.is_some());
        assert!(!health(&records(mib / 4, mib), 10).full);
    }
}
