//! How full each bucket is, according to its leader, and the consequences.

use futures::future::try_join_all;
use wombat_model::{
    names::{
        ARTIFACTS_BUCKET, BUILDERS_BUCKET, BUILDS_BUCKET, CATALOG_BUCKET, CATALOG_DOCS_BUCKET,
        GOCACHE_BUCKET, LOGS_STREAM, PUBLICATIONS_BUCKET,
    },
    wire::StoreHealth,
};

use crate::{Connection, StoreError};

/// The part of the store of binaries that only builds of the catalog may fill, in percent of its limit. It begins where a
/// service that keeps as much as usual removes binaries, so that others have room again once some were removed.
const CATALOG_ROOM: u64 = 20;

/// How full a bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The name of the bucket or stream.
    pub bucket: &'static str,
    /// Bytes that it holds.
    pub used: u64,
    /// Bytes that it may hold; `None`: as many as the server has room for.
    pub limit: Option<u64>,
}

impl Room {
    /// How much of its limit is used, in percent; 0 without a limit.
    pub fn percent(&self) -> u64 {
        let limit = self.limit.filter(|limit| *limit > 0);
        limit.map_or(0, |limit| self.used.saturating_mul(100) / limit)
    }

    /// The percentage above which writes are refused. `None`: never, since the server discards the oldest messages.
    fn full_above(&self) -> Option<u64> {
        match self.bucket {
            LOGS_STREAM => None,
            // The rest is reserved for builds that were accepted.
            BUILDS_BUCKET | PUBLICATIONS_BUCKET => Some(90),
            _ => Some(97),
        }
    }

    /// Whether writes are refused because there is no room.
    pub fn is_full(&self) -> bool {
        self.full_above()
            .is_some_and(|percent| self.is_above(percent))
    }

    /// Bytes above which writes are refused; `None`: never.
    pub fn most(&self) -> Option<u64> {
        let (limit, percent) = (self.limit?, self.full_above()?);
        Some(limit / 100 * percent)
    }

    /// Why no new builds are accepted if this bucket is full, for the client that requests one; `None`: builds don't
    /// need this bucket.
    pub fn refusal_words(&self) -> Option<String> {
        let what = match self.bucket {
            BUILDS_BUCKET => "records of builds",
            ARTIFACTS_BUCKET => "binaries",
            PUBLICATIONS_BUCKET => "results of builds",
            _ => return None,
        };
        Some(format!(
            "The store of {what} is full ({} %), so no new builds are accepted. Accepted builds continue, and finished binaries can be downloaded.",
            self.percent()
        ))
    }

    /// Why a build with modules from outside the catalog isn't accepted now; `None`: this bucket has room for its binary.
    pub fn uncatalogued_refusal(&self) -> Option<String> {
        let is_kept = self.bucket == ARTIFACTS_BUCKET && self.is_above(100 - CATALOG_ROOM);
        is_kept.then(|| {
            let percent = self.percent();
            format!(
                "{percent} % of the store of binaries is used, and its last {CATALOG_ROOM} % are for builds of the catalog, so none with modules from outside the catalog is stored."
            )
        })
    }

    /// The consequence of its being full, and the fix for an operator; `None`: it isn't full.
    pub fn words(&self) -> Option<String> {
        self.is_full().then(|| self.shortage())
    }

    fn shortage(&self) -> String {
        let consequence = self.refusal_words().unwrap_or_else(|| {
            let follows = match self.bucket {
                GOCACHE_BUCKET => "builders don't share compiled packages, so builds take longer",
                BUILDERS_BUCKET => "builders can't renew their leases, and lose their builds",
                CATALOG_BUCKET | CATALOG_DOCS_BUCKET => "no modules can be imported",
                _ => "nothing more is stored in it",
            };
            let (name, percent) = (self.bucket, self.percent());
            format!("The store `{name}` is full ({percent} %): {follows}.")
        });
        let remedy = match self.bucket {
            BUILDS_BUCKET => {
                "Remove records with `wombat purge`, or raise the limit: `wombat setup --builds-limit`."
            }
            ARTIFACTS_BUCKET => {
                "Binaries that are old enough are removed by themselves; to make room at once, remove builds with `wombat purge`, or raise the limit: `wombat setup --artifacts-limit`."
            }
            PUBLICATIONS_BUCKET => {
                "Remove builds with `wombat purge`, whose results are removed a day later, or raise the limit: `wombat setup --publications-limit`."
            }
            GOCACHE_BUCKET => {
                "A running service removes the oldest values by itself; to keep more, raise the limit: `wombat setup --fleet-cache-limit`."
            }
            _ => "Raise its limit: `nats stream edit --max-bytes`.",
        };
        format!("{consequence} {remedy}")
    }

    /// The report about this bucket.
    pub fn health(&self) -> StoreHealth {
        self.health_if(self.is_full())
    }

    /// The same for a caller that knows better whether writes are refused because it is full.
    pub fn health_if(&self, full: bool) -> StoreHealth {
        StoreHealth {
            name: self.bucket.to_owned(),
            used: self.used,
            limit: self.limit,
            percent: self.percent(),
            full,
            refuses_builds: full && self.refusal_words().is_some(),
            words: full.then(|| self.shortage()),
        }
    }

    /// Whether more than this percentage is used.
    pub fn is_above(&self, percent: u64) -> bool {
        self.limit
            .is_some_and(|limit| self.used.saturating_mul(100) > limit.saturating_mul(percent))
    }
}

/// A bucket's name and its stream.
const BUCKETS: [(&str, &str); 8] = [
    (BUILDS_BUCKET, "KV_builds"),
    (PUBLICATIONS_BUCKET, "KV_publications"),
    (BUILDERS_BUCKET, "KV_builders"),
    (CATALOG_BUCKET, "KV_catalog"),
    (ARTIFACTS_BUCKET, "OBJ_artifacts"),
    (CATALOG_DOCS_BUCKET, "OBJ_catalog-docs"),
    (GOCACHE_BUCKET, "KV_gocache"),
    (LOGS_STREAM, LOGS_STREAM),
];

impl Connection {
    /// How full these buckets are.
    pub async fn room_of<const N: usize>(
        &self,
        buckets: [&'static str; N],
    ) -> Result<Vec<Room>, StoreError> {
        let wanted = BUCKETS
            .iter()
            .filter(|(bucket, _)| buckets.contains(bucket));
        try_join_all(wanted.map(async |(bucket, stream)| {
            let (used, limit) = self.stream_info(stream).await?.usage();
            Ok(Room {
                bucket,
                used,
                limit,
            })
        }))
        .await
    }

    /// How full every bucket is.
    pub async fn room(&self) -> Result<Vec<Room>, StoreError> {
        self.room_of(BUCKETS.map(|(bucket, _)| bucket)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(bucket: &'static str, used: u64) -> StoreHealth {
        let limit = Some(1000);
        Room {
            bucket,
            used,
            limit,
        }
        .health()
    }

    #[test]
    fn a_full_store_says_what_follows_and_what_to_do() {
        for (bucket, most) in [
            (BUILDS_BUCKET, 900),
            (PUBLICATIONS_BUCKET, 900),
            (ARTIFACTS_BUCKET, 970),
        ] {
            assert!(!health(bucket, most).full);
            let full = health(bucket, most + 1);
            assert!(full.full && full.refuses_builds, "{bucket}");
            let words = full.words.unwrap();
            assert!(words.contains("no new builds are accepted"), "{words}");
            assert!(words.contains("wombat setup --"), "{words}");
        }
        for bucket in [
            BUILDERS_BUCKET,
            CATALOG_BUCKET,
            CATALOG_DOCS_BUCKET,
            GOCACHE_BUCKET,
        ] {
            assert!(health(bucket, 970).words.is_none());
            let full = health(bucket, 971);
            assert!(full.full && !full.refuses_builds, "{bucket}");
            assert!(full.words.unwrap().contains(bucket));
        }
    }

    #[test]
    fn the_last_part_of_the_store_is_for_the_catalog() {
        let refusal = |bucket, used| {
            let limit = Some(1000);
            let room = Room {
                bucket,
                used,
                limit,
            };
            room.uncatalogued_refusal()
        };
        assert_eq!(refusal(ARTIFACTS_BUCKET, 800), None);
        let words = refusal(ARTIFACTS_BUCKET, 810).unwrap();
        assert!(words.starts_with("81 % of the store"), "{words}");
        assert_eq!(refusal(BUILDS_BUCKET, 999), None);
    }

    #[test]
    fn logs_are_never_full_and_nothing_is_without_a_limit() {
        let logs = health(LOGS_STREAM, 1000);
        assert_eq!((logs.full, logs.percent, logs.words), (false, 100, None));
        let room = Room {
            bucket: BUILDS_BUCKET,
            used: 1000,
            limit: None,
        };
        assert!(!room.is_full());
    }
}
