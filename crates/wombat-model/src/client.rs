//! What counts as one client in quotas.

use std::net::{IpAddr, Ipv6Addr};

/// The address that a client's quota is kept under: its IPv4 address, or the first address of its IPv6 /64, since one
/// IPv6 client has a whole network of addresses.
pub fn client_network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & (u128::MAX << 64)).into(),
    }
}
