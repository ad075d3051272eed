//! Whom to dial and when, and the own addresses. Who is connected is in `links`; who finds this device in the DHT, in
//! `finding`.
//!
//! ```text
//!  dial:   waiting ──due──▶ dialling (known addresses, and the DHT) ──failed──▶ waiting, twice as long
//! ```
//!
//! Not here: what is said on a link (`outbox`, `inbox`), and sockets (`kith-net`).

mod links;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::address::DeviceAddress;
use kith_proto::address::MAX_ADDRESSES;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

pub(crate) use self::links::Greeting;
pub(crate) use self::links::Links;
pub(crate) use self::links::PROBES_BEFORE_REPAIR;
use crate::addresses::Addresses;
use crate::core::Core;
use crate::effect::Effect;
use crate::input::AddressRank;
use crate::output::Output;
use crate::peers::Peers;
use crate::timer::TimerKey;
use crate::view::Nat;
use crate::view::NetworkView;

/// After a hint the pauses go on from here: the other side may need some seconds until it can be reached again, which is
/// the pause after one more failure.
const ATTEMPTS_AFTER_HINT: u32 = 3;

/// Hints shorten the pauses of one device no more often than this, so that a relay that comes and goes costs a few dials.
const EASED_EVERY: Span = Span::from_minutes(1);

/// Links, dials, own addresses and bootstrap nodes.
#[derive(Default)]
pub(crate) struct Presence {
    pub(crate) links: Links,
    dials: BTreeMap<DeviceId, Dial>,
    own: Addresses,
    bootstraps: BTreeSet<String>,
    connected_bootstraps: BTreeMap<DeviceId, Multiaddress>,
    peers_connected: u32,
    dht_peers: u32,
    nat: Nat,
}

#[derive(Clone, Debug)]
struct Dial {
    attempts: u32,
    next: Timestamp,
    under_way: bool,
    /// The sequence number of the newest record that was dialled.
    record: u64,
    /// When a hint last made us dial at once.
    hinted: Timestamp,
    /// When a hint last shortened the pauses.
    eased: Timestamp,
    /// Where the local network says that the device is. Anybody there can say so: good for one dial, never kept.
    seen_at: Vec<Multiaddress>,
}

impl Presence {
    /// A connection is up. Returns whether it is the first with this device.
    pub(crate) fn connected(&mut self, core: &mut Core, device: &DeviceId) -> bool {
        if let Some(dial) = self.dials.get_mut(device) {
            // Only a greeting that is answered makes it a good one: somebody may hang up at once, every time.
            dial.attempts = dial.attempts.saturating_add(1);
            dial.next = Timestamp::NEVER;
            dial.under_way = false;
        }
        self.schedule_dials(core);
        self.links.up(device)
    }

    /// The last connection is gone. Returns whether there was a link.
    pub(crate) fn disconnected(&mut self, core: &mut Core, device: &DeviceId) -> bool {
        let was_up = self.links.down(core, device);
        let attempts = self.dials.get(device).map_or(0, |dial| dial.attempts);
        let pause = if attempts == 0 { Span(0) } else { dial_pause(core, attempts) };
        if let Some(dial) = self.dials.get_mut(device) {
            dial.next = core.now + pause;
            dial.under_way = false;
        }
        self.schedule_dials(core);
        was_up
    }

    /// Their `Ready` came. Returns whether we may send now.
    pub(crate) fn set_ready(&mut self, device: &DeviceId) -> bool {
        let is_new = self.links.set_ready(device);
        if let Some(dial) = self.dials.get_mut(device).filter(|_| is_new) {
            dial.attempts = 0;
        }
        is_new
    }

    /// From now on this device is to be connected.
    pub(crate) fn want(&mut self, core: &mut Core, device: &DeviceId) {
        let next = if self.links.is_up(device) { Timestamp::NEVER } else { core.now };
        let (hinted, eased) = (Timestamp(0), Timestamp(0));
        let new = Dial { attempts: 0, next, under_way: false, record: 0, hinted, eased, seen_at: Vec::new() };
        self.dials.entry(*device).or_insert(new);
        self.schedule_dials(core);
    }

    /// This device need not be connected any more.
    pub(crate) fn unwant(&mut self, device: &DeviceId) {
        self.dials.remove(device);
    }

    /// No address of a device answered.
    pub(crate) fn dial_failed(&mut self, core: &mut Core, device: &DeviceId) {
        let attempts = match self.dials.get_mut(device) {
            Some(dial) if dial.under_way => {
                dial.attempts = dial.attempts.saturating_add(1);
                dial.attempts
            }
            _ => return,
        };
        let pause = dial_pause(core, attempts);
        if let Some(dial) = self.dials.get_mut(device) {
            dial.under_way = false;
            dial.next = core.now + pause;
        }
        self.schedule_dials(core);
    }

    /// When a device is dialled next, and whether a dial is under way; `None` when it is connected or not wanted.
    pub(crate) fn next_dial(&self, device: &DeviceId) -> Option<(Timestamp, bool)> {
        let dial = self.dials.get(device).filter(|_| !self.links.is_up(device));
        dial.map(|dial| (dial.next, dial.under_way))
    }

    /// Something new is known about where a device is: dial it at once, but not for every hint of a storm of them.
    pub(crate) fn dial_now(&mut self, core: &mut Core, device: &DeviceId) {
        if let Some(dial) = self.dials.get_mut(device)
            && !self.links.is_up(device)
            && core.now >= dial.hinted + core.config.dial_pause_min
        {
            dial.hinted = core.now;
            dial.next = core.now;
            dial.under_way = false;
        }
        self.schedule_dials(core);
    }

    /// A device was seen on the local network: dial it there, too.
    pub(crate) fn seen_nearby(&mut self, core: &mut Core, device: &DeviceId, addresses: &[Multiaddress]) {
        if let Some(dial) = self.dials.get_mut(device) {
            dial.seen_at = addresses.iter().take(MAX_ADDRESSES).cloned().collect();
        }
        self.dial_now(core, device);
    }

    /// Dials every device that is due, as many at once as allowed. Returns them: they are to be looked for, too.
    pub(crate) fn run_dials(&mut self, core: &mut Core, out: &mut Output, peers: &Peers) -> Vec<DeviceId> {
        let now = core.now;
        let mut under_way = 0;
        for dial in self.dials.values_mut() {
            // A dial whose `next` has come again without a word from the network is over.
            dial.under_way &= dial.next > now;
            under_way += usize::from(dial.under_way);
        }
        let due: Vec<DeviceId> = self
            .dials
            .iter()
            .filter(|(device, dial)| !dial.under_way && dial.next <= now && !self.links.is_up(device))
            .map(|(device, _)| *device)
            .take(core.config.dials_at_once.saturating_sub(under_way))
            .collect();
        for device in due.iter().copied() {
            let mut addresses =
                self.dials.get_mut(&device).map(|dial| std::mem::take(&mut dial.seen_at)).unwrap_or_default();
            for known in peers.get(&device).iter().flat_map(|row| row.addresses.iter()) {
                if !addresses.contains(known) {
                    addresses.push(known.clone());
                }
            }
            out.effect(Effect::Dial { device, addresses });
            if let Some(dial) = self.dials.get_mut(&device) {
                dial.under_way = true;
                dial.next = now + core.config.dial_timeout;
            }
        }
        self.schedule_dials(core);
        due
    }

    fn schedule_dials(&self, core: &mut Core) {
        let under_way = self.dials.values().filter(|dial| dial.under_way && dial.next > core.now).count();
        let full = under_way >= core.config.dials_at_once;
        let next = self.dials.values().filter(|dial| dial.under_way || !full).map(|dial| dial.next).min();
        match next {
            Some(next) if next < Timestamp::NEVER => core.timers.set(TimerKey::Dial, next.max(core.now)),
            _ => core.timers.clear(TimerKey::Dial),
        }
    }

    /// Whether there is anybody to ask.
    pub(crate) fn may_look_up(&self) -> bool {
        !self.connected_bootstraps.is_empty() || self.dht_peers > 0
    }

    /// A record of a device came. Returns whether it is newer than what was dialled before: what was dialled in vain is not
    /// worth more for being found again, and the pause holds.
    pub(crate) fn is_news(&mut self, device: &DeviceId, sequence: u64) -> bool {
        let Some(dial) = self.dials.get_mut(device) else { return false };
        let newer = sequence > dial.record;
        dial.record = dial.record.max(sequence);
        newer
    }

    /// This device listens at an address.
    pub(crate) fn listening(&mut self, core: &mut Core, rank: AddressRank, address: Multiaddress) {
        if self.own.add(rank, address) {
            core.timers.set(TimerKey::Publish, core.now + core.config.publish_pause);
            match rank {
                AddressRank::Global | AddressRank::Local => self.dial_afresh(core),
                // Others are likely to have got theirs back from the same relay.
                AddressRank::Relayed => self.dial_again(core),
                AddressRank::Loopback => {}
            }
        }
    }

    /// Relays are in reach again: whoever is dialled at addresses of old need not be waited for.
    fn dial_again(&mut self, core: &mut Core) {
        let now = core.now;
        for (device, dial) in &mut self.dials {
            // Not every time for a node that comes and goes.
            if self.links.is_up(device) || now < dial.hinted + core.config.dial_pause_min {
                continue;
            }
            (dial.hinted, dial.under_way, dial.next) = (now, false, now);
            if dial.eased == Timestamp(0) || now.since(dial.eased) >= EASED_EVERY {
                (dial.eased, dial.attempts) = (now, dial.attempts.min(ATTEMPTS_AFTER_HINT));
            }
        }
        self.schedule_dials(core);
    }

    /// This device is in another network: whoever could not be reached before may be now.
    fn dial_afresh(&mut self, core: &mut Core) {
        for (device, dial) in &mut self.dials {
            if !dial.under_way && !self.links.is_up(device) {
                (dial.attempts, dial.next) = (0, core.now);
            }
        }
        self.schedule_dials(core);
    }

    /// This device no longer listens at an address.
    pub(crate) fn listener_closed(&mut self, core: &mut Core, address: &Multiaddress) {
        if self.own.remove(address) {
            core.timers.set(TimerKey::Publish, core.now + core.config.publish_pause);
        }
    }

    /// The own addresses to tell others, best first.
    pub(crate) fn own_addresses(&self) -> BoundedVec<Multiaddress, MAX_ADDRESSES> {
        self.own.told()
    }

    /// What an invite names: two own addresses, and a bootstrap node in case they change.
    pub(crate) fn invite_addresses(&self, device: DeviceId) -> Vec<DeviceAddress> {
        let nodes = self.connected_bootstraps.iter();
        let node =
            nodes.map(|(device, address)| DeviceAddress { device: *device, address: address.clone() }).next();
        self.own.for_invite(device).take(if node.is_some() { 2 } else { 3 }).chain(node).collect()
    }

    /// A bootstrap node is connected: publish. Returns everybody who is missing and is to be looked for, if it is the first.
    pub(crate) fn bootstrap_connected(&mut self, core: &mut Core, node: DeviceAddress) -> Vec<DeviceId> {
        let first = self.connected_bootstraps.is_empty();
        self.connected_bootstraps.insert(node.device, node.address);
        self.dial_again(core);
        if !first {
            return Vec::new();
        }
        core.timers.set_earlier(TimerKey::Publish, core.now);
        let missing = self.dials.keys().filter(|device| !self.links.is_up(device));
        missing.take(core.config.dials_at_once).copied().collect()
    }

    /// The bootstrap nodes that are connected.
    pub(crate) fn bootstraps_connected(&self) -> impl Iterator<Item = DeviceAddress> {
        let nodes = self.connected_bootstraps.iter();
        nodes.map(|(device, address)| DeviceAddress { device: *device, address: address.clone() })
    }

    /// Whether this is a bootstrap node.
    pub(crate) fn is_bootstrap(&self, device: &DeviceId) -> bool {
        self.connected_bootstraps.contains_key(device)
    }

    /// A bootstrap node is gone.
    pub(crate) fn bootstrap_lost(&mut self, device: &DeviceId) {
        self.connected_bootstraps.remove(device);
    }

    /// Keeps a bootstrap node. Returns whether it is new.
    pub(crate) fn add_bootstrap(&mut self, address: String) -> bool {
        self.bootstraps.insert(address)
    }

    /// Forgets a bootstrap node. Returns whether it was kept.
    pub(crate) fn remove_bootstrap(&mut self, address: &str) -> bool {
        self.bootstraps.remove(address)
    }

    /// How many bootstrap nodes are kept.
    pub(crate) fn bootstraps(&self) -> &BTreeSet<String> {
        &self.bootstraps
    }

    /// Notes the counts of the network layer. Returns whether they changed.
    pub(crate) fn count(&mut self, connected: u32, dht: u32) -> bool {
        let changed = (self.peers_connected, self.dht_peers) != (connected, dht);
        (self.peers_connected, self.dht_peers) = (connected, dht);
        changed
    }

    /// Whether this device can be dialled from outside.
    pub(crate) fn nat(&self) -> Nat {
        self.nat
    }

    /// Notes whether this device can be reached from outside. Returns whether that is new.
    pub(crate) fn set_nat(&mut self, nat: Nat) -> bool {
        std::mem::replace(&mut self.nat, nat) != nat
    }

    /// The network as front ends see it.
    pub(crate) fn view(&self, peers: &Peers) -> NetworkView {
        NetworkView {
            listen: self.own.all().cloned().collect(),
            bootstraps: self.bootstraps.iter().cloned().collect(),
            bootstraps_named: Vec::new(),
            bootstraps_connected: u32::try_from(self.connected_bootstraps.len()).unwrap_or(u32::MAX),
            bootstraps_up: self.connected_bootstraps.keys().copied().collect(),
            peers: self.peers_connected,
            dht_peers: self.dht_peers,
            contacts_online: u32::try_from(self.links.online(peers).len()).unwrap_or(u32::MAX),
            nat: self.nat,
            mailboxes: Vec::new(),
        }
    }
}

/// How long to wait after so many attempts in a row: doubled each time, with a fifth of jitter, so that a node that
/// comes back is not called by everyone at once.
fn dial_pause(core: &mut Core, attempts: u32) -> Span {
    let doubled = core.config.dial_pause_min.0.saturating_mul(1 << attempts.saturating_sub(1).min(20));
    let pause = doubled.min(core.config.dial_pause_max.0);
    let [roll] = core.random::<1>();
    Span(pause - pause / 10 + pause / 5 * u64::from(roll) / 255)
}
