//! What counts as one client where clients are counted.

use std::net::{IpAddr, Ipv6Addr};

/// The address by which a client is counted: its own, or, since one IPv6 client has a whole network of addresses, the
/// first of its /64.
pub fn client_network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & (u128::MAX << 64)).into(),
    }
}
