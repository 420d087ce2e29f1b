//! Limits for open connections: a few thousand in all, and no more of one client than browsers and scripts need, so that
//! one client can't use up those of all others.
//!
//! When all are used, some more are taken for health checks and operators' tokens. Whether a request is one of these is
//! known only once its head has arrived, so such a connection has little time to send it, and serves one request.

use std::{net::IpAddr, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    args::Network,
    capacity::RESERVED_CONNECTIONS,
    client_counts::{ClientCounts, Counted},
};

/// Connections of one client at once. A browser keeps six.
pub(crate) const MOST_OF_ONE: usize = 256;

/// What a connection may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Any requests.
    Any,
    /// A request for health, or with an operator's token: all other connections are used. The server puts it into every
    /// request of the connection.
    Reserved,
}

/// Counts connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    ordinary: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    clients: ClientCounts,
    /// Networks without a limit per client: a proxy's connections are those of many clients.
    proxies: Arc<[Network]>,
}

/// Room for one more connection.
#[derive(Debug)]
pub(crate) struct Room {
    service: Service,
    _permit: OwnedSemaphorePermit,
}

/// Counts a connection as long as this lives.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    room: Room,
    _counted: Option<Counted>,
}

impl ConnectionPermit {
    /// What the connection may be used for.
    pub(crate) fn service(&self) -> Service {
        self.room.service
    }
}

impl Connections {
    /// No connections yet, and at most so many.
    pub(crate) fn new(most: usize, trusted_proxies: &[Network]) -> Self {
        Self {
            ordinary: Arc::new(Semaphore::new(most)),
            reserved: Arc::new(Semaphore::new(RESERVED_CONNECTIONS)),
            clients: ClientCounts::up_to(MOST_OF_ONE),
            proxies: trusted_proxies.into(),
        }
    }

    /// Waits until there is room for one more.
    pub(crate) async fn room(&self) -> Room {
        let (ordinary, reserved) = (Arc::clone(&self.ordinary), Arc::clone(&self.reserved));
        let (service, permit) = tokio::select! {
            biased;
            permit = ordinary.acquire_owned() => (Service::Any, permit),
            permit = reserved.acquire_owned() => (Service::Reserved, permit),
        };
        Room {
            service,
            _permit: permit.expect("the semaphores are never closed"),
        }
    }

    /// Counts a connection of this client, or refuses it.
    pub(crate) fn admit(&self, client: IpAddr, room: Room) -> Option<ConnectionPermit> {
        let client = client.to_canonical();
        let counted = if self.speaks_for_many(client) {
            None
        } else {
            Some(self.clients.admit(client)?)
        };
        Some(ConnectionPermit {
            room: self.newest(room),
            _counted: counted,
        })
    }

    /// Whether this peer is a proxy. On this machine one needs no declaration, until an operator declares proxies.
    fn speaks_for_many(&self, peer: IpAddr) -> bool {
        if self.proxies.is_empty() {
            return peer.is_loopback();
        }
        self.proxies.iter().any(|proxy| proxy.contains(peer))
    }

    /// The same room, or a better one if another connection has ended since it was found.
    fn newest(&self, room: Room) -> Room {
        match room.service {
            Service::Any => room,
            Service::Reserved => match Arc::clone(&self.ordinary).try_acquire_owned() {
                Ok(permit) => Room {
                    service: Service::Any,
                    _permit: permit,
                },
                Err(_) => room,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1000;

    async fn admitted(connections: &Connections, client: &str) -> Option<ConnectionPermit> {
        let room = connections.room().await;
        connections.admit(client.parse().unwrap(), room)
    }

    #[tokio::test]
    async fn one_client_leaves_room_for_the_others() {
        let connections = Connections::new(MOST, &[]);
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
        assert_eq!(connections.ordinary.available_permits(), MOST);
    }

    #[tokio::test]
    async fn proxies_speak_for_many_and_this_machine_while_none_is_named() {
        let alone = Connections::new(MOST, &[]);
        let behind = Connections::new(MOST, &["10.0.0.0/8".parse().unwrap()]);
        for (connections, client, is_one) in [
            (&alone, "127.0.0.1", false),
            (&alone, "::1", false),
            (&alone, "10.1.2.3", true),
            (&behind, "10.1.2.3", false),
            (&behind, "127.0.0.1", true),
        ] {
            let mut permits = Vec::new();
            for _ in 0..=MOST_OF_ONE {
                permits.push(admitted(connections, client).await);
            }
            assert_eq!(permits.iter().any(Option::is_none), is_one, "{client}");
        }
    }

    #[tokio::test]
    async fn above_the_limit_there_is_room_for_what_is_reserved() {
        let connections = Connections::new(2, &[]);
        let mut permits = Vec::new();
        for expected in [Service::Any, Service::Any, Service::Reserved] {
            let permit = admitted(&connections, "127.0.0.1").await.unwrap();
            assert_eq!(permit.service(), expected);
            permits.push(permit);
        }
        // Found before a connection ends, and used after.
        let room = connections.room().await;
        permits.remove(0);
        let permit = connections.admit("127.0.0.1".parse().unwrap(), room);
        assert_eq!(permit.unwrap().service(), Service::Any);
    }
}
