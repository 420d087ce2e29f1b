//! Quotas of new builds per client. Existing builds are free.
//!
//! Each instance counts for itself, so with more instances a client gets more: a quota keeps one client from filling
//! the queue, it doesn't share it out. Only clients of a gateway are counted; NATS clients are limited by their
//! permissions.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use wombat_model::client_network;

/// Quota unless the operator sets another; clients on this machine have none.
const DEFAULT: u32 = 120;
/// Time in which a used-up quota refills completely.
const REFILL: Duration = Duration::from_mins(10);
/// Clients that are remembered; beyond that, those with a full quota are forgotten.
const MAX_CLIENTS: usize = 10_000;

/// Counts new builds by client.
#[derive(Debug)]
pub(crate) struct Quotas {
    /// The operator's setting; 0: no limit.
    given: Option<u32>,
    clients: Mutex<HashMap<IpAddr, Account>>,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    left: f64,
    at: Instant,
}

/// One build that a client's quota was charged for. Dropping it gives the build back, so that a request that fails,
/// times out or is cut off charges nothing; only [`Self::keep`] makes the charge final.
#[derive(Debug)]
#[must_use = "dropping it gives the build back"]
pub(crate) struct Taken<'a> {
    quotas: &'a Quotas,
    client: IpAddr,
    is_kept: bool,
}

impl Taken<'_> {
    /// Makes the charge final: the build is new.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.quotas.give_back(self.client);
        }
    }
}

impl Quotas {
    pub(crate) fn new(given: Option<u32>) -> Self {
        Self {
            given,
            clients: Mutex::default(),
        }
    }

    /// Takes one build from the client's quota, or returns the wait until the next.
    pub(crate) fn take(&self, client: IpAddr) -> Result<Taken<'_>, Duration> {
        self.charge_at(client, Instant::now())?;
        Ok(Taken {
            quotas: self,
            client,
            is_kept: false,
        })
    }

    fn charge_at(&self, client: IpAddr, now: Instant) -> Result<(), Duration> {
        let Some(limit) = self.limit(client) else {
            return Ok(());
        };
        let per_second = limit / REFILL.as_secs_f64();
        let mut clients = self.clients.lock();
        let now_left = |account: &Account| {
            let refilled = now.saturating_duration_since(account.at).as_secs_f64() * per_second;
            (account.left + refilled).min(limit)
        };
        if clients.len() >= MAX_CLIENTS {
            clients.retain(|_, account| now_left(account) < limit);
        }
        let account = clients.entry(client_network(client)).or_insert(Account {
            left: limit,
            at: now,
        });
        let left = now_left(account);
        *account = Account { left, at: now };
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) / per_second));
        }
        account.left -= 1.0;
        Ok(())
    }

    fn give_back(&self, client: IpAddr) {
        let mut clients = self.clients.lock();
        if let Some(account) = clients.get_mut(&client_network(client)) {
            account.left += 1.0;
        }
    }

    fn limit(&self, client: IpAddr) -> Option<f64> {
        match self.given {
            Some(0) => None,
            Some(given) => Some(given.into()),
            None if client.is_loopback() => None,
            None => Some(DEFAULT.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_quota_is_used_up_and_comes_back() {
        let quotas = Quotas::new(Some(2));
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let start = Instant::now();
        assert_eq!(quotas.charge_at(one, start), Ok(()));
        assert_eq!(quotas.charge_at(one, start), Ok(()));
        let wait = quotas.charge_at(one, start).unwrap_err();
        assert_eq!(wait, REFILL / 2);
        assert_eq!(quotas.charge_at(other, start), Ok(()), "each has its own");
        assert_eq!(quotas.charge_at(one, start + wait), Ok(()));
        assert!(quotas.charge_at(one, start + wait).is_err());
        quotas.give_back(one);
        assert_eq!(quotas.charge_at(one, start + wait), Ok(()));
    }

    #[test]
    fn a_request_that_is_dropped_midway_costs_nothing() {
        let quotas = Quotas::new(Some(1));
        let client = address("192.0.2.1");
        let request = async {
            let taken = quotas.take(client).unwrap();
            assert!(quotas.take(client).is_err(), "it counts meanwhile");
            // As if the store didn't answer.
            std::future::pending::<()>().await;
            taken.keep();
        };
        assert_eq!(request.now_or_never(), None);
        quotas.take(client).unwrap().keep();
        assert!(quotas.take(client).is_err(), "what is kept stays charged");
    }

    #[test]
    fn neighbours_in_a_network_are_one_client() {
        let quotas = Quotas::new(Some(1));
        let start = Instant::now();
        assert!(quotas.charge_at(address("2001:db8::1"), start).is_ok());
        assert!(quotas.charge_at(address("2001:db8::2"), start).is_err());
        assert!(quotas.charge_at(address("2001:db8:0:1::1"), start).is_ok());
        assert!(quotas.charge_at(address("192.0.2.1"), start).is_ok());
        let mapped = address("::ffff:192.0.2.1");
        assert!(quotas.charge_at(mapped, start).is_err());
    }

    #[test]
    fn only_an_operator_limits_this_machine() {
        let local = address("127.0.0.1");
        let taken = |quotas: Quotas| {
            let is_taken = |_: &u32| quotas.take(local).map(Taken::keep).is_ok();
            (0..200).filter(is_taken).count()
        };
        assert_eq!(taken(Quotas::new(None)), 200);
        assert_eq!(taken(Quotas::new(Some(0))), 200);
        assert_eq!(taken(Quotas::new(Some(5))), 5);
    }
}
