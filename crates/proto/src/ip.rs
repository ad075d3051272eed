//! Which addresses are somewhere in the world. Not here: how far an address of libp2p reaches (`kith-net`).

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_an_address_of_a_house_in_another_form_is_not_in_the_world() {
        let is = |text: &str| is_global(text.parse().unwrap());
        for inside in [
            "0.1.2.3",
            "192.0.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "240.0.0.1",
            "255.255.255.255",
            "224.0.0.251",
            "64:ff9b::c0a8:101",
            "2002:c0a8:101::",
            "fec0::1",
            "::c0a8:101",
            "::ffff:192.168.1.1",
            "ff02::1",
        ] {
            assert!(!is(inside), "{inside}");
        }
        for outside in ["1.1.1.1", "192.0.1.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(is(outside), "{outside}");
        }
    }
}
