//! Quotas of new builds per client. Existing builds are free.
//!
//! A build that is begun ahead of its request counts like one that is requested; the request for it is then free. So a
//! client gets no more work out of the builders than its quota allows, and pays for none twice.
//!
//! Each instance counts for itself, so with more instances a client gets more: a quota keeps one client from filling
//! the queue, it doesn't share it out. Only clients of a gateway are counted; NATS clients are limited by their
//! permissions.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use wombat_model::{BuildKey, client_network};

/// Quota unless the operator sets another; clients on this machine have none.
const DEFAULT: u32 = 120;
/// Time in which a used-up quota refills completely.
const REFILL: Duration = Duration::from_mins(10);
/// Clients that are remembered; beyond that, those with a full quota are forgotten.
const MAX_CLIENTS: usize = 10_000;
/// Builds ahead that are remembered for a client: as many as a builder keeps.
const MAX_AHEAD: usize = 3;

/// Counts new builds by client.
#[derive(Debug)]
pub(crate) struct Quotas {
    /// The operator's setting; 0: no limit.
    given: Option<u32>,
    clients: Mutex<HashMap<IpAddr, Account>>,
}

#[derive(Debug)]
struct Account {
    left: f64,
    at: Instant,
    /// Builds ahead that it paid for and didn't request yet, the last one at the end.
    ahead: VecDeque<BuildKey>,
}

/// What a client pays for a build.
#[derive(Debug)]
enum Price {
    /// One new build of its quota.
    Build,
    /// What it paid when this build was begun ahead.
    Prepaid(BuildKey),
    /// Nothing: it has no limit, or the last build that it had begun ahead is this one.
    Free,
}

/// One build that a client's quota was charged for. Dropping it gives the build back, so that a request that fails,
/// times out or is cut off charges nothing; only [`Self::keep`] makes the charge final.
#[derive(Debug)]
#[must_use = "dropping it gives the build back"]
pub(crate) struct Taken<'a> {
    quotas: &'a Quotas,
    client: IpAddr,
    /// `None` once it is final.
    price: Option<Price>,
}

impl Taken<'_> {
    /// Makes the charge final: the build is new.
    pub(crate) fn keep(mut self) {
        self.price = None;
    }

    /// The same for a build that is begun ahead: the request for it is free.
    pub(crate) fn keep_ahead(mut self, build: BuildKey) {
        if let Some(Price::Build) = self.price.take() {
            self.quotas.prepay(self.client, build);
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        match self.price.take() {
            None | Some(Price::Free) => {}
            Some(Price::Build) => self.quotas.give_back(self.client),
            Some(Price::Prepaid(build)) => self.quotas.prepay(self.client, build),
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

    /// Takes one build from the client's quota, or returns the wait until the next. A build that was begun ahead is paid.
    pub(crate) fn take(&self, client: IpAddr, build: &BuildKey) -> Result<Taken<'_>, Duration> {
        let price = match self.take_prepaid(client, build) {
            Some(build) => Price::Prepaid(build),
            None => self.charge_at(client, Instant::now())?,
        };
        Ok(self.taken(client, price))
    }

    /// The same for a build that is to be begun ahead. It is free if it is the last one that was begun for this client;
    /// an earlier one isn't, since it may have been stopped for the last.
    pub(crate) fn take_ahead(
        &self,
        client: IpAddr,
        build: &BuildKey,
    ) -> Result<Taken<'_>, Duration> {
        let price = if self.is_last_ahead(client, build) {
            Price::Free
        } else {
            self.charge_at(client, Instant::now())?
        };
        Ok(self.taken(client, price))
    }

    fn taken(&self, client: IpAddr, price: Price) -> Taken<'_> {
        Taken {
            quotas: self,
            client,
            price: Some(price),
        }
    }

    fn charge_at(&self, client: IpAddr, now: Instant) -> Result<Price, Duration> {
        let Some(limit) = self.limit(client) else {
            return Ok(Price::Free);
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
            ahead: VecDeque::new(),
        });
        let left = now_left(account);
        (account.left, account.at) = (left, now);
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) / per_second));
        }
        account.left -= 1.0;
        Ok(Price::Build)
    }

    fn give_back(&self, client: IpAddr) {
        let mut clients = self.clients.lock();
        if let Some(account) = clients.get_mut(&client_network(client)) {
            account.left += 1.0;
        }
    }

    /// Notes a build that the client paid for before it requests it.
    fn prepay(&self, client: IpAddr, build: BuildKey) {
        let mut clients = self.clients.lock();
        if let Some(account) = clients.get_mut(&client_network(client)) {
            account.ahead.retain(|other| *other != build);
            account.ahead.push_back(build);
            if account.ahead.len() > MAX_AHEAD {
                account.ahead.pop_front();
            }
        }
    }

    fn take_prepaid(&self, client: IpAddr, build: &BuildKey) -> Option<BuildKey> {
        let mut clients = self.clients.lock();
        let ahead = &mut clients.get_mut(&client_network(client))?.ahead;
        let place = ahead.iter().position(|other| other == build)?;
        ahead.remove(place)
    }

    fn is_last_ahead(&self, client: IpAddr, build: &BuildKey) -> bool {
        let clients = self.clients.lock();
        let account = clients.get(&client_network(client));
        account.is_some_and(|account| account.ahead.back() == Some(build))
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
mod tests;
