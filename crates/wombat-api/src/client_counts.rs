//! How many of something each client has at a time.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;
use wombat_model::client_network;

type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Counts by client: an IPv4 address, or an IPv6 /64.
#[derive(Clone, Debug)]
pub(crate) struct ClientCounts {
    /// Of one client; `None`: as many as it likes.
    most: Option<usize>,
    counts: Counts,
}

/// One that counts as long as this lives.
#[derive(Debug)]
pub(crate) struct Counted {
    client: IpAddr,
    counts: Counts,
}

impl ClientCounts {
    /// At most this many of each client; 0: as many as it likes.
    pub(crate) fn up_to(most: usize) -> Self {
        Self {
            most: (most > 0).then_some(most),
            counts: Counts::default(),
        }
    }

    /// The most of one client.
    pub(crate) fn most(&self) -> Option<usize> {
        self.most
    }

    /// Counts one more of this client. `None`: it has the most already.
    pub(crate) fn admit(&self, client: IpAddr) -> Option<Counted> {
        let client = client_network(client);
        let mut counts = self.counts.lock();
        let count = counts.entry(client).or_default();
        if self.most.is_some_and(|most| *count >= most) {
            return None;
        }
        *count += 1;
        Some(Counted {
            client,
            counts: Arc::clone(&self.counts),
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(counts: &ClientCounts, client: &str) -> Option<Counted> {
        counts.admit(client.parse().unwrap())
    }

    #[test]
    fn one_client_leaves_the_others_theirs() {
        let counts = ClientCounts::up_to(2);
        let first = admitted(&counts, "192.0.2.1").unwrap();
        let second = admitted(&counts, "::ffff:192.0.2.1").unwrap();
        assert!(admitted(&counts, "192.0.2.1").is_none());
        let other = admitted(&counts, "192.0.2.2").unwrap();
        drop(first);
        let again = admitted(&counts, "192.0.2.1");
        assert!(again.is_some(), "one that ended makes room");
        drop((second, other, again));
        assert!(counts.counts.lock().is_empty());
    }

    #[test]
    fn a_network_of_addresses_is_one_client() {
        let counts = ClientCounts::up_to(1);
        let _first = admitted(&counts, "2001:db8::1").unwrap();
        assert!(admitted(&counts, "2001:db8::ffff").is_none());
        assert!(admitted(&counts, "2001:db8:0:1::1").is_some());
    }

    #[test]
    fn zero_is_no_limit() {
        let counts = ClientCounts::up_to(0);
        let all: Vec<_> = (0..9).map(|_| admitted(&counts, "192.0.2.1")).collect();
        assert!(all.iter().all(Option::is_some));
    }
}
