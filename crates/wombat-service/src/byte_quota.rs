//! Quotas of bytes per client and day, for binaries with modules from outside the catalog: they are stored for all, and
//! a line of source can make hundreds of megabytes.
//!
//! A build is charged for the largest usual binary when it is requested, and for its own size once it has ended, so
//! builds that fail cost nothing, and no client has more of them under way than its quota pays for. Like the quotas of
//! builds, each instance counts for itself, and NATS clients are limited by their permissions.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use wombat_model::{BuildKey, client_network};
use wombat_store::Revision;

/// Quota unless the operator sets another, in bytes; clients on this machine have none.
const DEFAULT: u64 = 2 << 30;
/// Time in which a used-up quota refills completely.
const REFILL: Duration = Duration::from_hours(24);
/// What a build is charged until its size is known: the builders' limit of such a binary, unless their operator sets
/// another one.
const RESERVED: u64 = 256 << 20;
/// Clients that are remembered; beyond that, those that have used nothing are forgotten.
const MAX_CLIENTS: usize = 10_000;

/// Counts bytes by client.
#[derive(Debug)]
pub(crate) struct ByteQuotas {
    /// The operator's setting; 0: no limit.
    given: Option<u64>,
    clients: Mutex<HashMap<IpAddr, Account>>,
}

#[derive(Debug)]
struct Account {
    used: f64,
    at: Instant,
    /// Builds whose size isn't known yet.
    open: Vec<OpenBuild>,
}

#[derive(Debug)]
struct OpenBuild {
    key: BuildKey,
    /// Of the record that was written for the request.
    revision: Revision,
    reserved: u64,
}

/// A client's quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UsedUp {
    /// When there is enough for one more build.
    pub(crate) wait: Duration,
    /// Bytes per day.
    pub(crate) limit: u64,
}

/// What a build was charged. Dropping it gives the bytes back; only [`Self::keep`] makes the charge final.
#[derive(Debug)]
#[must_use = "dropping it gives the bytes back"]
pub(crate) struct Reserved<'a> {
    quotas: &'a ByteQuotas,
    client: IpAddr,
    bytes: u64,
}

impl Reserved<'_> {
    /// Keeps the charge until the size of this build is known: it is new, and its record has this revision.
    pub(crate) fn keep(mut self, key: BuildKey, revision: Revision) {
        let reserved = std::mem::take(&mut self.bytes);
        if reserved > 0
            && let Some(account) = self.quotas.clients.lock().get_mut(&self.client)
        {
            account.open.push(OpenBuild {
                key,
                revision,
                reserved,
            });
        }
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if self.bytes > 0
            && let Some(account) = self.quotas.clients.lock().get_mut(&self.client)
        {
            account.give_back(self.bytes);
        }
    }
}

impl Account {
    #[expect(clippy::cast_precision_loss, reason = "a fraction of a byte is lost")]
    fn give_back(&mut self, bytes: u64) {
        self.used = (self.used - bytes as f64).max(0.0);
    }

    /// Replaces what ended builds were charged by their sizes.
    #[expect(clippy::cast_precision_loss, reason = "a fraction of a byte is lost")]
    fn settle(&mut self, size_of: impl Fn(&BuildKey, Revision) -> Option<u64>) {
        let mut change = 0.0;
        self.open.retain(|build| {
            let size = size_of(&build.key, build.revision);
            if let Some(size) = size {
                change += size as f64 - build.reserved as f64;
            }
            size.is_none()
        });
        self.used = (self.used + change).max(0.0);
    }
}

impl ByteQuotas {
    pub(crate) fn new(given: Option<u64>) -> Self {
        Self {
            given,
            clients: Mutex::default(),
        }
    }

    /// Charges a client for one more build. `size_of` knows the size of a build's binary that ended after this revision
    /// of its record, 0 if it has none.
    pub(crate) fn reserve(
        &self,
        client: IpAddr,
        size_of: impl Fn(&BuildKey, Revision) -> Option<u64>,
    ) -> Result<Reserved<'_>, UsedUp> {
        self.reserve_at(client, Instant::now(), size_of)
    }

    #[expect(clippy::cast_precision_loss, reason = "a fraction of a byte is lost")]
    fn reserve_at(
        &self,
        client: IpAddr,
        now: Instant,
        size_of: impl Fn(&BuildKey, Revision) -> Option<u64>,
    ) -> Result<Reserved<'_>, UsedUp> {
        let limit = self.limit(client);
        let client = client_network(client);
        let reserved = |bytes| Reserved {
            quotas: self,
            client,
            bytes,
        };
        let Some(limit) = limit else {
            return Ok(reserved(0));
        };
        let per_second = limit as f64 / REFILL.as_secs_f64();
        let mut clients = self.clients.lock();
        let used = |account: &Account| {
            let refilled = now.saturating_duration_since(account.at).as_secs_f64() * per_second;
            (account.used - refilled).max(0.0)
        };
        if clients.len() >= MAX_CLIENTS {
            clients.retain(|_, account| used(account) > 0.0 || !account.open.is_empty());
        }
        let account = clients.entry(client).or_insert(Account {
            used: 0.0,
            at: now,
            open: Vec::new(),
        });
        (account.used, account.at) = (used(account), now);
        account.settle(size_of);
        // A quota that is smaller than a usual binary allows one a day.
        let bytes = RESERVED.min(limit);
        let excess = account.used + bytes as f64 - limit as f64;
        if excess > 0.0 {
            let wait = Duration::from_secs_f64(excess / per_second);
            return Err(UsedUp { wait, limit });
        }
        account.used += bytes as f64;
        drop(clients);
        Ok(reserved(bytes))
    }

    /// Bytes per day.
    fn limit(&self, client: IpAddr) -> Option<u64> {
        match self.given {
            Some(0) => None,
            Some(given) => Some(given),
            None if client.is_loopback() => None,
            None => Some(DEFAULT),
        }
    }
}

#[cfg(test)]
mod tests {
    use wombat_testkit::a_spec;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn client(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn build(package: &str) -> BuildKey {
        a_spec().package(package).build().key()
    }

    fn unknown(_: &BuildKey, _: Revision) -> Option<u64> {
        None
    }

    #[test]
    fn what_is_under_way_counts_as_the_largest_usual_binary() {
        let quotas = ByteQuotas::new(Some(512 * MIB));
        let (one, start) = (client("192.0.2.1"), Instant::now());
        for package in ["a", "b"] {
            let reserved = quotas.reserve_at(one, start, unknown).unwrap();
            reserved.keep(build(package), Revision::new(7));
        }
        let used_up = quotas.reserve_at(one, start, unknown).unwrap_err();
        assert_eq!(used_up.wait, REFILL / 2);
        assert_eq!(used_up.limit, 512 * MIB);
        let other = client("192.0.2.2");
        drop(quotas.reserve_at(other, start, unknown).expect("its own"));
        // Half of a day later, half of the quota is there again.
        let later = start + used_up.wait;
        drop(quotas.reserve_at(one, later, unknown).unwrap());
        let dropped = quotas.reserve_at(one, later, unknown);
        assert!(dropped.is_ok(), "what is dropped is given back");
    }

    #[test]
    fn what_has_ended_counts_with_its_size() {
        let quotas = ByteQuotas::new(Some(1024 * MIB));
        let (one, start) = (client("192.0.2.1"), Instant::now());
        let [large, failed] = ["large", "failed"].map(build);
        for key in [&large, &failed] {
            let reserved = quotas.reserve_at(one, start, unknown).unwrap();
            reserved.keep(key.clone(), Revision::new(7));
        }
        // A builder without a limit of its own made 900 MiB of it.
        let size_of = |key: &BuildKey, after: Revision| {
            assert_eq!(after, Revision::new(7));
            Some(if *key == large { 900 * MIB } else { 0 })
        };
        let used_up = quotas.reserve_at(one, start, size_of).unwrap_err();
        let missing = REFILL.as_secs_f64() * (900.0 + 256.0 - 1024.0) / 1024.0;
        assert!((used_up.wait.as_secs_f64() - missing).abs() < 1.0);
        let again = |_: &BuildKey, _: Revision| -> Option<u64> { panic!("it is settled") };
        assert!(quotas.reserve_at(one, start, again).is_err());
    }

    #[test]
    fn only_an_operator_limits_this_machine_and_a_small_quota_allows_one() {
        let (local, start) = (client("127.0.0.1"), Instant::now());
        let taken = |quotas: ByteQuotas| {
            let mut count = 0;
            while count < 20
                && let Ok(reserved) = quotas.reserve_at(local, start, unknown)
            {
                reserved.keep(build("a"), Revision::new(1));
                count += 1;
            }
            count
        };
        assert_eq!(taken(ByteQuotas::new(None)), 20);
        assert_eq!(taken(ByteQuotas::new(Some(0))), 20);
        assert_eq!(taken(ByteQuotas::new(Some(MIB))), 1);
        assert_eq!(taken(ByteQuotas::new(Some(DEFAULT))), 8);
    }
}
