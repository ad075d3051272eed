//! The connections that are up, and what may be said on each.
//!
//! ```text
//!  Down ──Connected, we greet──▶ Up ──their Ready──▶ Ready
//!    ▲                            ▲                     │
//!    └────────Disconnected────────┴──StreamClosed───────┘  greeted again after a pause
//! ```

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::core::Core;
use crate::peers::Peers;
use crate::timer::TimerKey;

/// After so many probes without progress, what was sent is taken as unreadable and sealed anew, and the pause doubles.
pub(crate) const PROBES_BEFORE_REPAIR: u32 = 3;

/// How often the pause between unanswered probes is doubled at most.
const PROBE_DOUBLED_MAX: u32 = 6;

/// Frames beside envelopes that a device may send in ten seconds; an honest one sends a handful after each connecting.
const ASKED_IN_TEN_SECONDS: u32 = 100;

/// Envelopes of one contact that nothing opens, in ten seconds: more than a whole window of an old session, and as many as
/// a device can try without noticing.
const UNREADABLE_IN_TEN_SECONDS: u32 = 2_048;

/// The connections that are up.
#[derive(Default)]
pub(crate) struct Links(BTreeMap<DeviceId, Link>);

/// A connection to a device.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    /// We have said `Hello` on this stream.
    greeted: bool,
    /// They have said `Hello` since the connection is up.
    hello_seen: bool,
    /// They have said `Ready` since we greeted: messages may go.
    ready: bool,
    /// Only a relay leads to them.
    relayed: bool,
    /// Probes without an answer.
    probes: u32,
    /// They seem to have forgotten things, and were told again.
    reminded: bool,
    /// Frames beside envelopes since `counted_from`.
    asked: u32,
    /// The second that `asked` counts from.
    counted_from: Timestamp,
    /// Envelopes that nothing opened since `unreadable_from`.
    unreadable: u32,
    /// The second that `unreadable` counts from.
    unreadable_from: Timestamp,
}

/// What their `Hello` asks of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// Say everything: `Hello`, receipt, `Ready`.
    Full,
    /// They opened a new stream: say receipt and `Ready` again.
    Again,
    /// Nothing: it was said already.
    Said,
}

impl Links {
    /// A connection is up, perhaps another one. Returns whether it is the first with this device.
    pub(super) fn up(&mut self, device: &DeviceId) -> bool {
        self.0.insert(*device, Link::default()).is_none()
    }

    /// The last connection is gone. Returns whether there was one.
    pub(super) fn down(&mut self, core: &mut Core, device: &DeviceId) -> bool {
        core.timers.clear(TimerKey::Greet(*device));
        core.timers.clear(TimerKey::Probe(*device));
        self.0.remove(device).is_some()
    }

    /// Their `Ready` came. Returns whether we may send now.
    pub(super) fn set_ready(&mut self, device: &DeviceId) -> bool {
        match self.0.get_mut(device) {
            // Once for each greeting: whoever says it again and again must not have the window sent each time.
            Some(link) if link.greeted && !link.ready => {
                link.ready = true;
                true
            }
            _ => false,
        }
    }

    /// The outgoing stream broke: nothing can be sent until both sides have greeted again.
    pub(crate) fn stream_closed(&mut self, core: &mut Core, device: &DeviceId) {
        if let Some(link) = self.0.get_mut(device) {
            link.ready = false;
            link.greeted = false;
            core.timers.set(TimerKey::Greet(*device), core.now + core.config.stream_pause);
        }
    }

    /// Their `Hello` came.
    pub(crate) fn hello(&mut self, device: &DeviceId) -> Greeting {
        let Some(link) = self.0.get_mut(device) else { return Greeting::Said };
        let seen_before = std::mem::replace(&mut link.hello_seen, true);
        match (link.greeted, seen_before) {
            (false, _) => Greeting::Full,
            (true, true) => Greeting::Again,
            (true, false) => Greeting::Said,
        }
    }

    /// We are about to greet.
    pub(crate) fn greeted(&mut self, device: &DeviceId) {
        if let Some(link) = self.0.get_mut(device) {
            link.greeted = true;
            link.ready = false;
        }
    }

    /// Whether messages may be put on the stream to a device.
    pub(crate) fn is_ready(&self, device: &DeviceId) -> bool {
        self.0.get(device).is_some_and(|link| link.ready)
    }

    /// Whether a device is connected.
    pub(crate) fn is_up(&self, device: &DeviceId) -> bool {
        self.0.contains_key(device)
    }

    /// Whether anybody is connected.
    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// How many devices are connected that are not in `known`.
    pub(crate) fn strangers(&self, known: impl Fn(&DeviceId) -> bool) -> usize {
        self.0.keys().filter(|device| !known(device)).count()
    }

    /// Whether a device may say something beside envelopes, or say anything as a stranger: so many in ten seconds.
    /// Greetings and prekeys are answered, and an answer costs more than a question.
    pub(crate) fn may_ask(&mut self, now: Timestamp, device: &DeviceId) -> bool {
        let Some(link) = self.0.get_mut(device) else { return false };
        if now.since(link.counted_from) >= Span::from_secs(10) {
            (link.asked, link.counted_from) = (0, now);
        }
        link.asked = link.asked.saturating_add(1);
        link.asked <= ASKED_IN_TEN_SECONDS
    }

    /// Whether envelopes of a contact are still tried, or so many were in vain that the rest has to come again later.
    pub(crate) fn may_try(&mut self, now: Timestamp, device: &DeviceId) -> bool {
        let Some(link) = self.0.get_mut(device) else { return false };
        if now.since(link.unreadable_from) >= Span::from_secs(10) {
            (link.unreadable, link.unreadable_from) = (0, now);
        }
        link.unreadable < UNREADABLE_IN_TEN_SECONDS
    }

    /// Nothing opened an envelope of this device.
    pub(crate) fn tried_in_vain(&mut self, device: &DeviceId) {
        if let Some(link) = self.0.get_mut(device) {
            link.unreadable = link.unreadable.saturating_add(1);
        }
    }

    /// They have forgotten something. Returns whether they are to be reminded: once for each connection, since an old
    /// receipt that comes late looks the same.
    pub(crate) fn remind(&mut self, device: &DeviceId) -> bool {
        self.0.get_mut(device).is_some_and(|link| !std::mem::replace(&mut link.reminded, true))
    }

    /// A probe is due. Returns how many went unanswered before, or `None` when the device is gone.
    pub(crate) fn probe(&mut self, device: &DeviceId) -> Option<u32> {
        let link = self.0.get_mut(device)?;
        link.probes += 1;
        Some(link.probes - 1)
    }

    /// The device confirmed something: no probe is unanswered.
    pub(crate) fn progress(&mut self, core: &mut Core, device: &DeviceId) {
        if let Some(link) = self.0.get_mut(device) {
            link.probes = 0;
        }
        core.timers.clear(TimerKey::Probe(*device));
    }

    /// Something waits: it should be confirmed in time.
    pub(crate) fn expect_answer(&self, core: &mut Core, device: &DeviceId) {
        let Some(link) = self.0.get(device) else { return };
        // Somebody who never answers may have forgotten us altogether: less and less is spent on them.
        let doubled = (link.probes / PROBES_BEFORE_REPAIR).min(PROBE_DOUBLED_MAX);
        let pause = Span(core.config.probe_after.0.saturating_mul(1 << doubled));
        core.timers.set_earlier(TimerKey::Probe(*device), core.now + pause);
    }

    /// The contacts that have a connected device.
    pub(crate) fn online(&self, peers: &Peers) -> BTreeSet<ContactId> {
        self.0.keys().filter_map(|device| peers.contact_of(device)).collect()
    }

    /// Notes whether only a relay leads to a device. Returns whether that is new.
    pub(crate) fn set_relayed(&mut self, device: &DeviceId, relayed: bool) -> bool {
        let link = self.0.get_mut(device);
        link.is_some_and(|link| std::mem::replace(&mut link.relayed, relayed) != relayed)
    }

    /// Whether only a relay leads to a device.
    pub(crate) fn is_relayed(&self, device: &DeviceId) -> bool {
        self.0.get(device).is_some_and(|link| link.relayed)
    }

    /// The connected contacts that only relays lead to.
    pub(crate) fn relayed(&self, peers: &Peers) -> BTreeSet<ContactId> {
        let of = |relayed: bool| {
            let links = self.0.iter().filter(move |(_, link)| link.relayed == relayed);
            links.filter_map(|(device, _)| peers.contact_of(device)).collect::<BTreeSet<_>>()
        };
        &of(true) - &of(false)
    }

    /// The devices that messages may be sent to now.
    pub(crate) fn ready_devices(&self) -> Vec<DeviceId> {
        self.0.iter().filter(|(_, link)| link.ready).map(|(device, _)| *device).collect()
    }
}
