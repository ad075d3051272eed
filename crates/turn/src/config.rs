//! What the operator decides. Not here: where the server listens.

use std::net::IpAddr;

use kith_proto::time::Span;

/// The server's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The realm of the credentials.
    pub realm: String,
    /// The addresses that relayed addresses are told with, one a family at most: as the world sees them.
    pub public: Vec<IpAddr>,
    /// The ports of relayed addresses, both included.
    pub ports: (u16, u16),
    /// Whether it is relayed to addresses of private networks and of this machine, too. Without it a member cannot reach what
    /// only this machine can.
    pub private_peers: bool,
    /// For how long credentials open something. What is open goes on.
    pub valid_for: Span,
    /// Relayed addresses at once.
    pub allocations: usize,
    /// The same for one member: each connection of a call gathers one for each way to the node, and who forwards in a call of a
    /// group has fifteen connections.
    pub per_member: usize,
    /// The same for one line (an address of IPv4, or a /64).
    pub per_line: usize,
    /// The same for one network (a /24 or a /48).
    pub per_network: usize,
    /// Bytes a second that are passed on for one relayed address, both ways together, with the head of each datagram.
    pub bytes_per_second: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            realm: "kith".to_owned(),
            public: Vec::new(),
            ports: (49_160, 49_415),
            private_peers: false,
            // Long enough to gather, and for a second try; a call that lasts renews what it has.
            valid_for: Span::from_minutes(10),
            allocations: 200,
            per_member: 32,
            per_line: 40,
            per_network: 80,
            // Video of 2 Mbit/s in each direction.
            bytes_per_second: 500_000,
        }
    }
}
