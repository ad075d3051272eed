//! Where is relayed to, and which addresses count as one network. Not here: what each asked for (`allocation`).

use std::net::IpAddr;
use std::net::SocketAddr;

use kith_proto::ip::is_global;

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

/// Whether a datagram may go to an address that is permitted.
pub fn may_send(to: SocketAddr, private: bool) -> bool {
    may_permit(to.ip(), private) && to.port() != 0
}

/// What one subscriber has: an address of IPv4, or a /64.
pub fn line_of(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets()[..8].to_vec(),
    }
}

/// The network that an address is in: a /24, or a /48, which one subscriber may have, too.
pub fn network_of(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets()[..3].to_vec(),
        IpAddr::V6(ip) => ip.octets()[..6].to_vec(),
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
    fn nothing_goes_to_no_port() {
        let may = |text: &str| may_send(text.parse().unwrap(), false);
        assert!(may("1.2.3.5:80") && !may("1.2.3.5:0") && !may("10.0.0.1:80"));
    }

    #[test]
    fn a_line_is_what_one_subscriber_has_and_a_network_what_a_street_has() {
        assert_eq!(network_of(ip("1.2.3.4")), network_of(ip("::ffff:1.2.3.200")));
        assert_ne!(network_of(ip("1.2.3.4")), network_of(ip("1.2.4.4")));
        assert_ne!(line_of(ip("1.2.3.4")), line_of(ip("1.2.3.5")));
        assert_eq!(line_of(ip("2a01::1")), line_of(ip("2a01::ffff:1")));
        assert_ne!(line_of(ip("2a01::1")), line_of(ip("2a01:0:0:1::1")));
        assert_eq!(network_of(ip("2a01::1")), network_of(ip("2a01:0:0:1::1")));
        assert_ne!(network_of(ip("2a01::1")), network_of(ip("2a01:0:1::1")));
    }
}
