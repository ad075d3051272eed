//! Networks as limits see them: who holds one address holds its network, and who holds an IPv6 prefix has addresses
//! without end. Decides nothing by itself; whoever limits asks here.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;
use std::time::Instant;

/// Networks whose rate is known at once, 100 bytes each. Beyond it all others share one rate.
const MAX_METERED: usize = 16_384;

/// How many times the rate of one network those share that are not known: honest ones still get in, and an attacker with
/// very many networks is slowed down too.
const OTHERS: u32 = 8;

/// What is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Network {
    /// An IPv4 address, or the /64 that one IPv6 customer gets.
    Host(IpAddr),
    /// The /24 or /48 around it: what one provider hands to one site.
    Site(IpAddr),
}

impl Network {
    /// Whether it is this machine.
    pub(crate) fn is_here(self) -> bool {
        let (Self::Host(ip) | Self::Site(ip)) = self;
        ip.is_loopback()
    }
}

/// The host and the site of an address.
pub(crate) fn networks_of(ip: IpAddr) -> [Network; 2] {
    let (host, site) = match ip.to_canonical() {
        ip if ip.is_loopback() => (ip, ip),
        IpAddr::V4(ip) => (ip.into(), IpAddr::V4((ip.to_bits() & (u32::MAX << 8)).into())),
        IpAddr::V6(ip) => {
            let cut = |bits: u32| IpAddr::V6((ip.to_bits() & (u128::MAX << (128 - bits))).into());
            (cut(64), cut(48))
        }
    };
    [Network::Host(host), Network::Site(site)]
}

/// How much of something a network may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// How long until there is one more.
    pub(crate) each: Duration,
    /// How many at once, after a silence.
    pub(crate) at_once: u32,
}

impl Rate {
    /// So many times as much.
    pub(crate) fn times(self, factor: u32) -> Self {
        Self { each: self.each / factor, at_once: self.at_once.saturating_mul(factor) }
    }
}

/// Until when what networks asked for is paid for.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    paid: BTreeMap<Network, Instant>,
    /// The same of all networks that are not known.
    others: Option<Instant>,
}

impl Meter {
    /// Takes one from the rate of each network, or from none if one of them has no more.
    pub(crate) fn take(&mut self, asked: &[(Network, Rate)], now: Instant) -> bool {
        if self.paid.len() + asked.len() > MAX_METERED {
            self.paid.retain(|_, paid| *paid > now);
        }
        if !asked.iter().all(|(network, rate)| {
            let (next, _) = self.next(*network, *rate, now);
            next <= now + rate.each * rate.at_once.max(1)
        }) {
            return false;
        }
        for (network, rate) in asked {
            match self.next(*network, *rate, now) {
                (next, true) => drop(self.paid.insert(*network, next)),
                (next, false) => self.others = Some(next),
            }
        }
        true
    }

    /// Until when it would be paid for after one more, and whether the network has a rate of its own.
    fn next(&self, network: Network, rate: Rate, now: Instant) -> (Instant, bool) {
        let known = self.paid.get(&network);
        let is_known = known.is_some() || self.paid.len() < MAX_METERED;
        let (paid, cost) =
            if is_known { (known.copied(), rate.each) } else { (self.others, rate.each / OTHERS) };
        (paid.unwrap_or(now).max(now) + cost, is_known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { each: Duration::from_millis(500), at_once: 10 };

    #[test]
    fn an_ipv6_customer_is_one_host_and_a_site_is_counted_too() {
        let of = |text: &str| networks_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::7"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::7")[0], of("2001:db8:1:3::7")[0]);
        assert_eq!(of("2001:db8:1:2::7")[1], of("2001:db8:1:3::7")[1], "one /48");
        assert_ne!(of("192.0.2.1")[0], of("192.0.2.2")[0]);
        assert_eq!(of("192.0.2.1")[1], of("192.0.2.2")[1], "one /24");
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    #[test]
    fn what_one_of_two_has_no_more_of_costs_the_other_nothing() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        let [host, site] = networks_of("192.0.2.1".parse().unwrap());
        let few = Rate { at_once: 2, ..RATE };
        assert!(
            (0..20).map(|_| meter.take(&[(host, few), (site, RATE)], now)).filter(|took| *took).count() == 2
        );
        assert!((0..8).all(|_| meter.take(&[(site, RATE)], now)), "the site has eight left");
        assert!(!meter.take(&[(site, RATE)], now));
    }

    #[test]
    fn more_networks_than_can_be_remembered_are_not_remembered() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        let site = |number: u32| networks_of(IpAddr::V4((number << 8).into()))[1];
        let known = u32::try_from(MAX_METERED).unwrap();
        for number in 1..=known + 80 {
            assert!(meter.take(&[(site(0x0001_0000 + number), RATE)], now));
        }
        assert!(!meter.take(&[(site(0x0001_0000 + known + 81), RATE)], now), "one rate for all");
        assert!(meter.take(&[(site(0x0001_0001), RATE)], now), "those that are known have their own");
        assert_eq!(meter.paid.len(), MAX_METERED);
        assert!(
            meter.take(&[(site(0x00f0_0000), RATE)], now + Duration::from_secs(60)),
            "and they are forgotten"
        );
    }
}
