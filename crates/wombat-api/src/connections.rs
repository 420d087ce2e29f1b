//! Limits for open connections: a few thousand in all, and no more of one client than browsers and scripts need, so that
//! one client can't use up those of all others.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wombat_model::client_network;

use crate::args::Network;

/// Connections at once.
const MOST: usize = 4096;
/// Connections by client.
type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Connections of one client at once. A browser keeps six.
const MOST_OF_ONE: usize = 256;

/// Counts connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    permits: Arc<Semaphore>,
    clients: Counts,
    /// Networks without a limit per client: a proxy's connections are those of many clients.
    exempt: Arc<[Network]>,
}

/// Counts a connection as long as this lives.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    _permit: OwnedSemaphorePermit,
    client: Option<(IpAddr, Counts)>,
}

impl Connections {
    /// No connections yet.
    pub(crate) fn new(trusted_proxies: &[Network]) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(MOST)),
            clients: Arc::default(),
            exempt: trusted_proxies.into(),
        }
    }

    /// Waits until there is room for one more.
    pub(crate) async fn room(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed")
    }

    /// Counts a connection of this client, or refuses it.
    pub(crate) fn admit(
        &self,
        client: IpAddr,
        permit: OwnedSemaphorePermit,
    ) -> Option<ConnectionPermit> {
        let client = client.to_canonical();
        let is_exempt =
            client.is_loopback() || self.exempt.iter().any(|proxy| proxy.contains(client));
        if is_exempt {
            return Some(ConnectionPermit {
                _permit: permit,
                client: None,
            });
        }
        let client = client_network(client);
        let mut clients = self.clients.lock();
        let count = clients.entry(client).or_default();
        if *count >= MOST_OF_ONE {
            return None;
        }
        *count += 1;
        Some(ConnectionPermit {
            _permit: permit,
            client: Some((client, Arc::clone(&self.clients))),
        })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let Some((client, clients)) = &self.client else {
            return;
        };
        let mut clients = clients.lock();
        if let Some(count) = clients.get_mut(client) {
            *count -= 1;
            if *count == 0 {
                clients.remove(client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn admitted(connections: &Connections, client: &str) -> Option<ConnectionPermit> {
        let permit = connections.room().await;
        connections.admit(client.parse().unwrap(), permit)
    }

    #[tokio::test]
    async fn one_client_leaves_room_for_the_others() {
        let connections = Connections::new(&[]);
        let mut permits = Vec::new();
        while let Some(permit) = admitted(&connections, "192.0.2.1").await {
            permits.push(permit);
        }
        assert_eq!(permits.len(), MOST_OF_ONE);
        assert!(admitted(&connections, "::ffff:192.0.2.1").await.is_none());
        assert!(admitted(&connections, "192.0.2.2").await.is_some());
        permits.pop();
        let again = admitted(&connections, "192.0.2.1").await;
        assert!(again.is_some(), "one that ended makes room");
        drop((permits, again));
        assert!(connections.clients.lock().is_empty());
        assert_eq!(connections.permits.available_permits(), MOST);
    }

    #[tokio::test]
    async fn a_network_of_addresses_is_one_client() {
        let connections = Connections::new(&[]);
        let mut permits = Vec::new();
        for n in 0..MOST_OF_ONE {
            permits.push(
                admitted(&connections, &format!("2001:db8::{n:x}"))
                    .await
                    .unwrap(),
            );
        }
        assert!(admitted(&connections, "2001:db8::ffff").await.is_none());
        assert!(admitted(&connections, "2001:db8:0:1::1").await.is_some());
    }

    #[tokio::test]
    async fn proxies_and_this_machine_speak_for_many() {
        let connections = Connections::new(&["10.0.0.0/8".parse().unwrap()]);
        let mut permits = Vec::new();
        for client in ["10.1.2.3", "127.0.0.1", "::1"] {
            for _ in 0..=MOST_OF_ONE {
                permits.push(admitted(&connections, client).await.unwrap());
            }
        }
    }
}
