//! Who sits behind what kind of address translation, and which two can reach each other directly.
//!
//! The classes are RFC 4787's. A hole is punched as DCUtR does it: both sides send to the address at which the relay
//! sees the other. What arrives depends on two things only: whether the receiver's translation shows everybody the same
//! address, and what its filter lets in. Not modelled: local networks, port prediction, holes in TCP, lost packets.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::action::Who;
use crate::post::Host;

/// Relays at which a device keeps a reservation at once; as the network layer does.
pub const RESERVATIONS: usize = 2;

/// A kind of network, seen from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Can be dialled from anywhere.
    Public,
    /// Everybody sees the same port (endpoint-independent mapping): most homes.
    Independent,
    /// Each address sees a port of its own (address-dependent mapping).
    ByAddress,
    /// Each address and port sees a port of its own: offices, some mobile networks.
    Symmetric,
    /// Only TCP goes out.
    NoUdp,
    /// Behind a carrier that many share: as `Independent`, but two behind the same one do not reach each other.
    Carrier,
}

/// All classes, in the order of tables.
pub const CLASSES: [Class; 6] =
    [Class::Public, Class::Independent, Class::ByAddress, Class::Symmetric, Class::NoUdp, Class::Carrier];

/// How many of 100 people sit where, and some particulars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shares {
    /// [`Class::Public`].
    pub public: u64,
    /// [`Class::Independent`].
    pub independent: u64,
    /// [`Class::ByAddress`].
    pub by_address: u64,
    /// [`Class::Symmetric`].
    pub symmetric: u64,
    /// [`Class::NoUdp`].
    pub no_udp: u64,
    /// [`Class::Carrier`].
    pub carrier: u64,
    /// Of 100 translations, so many let in only the very address and port that was written to; the rest look at the
    /// address alone.
    pub strict: u64,
    /// How many carriers there are.
    pub carriers: u64,
}

impl Default for Shares {
    /// A fifth public, as measured crawls find; the rest such that seven of ten pairs behind translation punch through,
    /// as measured in the wild (arXiv 2510.27500).
    fn default() -> Self {
        Self {
            public: 20,
            independent: 45,
            by_address: 5,
            symmetric: 12,
            no_udp: 3,
            carrier: 15,
            strict: 50,
            carriers: 3,
        }
    }
}

impl Shares {
    /// How many of 100 sit in a class.
    pub fn of(&self, class: Class) -> u64 {
        match class {
            Class::Public => self.public,
            Class::Independent => self.independent,
            Class::ByAddress => self.by_address,
            Class::Symmetric => self.symmetric,
            Class::NoUdp => self.no_udp,
            Class::Carrier => self.carrier,
        }
    }

    /// Draws where somebody sits.
    pub fn draw(&self, roll: &mut impl FnMut(u64) -> u64) -> Place {
        let all: u64 = CLASSES.iter().map(|class| self.of(*class)).sum();
        let mut left = roll(all.max(1));
        let class = CLASSES.iter().copied().find(|class| {
            let hit = left < self.of(*class);
            left = left.saturating_sub(self.of(*class));
            hit
        });
        self.place(class.unwrap_or(Class::Public), roll)
    }

    /// Draws the particulars of a place of some class.
    pub fn place(&self, class: Class, roll: &mut impl FnMut(u64) -> u64) -> Place {
        Place { class, strict: roll(100) < self.strict, carrier: roll(self.carriers.max(1)) }
    }
}

/// Where somebody sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The kind of network.
    pub class: Class,
    /// Whether its filter looks at ports, too.
    pub strict: bool,
    /// Which carrier, if it is one.
    pub carrier: u64,
}

impl Place {
    /// Whether everybody sees this place at the same address and port.
    fn is_steady(&self) -> bool {
        matches!(self.class, Class::Independent | Class::Carrier)
    }

    /// Whether what `other` sends to where the relay sees this place comes in.
    fn lets_in(&self, other: &Self) -> bool {
        self.is_steady() && (!self.strict || other.is_steady())
    }

    /// Whether two devices that are told of each other by a relay come to talk without it.
    pub fn meets(&self, other: &Self) -> bool {
        if self.class == Class::Public || other.class == Class::Public {
            return true;
        }
        let without_udp = self.class == Class::NoUdp || other.class == Class::NoUdp;
        let same =
            self.class == Class::Carrier && other.class == Class::Carrier && self.carrier == other.carrier;
        !without_udp && !same && (self.lets_in(other) || other.lets_in(self))
    }
}

/// How two people are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Nothing between them.
    Direct,
    /// Through a community node.
    Relay(Host),
}

/// Everybody's place, and what relays lend.
#[derive(Debug, Default)]
pub struct Nats {
    /// Where people sit.
    pub places: Vec<Place>,
    /// At which nodes somebody has a reservation.
    lent: BTreeMap<Who, BTreeSet<Host>>,
    /// Connections through a node, each with a number of its own, the smaller person first.
    relayed: BTreeMap<(Who, Who), (Host, u64)>,
    next: u64,
}

impl Nats {
    /// Everybody at their place, without reservations.
    pub fn new(places: Vec<Place>) -> Self {
        Self { places, ..Self::default() }
    }

    /// Whether somebody can be dialled from anywhere.
    pub fn is_public(&self, who: Who) -> bool {
        self.places.get(who).is_none_or(|place| place.class == Class::Public)
    }

    /// Whether two come to talk without a relay once one has introduced them.
    pub fn meet(&self, one: Who, other: Who) -> bool {
        match (self.places.get(one), self.places.get(other)) {
            (Some(one), Some(other)) => one.meets(other),
            _ => true,
        }
    }

    /// Whether a device needs one more reservation.
    pub fn wants(&self, who: Who) -> bool {
        !self.is_public(who) && self.lent.get(&who).map_or(0, BTreeSet::len) < RESERVATIONS
    }

    /// A node lends a device its address. Returns whether that is new.
    pub fn lend(&mut self, who: Who, host: Host) -> bool {
        self.wants(who) && self.lent.entry(who).or_default().insert(host)
    }

    /// Whether a node lends a device its address.
    pub fn lends(&self, who: Who, host: Host) -> bool {
        self.lent.get(&who).is_some_and(|hosts| hosts.contains(&host))
    }

    /// A device is off: its reservations are gone.
    pub fn leave(&mut self, who: Who) {
        self.lent.remove(&who);
    }

    /// A node is off. Returns who had a reservation there, and which connections went through it.
    pub fn lose(&mut self, host: Host) -> (Vec<Who>, Vec<(Who, Who)>) {
        let had = self.lent.iter_mut().filter(|(_, hosts)| hosts.contains(&host));
        let had = had
            .map(|(who, hosts)| {
                hosts.remove(&host);
                *who
            })
            .collect();
        let through = self.relayed.iter().filter(|(_, (of, _))| *of == host);
        (had, through.map(|(pair, _)| *pair).collect())
    }

    /// Two are connected through a node. Returns the number of that connection.
    pub fn relay(&mut self, one: Who, other: Who, host: Host) -> u64 {
        self.next += 1;
        self.relayed.insert((one.min(other), one.max(other)), (host, self.next));
        self.next
    }

    /// Through which node two are connected, and the number of that connection.
    pub fn relayed(&self, one: Who, other: Who) -> Option<(Host, u64)> {
        self.relayed.get(&(one.min(other), one.max(other))).copied()
    }

    /// Two are not connected through a node any more. Returns whether they were.
    pub fn straighten(&mut self, one: Who, other: Who) -> bool {
        self.relayed.remove(&(one.min(other), one.max(other))).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(class: Class, strict: bool) -> Place {
        Place { class, strict, carrier: 0 }
    }

    #[test]
    fn two_homes_meet_whatever_their_filters() {
        for (one, other) in [(true, true), (true, false), (false, false)] {
            assert!(place(Class::Independent, one).meets(&place(Class::Independent, other)));
        }
    }

    #[test]
    fn a_home_meets_an_office_only_if_its_filter_does_not_look_at_ports() {
        for office in [Class::Symmetric, Class::ByAddress] {
            assert!(place(Class::Independent, false).meets(&place(office, true)));
            assert!(!place(Class::Independent, true).meets(&place(office, false)));
            assert!(!place(office, false).meets(&place(office, false)));
        }
    }

    #[test]
    fn the_public_meet_everybody_and_without_udp_one_meets_only_them() {
        for class in CLASSES {
            assert!(place(Class::Public, false).meets(&place(class, true)));
            assert_eq!(place(Class::NoUdp, false).meets(&place(class, false)), class == Class::Public);
        }
    }

    #[test]
    fn two_behind_one_carrier_need_a_relay_and_two_behind_two_do_not() {
        let (one, other) = (place(Class::Carrier, true), Place { carrier: 1, ..place(Class::Carrier, true) });
        assert!(!one.meets(&one));
        assert!(one.meets(&other));
    }
}
