//! Where is relayed to, and which addresses count as one network. Not here: what each asked for (`allocation`).

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

/// Addresses of IPv4 that are no place in the world: first address and length of the prefix (IANA's special-purpose registry).
const NOT_GLOBAL_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The same of IPv6 within 2000::/3. Addresses that hold one of IPv4 would lead around the list above.
const NOT_GLOBAL_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is somewhere in the world, and not in a house, on a machine, or of a kind that is for nobody.
pub fn is_global(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            !NOT_GLOBAL_V4.iter().any(|(first, bits)| (ip.to_bits() ^ first.to_bits()) >> (32 - bits) == 0)
        }
        IpAddr::V6(ip) => {
            ip.to_bits() >> 125 == 1
                && !NOT_GLOBAL_V6
                    .iter()
                    .any(|(first, bits)| (ip.to_bits() ^ first.to_bits()) >> (128 - bits) == 0)
        }
    }
}

/// Whether an address is that of one machine at all.
fn is_of_one(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

/// Whether a permission for an address may be given. `private`: addresses that are not global, too.
pub fn may_permit(ip: IpAddr, private: bool) -> bool {
    is_of_one(ip) && (private || is_global(ip))
}

/// Whether a datagram may go to an address that is permitted: on the machine itself only to what it relays.
pub fn may_send(to: SocketAddr, own: &[IpAddr], ports: (u16, u16), private: bool) -> bool {
    let is_own = own.contains(&to.ip().to_canonical());
    may_permit(to.ip(), private)
        && to.port() != 0
        && (private || !is_own || (ports.0..=ports.1).contains(&to.port()))
}

/// The network that an address is in: a /24 or a /64.
pub fn network_of(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets()[..3].to_vec(),
        IpAddr::V6(ip) => ip.octets()[..8].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_operator_s_house_and_machine_are_not_relayed_to() {
        for inside in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.100.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "198.19.0.1",
            "192.0.0.8",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "2001:0:1::",
            "2001:db8::1",
            "100::1",
        ] {
            assert!(!may_permit(ip(inside), false), "{inside}");
        }
        for outside in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2a01::1",
            "::ffff:1.1.1.1",
        ] {
            assert!(may_permit(ip(outside), false), "{outside}");
        }
    }

    #[test]
    fn a_node_that_relays_within_a_house_still_sends_to_nobody_and_everybody_nothing() {
        assert!(may_permit(ip("127.0.0.1"), true) && may_permit(ip("10.0.0.1"), true));
        for nobody in ["0.0.0.0", "::", "224.0.0.251", "ff02::1", "255.255.255.255"] {
            assert!(!may_permit(ip(nobody), true), "{nobody}");
        }
    }

    #[test]
    fn on_the_node_itself_only_what_it_relays_can_be_reached() {
        let own = [ip("1.2.3.4")];
        let may = |text: &str| may_send(text.parse().unwrap(), &own, (50_000, 50_009), false);
        assert!(may("1.2.3.4:50009") && may("1.2.3.5:80"));
        assert!(!may("1.2.3.4:9090") && !may("1.2.3.5:0") && !may("[::ffff:1.2.3.4]:22"));
    }

    #[test]
    fn a_network_is_what_one_household_or_provider_s_street_has() {
        assert_eq!(network_of(ip("1.2.3.4")), network_of(ip("::ffff:1.2.3.200")));
        assert_ne!(network_of(ip("1.2.3.4")), network_of(ip("1.2.4.4")));
        assert_eq!(network_of(ip("2a01::1")), network_of(ip("2a01::ffff:1")));
        assert_ne!(network_of(ip("2a01::1")), network_of(ip("2a01:0:0:1::1")));
    }
}
