//! How many new builds one client may ask for. What is stored already is free.
//!
//! Each instance counts for itself, so with more instances a client gets more: this keeps one client from filling the queue,
//! it doesn't share it out. Only clients that a gateway names are counted; who speaks NATS is bound by its permissions.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use wombat_model::client_network;

/// What a client may have unless the operator says otherwise; this machine itself may have any number.
const DEFAULT: u32 = 120;
/// The time in which a client that has used up its quota gets all of it back.
const REFILL: Duration = Duration::from_mins(10);
/// Clients that are remembered; beyond it, those that have their whole quota are forgotten.
const MAX_CLIENTS: usize = 10_000;

/// Counts new builds by client.
#[derive(Debug)]
pub(crate) struct Quotas {
    /// What the operator said; 0: no limit.
    given: Option<u32>,
    clients: Mutex<HashMap<IpAddr, Account>>,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    left: f64,
    at: Instant,
}

impl Quotas {
    pub(crate) fn new(given: Option<u32>) -> Self {
        Self {
            given,
            clients: Mutex::default(),
        }
    }

    /// Takes one build from the client's quota, or says how long it has to wait for the next.
    pub(crate) fn take(&self, client: IpAddr) -> Result<(), Duration> {
        self.take_at(client, Instant::now())
    }

    fn take_at(&self, client: IpAddr, now: Instant) -> Result<(), Duration> {
        let Some(limit) = self.limit(client) else {
            return Ok(());
        };
        let per_second = limit / REFILL.as_secs_f64();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Gives one build back: it wasn't new after all.
    pub(crate) fn give_back(&self, client: IpAddr) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
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
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_quota_is_used_up_and_comes_back() {
        let quotas = Quotas::new(Some(2));
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let start = Instant::now();
        assert_eq!(quotas.take_at(one, start), Ok(()));
        assert_eq!(quotas.take_at(one, start), Ok(()));
        let wait = quotas.take_at(one, start).unwrap_err();
        assert_eq!(wait, REFILL / 2);
        assert_eq!(quotas.take_at(other, start), Ok(()), "each has its own");
        assert_eq!(quotas.take_at(one, start + wait), Ok(()));
        assert!(quotas.take_at(one, start + wait).is_err());
        quotas.give_back(one);
        assert_eq!(quotas.take_at(one, start + wait), Ok(()));
    }

    #[test]
    fn neighbours_in_a_network_are_one_client() {
        let quotas = Quotas::new(Some(1));
        let start = Instant::now();
        assert!(quotas.take_at(address("2001:db8::1"), start).is_ok());
        assert!(quotas.take_at(address("2001:db8::2"), start).is_err());
        assert!(quotas.take_at(address("2001:db8:0:1::1"), start).is_ok());
        assert!(quotas.take_at(address("192.0.2.1"), start).is_ok());
        assert!(quotas.take_at(address("::ffff:192.0.2.1"), start).is_err());
    }

    #[test]
    fn only_an_operator_limits_this_machine() {
        let local = address("127.0.0.1");
        let taken = |quotas: Quotas| (0..200).filter(|_| quotas.take(local).is_ok()).count();
        assert_eq!(taken(Quotas::new(None)), 200);
        assert_eq!(taken(Quotas::new(Some(0))), 200);
        assert_eq!(taken(Quotas::new(Some(5))), 5);
    }
}
