//! One call of a group, as a device that is in it sees it. A machine without an engine around it, like `call`: words, reports and wishes
//! come in, what is to be said and done comes out.
//!
//! ```text
//!            somebody says Present        media: connected        none of them
//!  Waiting ───────────────────▶ Connecting ───────────▶ Live ◀──────────────────▶ Reconnecting
//!     ▲                             │                     │                            │
//!     └───────── all have left ─────┴─────────────────────┴────────────────────────────┘      leave: Over
//! ```
//!
//! Nobody leads. Each says to all that it is there, what it sends, whom else it takes as being there and whom it does not hear; who says nothing
//! for some time is gone. Between each two is a leg, as in a call between two; which of them are open follows from what all have said
//! ([`plan`]). Each seals its frames with keys of its own ([`keys`]), which go over the legs' words.

use std::collections::BTreeMap;

use kith_crypto::sframe::BaseKey;
use kith_crypto::sframe::SENDER_BITS;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Capabilities;
use kith_proto::call::Media;
use kith_proto::call::Signal;
use kith_proto::call::Step;
use kith_proto::call::group::Between;
use kith_proto::call::group::Present;
use kith_proto::call::media::IceServers;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use self::door::Door;
pub(super) use self::door::MAX_OF_ACCOUNT;
use self::forwarding::Forwarding;
use self::keys::Keys;
use super::call::Setup;
use super::leg::Leg;
use super::ongoing::SeenPerson;

mod door;
mod forwarding;
mod hearing;
mod keys;
mod plan;
mod view;
mod ways;

/// How often everybody says that they are there. Four of them fit into [`SILENT`].
const BEAT: Span = Span::from_millis(2_500);

/// How often it is said to whoever forwards, and by them: that they are gone must be seen soon, as nobody hears anybody then.
const FAST_BEAT: Span = Span::from_millis(500);

/// Three fast beats: who forwards and says nothing for so long is replaced.
const UNHEARD: Span = Span::from_millis(1_500);

/// A forwarder of whom no media come for so long after they should is replaced as well: a way is found sooner, or not at all.
const NO_WAY: Span = Span::from_secs(6);

/// Who says nothing for so long is gone.
const SILENT: Span = Span::from_secs(10);

/// Unless media come from them: then only the connection for words is lost. It is found again, or they are gone.
const SILENT_BUT_FLOWS: Span = Span::from_secs(30);

/// How often members who are not in the call are told of it. They forget it when they hear nothing three times.
pub(super) const TOLD_EVERY: Span = Span::from_secs(15);

/// A call that began before is taken to have begun then.
pub(super) const LONGEST: Span = Span::from_days(2);

/// So far ahead may the clocks of others be.
const CLOCKS_DIFFER: Span = Span::from_minutes(5);

/// The highest rank: whoever can be reached from outside.
const MAX_RANK: u8 = 2;

/// A connection that media could not make is tried again after so long.
const FAILED_AGAIN: Span = Span::from_secs(10);

/// A connection is opened not more often than this, whoever needs it: each costs sockets, keys, and a place at each relay.
const OPEN_PAUSE: Span = Span::from_secs(2);

/// A network is taken as settled when nothing changed for so long.
const SETTLED: Span = Span::from_millis(500);

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    /// Say something to a device in the call, if it is connected.
    Say(DeviceId, Signal),
    /// Say something to all members who are connected and not in the call.
    Tell(Told),
    /// Have media do something.
    Media(MediaCommand),
}

/// What those who are not in the call are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// This device is in it.
    Present,
    /// It is not any more.
    Absent,
}

/// Whoever says something.
#[derive(Clone, Debug)]
pub(crate) struct Speaker {
    /// The device.
    pub(crate) device: DeviceId,
    /// Whose it is.
    pub(crate) account: AccountId,
    /// How a leg to it is opened.
    pub(crate) setup: Setup,
    /// Whether they may mute the own account, by their role.
    pub(crate) may_mute: bool,
}

/// What a call begins with, here.
#[derive(Debug)]
pub(crate) struct Beginning {
    /// Which call.
    pub(crate) id: CallId,
    /// Of which group.
    pub(crate) group: GroupId,
    /// This device.
    pub(crate) device: DeviceId,
    /// What it can do.
    pub(crate) capabilities: Capabilities,
    /// How well it can forward.
    pub(crate) rank: u8,
    /// When the call began.
    pub(crate) begun: Timestamp,
    /// When this device came: later than those who are there.
    pub(crate) since: Timestamp,
    /// What is sent from the first moment on.
    pub(crate) media: Media,
    /// Greater than any before.
    pub(crate) session: u64,
    /// The first key.
    pub(crate) key: [u8; 64],
}

/// One call of a group.
#[derive(Debug)]
pub(crate) struct GroupCall {
    id: CallId,
    group: GroupId,
    device: DeviceId,
    capabilities: Capabilities,
    rank: u8,
    begun: Timestamp,
    since: Timestamp,
    door: Door,
    own: Media,
    lacking: Media,
    hand: bool,
    muted_by: Option<AccountId>,
    people: BTreeMap<DeviceId, Person>,
    keys: Keys,
    forwarding: Forwarding,
    talking_since: Option<Timestamp>,
    beat_at: Timestamp,
    slow_beat_at: Timestamp,
    tell_at: Timestamp,
    over: bool,
}

/// Somebody else in the call, by one device.
#[derive(Debug)]
struct Person {
    account: AccountId,
    setup: Setup,
    said: Present,
    /// The session of this device that they are part of.
    session: u64,
    leg: Leg,
    /// Whether a step was lost, as too many waited.
    lost_step: bool,
    heard: Timestamp,
    /// Since when the leg should be open, or should not.
    wanted_since: Timestamp,
    wanted: bool,
    /// When it was last opened: then it is another connection when it is opened again.
    opened_at: Option<Timestamp>,
    /// When media could not make it.
    failed: Option<Timestamp>,
}

impl GroupCall {
    /// Begins a call, or comes into one: both are the same.
    pub(crate) fn join(now: Timestamp, beginning: &Beginning, acts: &mut Vec<Act>) -> Self {
        let &Beginning { id, group, device, capabilities, rank, begun, since, media, session, key } =
            beginning;
        let call = Self {
            id,
            group,
            device,
            capabilities,
            rank,
            begun,
            since,
            door: Door::new(session),
            own: media,
            lacking: Media::default(),
            hand: false,
            muted_by: None,
            people: BTreeMap::new(),
            keys: Keys::new(BaseKey::new(key)),
            forwarding: Forwarding::new(),
            talking_since: None,
            beat_at: now + BEAT,
            slow_beat_at: now + BEAT,
            tell_at: now + TOLD_EVERY,
            over: false,
        };
        call.seal(acts);
        acts.push(Act::Media(MediaCommand::Through { call: id, device: None }));
        acts.push(Act::Tell(Told::Present));
        call
    }

    /// The person leaves.
    pub(crate) fn leave(&mut self, acts: &mut Vec<Act>) {
        let devices: Vec<DeviceId> = self.people.keys().copied().collect();
        for device in &devices {
            acts.push(Act::Say(*device, Signal::Absent));
            self.close(device, acts);
        }
        acts.push(Act::Tell(Told::Absent));
        let order = self.forwarding.end();
        self.forward(order, acts);
        self.over = true;
    }

    /// Sends something else from now on.
    pub(crate) fn set_media(&mut self, media: Media, acts: &mut Vec<Act>) {
        if media == self.own || self.over {
            return;
        }
        if media.microphone {
            self.muted_by = None;
        }
        self.own = media;
        if self.people.values().any(|person| person.leg.is_open()) {
            acts.push(Act::Media(MediaCommand::SetMedia { call: self.id, media }));
        }
        self.news(acts);
    }

    /// Media report what they cannot send.
    pub(crate) fn lacks(&mut self, lacking: Media, acts: &mut Vec<Act>) {
        let before = self.sent();
        self.lacking = lacking;
        if self.sent() != before {
            self.news(acts);
        }
    }

    /// Raises the hand, or takes it down.
    pub(crate) fn raise_hand(&mut self, raised: bool, acts: &mut Vec<Act>) {
        if std::mem::replace(&mut self.hand, raised) != raised {
            self.news(acts);
        }
    }

    /// Asks somebody to mute themselves. Returns whether they are in the call.
    pub(crate) fn mute(&mut self, now: Timestamp, account: &AccountId, acts: &mut Vec<Act>) -> bool {
        let theirs = self.people.iter().filter(|(_, person)| person.account == *account);
        let devices: Vec<DeviceId> = theirs.map(|(device, _)| *device).collect();
        devices.iter().for_each(|device| self.push(now, device, Step::Mute, acts));
        !devices.is_empty()
    }

    /// Another rank.
    pub(crate) fn set_rank(&mut self, rank: u8) {
        self.rank = rank;
    }

    /// Other servers may be used.
    pub(crate) fn set_servers(&mut self, servers: &IceServers) {
        self.people.values_mut().for_each(|person| person.setup.servers = servers.clone());
    }

    /// The own network changed.
    pub(crate) fn network_changed(&mut self, now: Timestamp) {
        let open = self.people.values_mut().filter(|person| person.leg.is_open());
        open.for_each(|person| person.leg.network_changed(now + SETTLED));
    }

    /// Who is in the call that must not be: they are no members any more, or blocked.
    pub(crate) fn keep(
        &mut self,
        now: Timestamp,
        may: impl Fn(&AccountId, &DeviceId) -> bool,
        acts: &mut Vec<Act>,
    ) {
        let people = self.people.iter().filter(|(device, person)| !may(&person.account, device));
        let gone: Vec<DeviceId> = people.map(|(device, _)| *device).collect();
        for device in gone {
            acts.push(Act::Say(device, Signal::Absent));
            self.lose(&device, acts);
        }
        self.settle(now, acts);
    }

    fn between(person: &Person, step: Option<(u32, Step)>) -> Signal {
        let taken = match person.leg.alive() {
            Signal::Alive { taken } => taken,
            _ => 0,
        };
        let from = person.session;
        Signal::Between(Box::new(Between { from, to: person.said.session, taken, step }))
    }

    fn push(&mut self, now: Timestamp, device: &DeviceId, step: Step, acts: &mut Vec<Act>) {
        let Some(person) = self.people.get_mut(device) else { return };
        let Some(Signal::Step { number, step }) = person.leg.push(now, step) else {
            return person.lost_step = true;
        };
        acts.push(Act::Say(*device, Self::between(person, Some((number, step)))));
    }

    /// Somebody is in the call no more.
    fn gone(&mut self, device: &DeviceId, acts: &mut Vec<Act>) {
        self.close(device, acts);
        if self.people.remove(device).is_some() {
            self.keys.left();
        }
    }

    /// Somebody is taken as being in the call no more, and may not know of it: when they are met again, they begin anew as well.
    fn lose(&mut self, device: &DeviceId, acts: &mut Vec<Act>) {
        self.gone(device, acts);
        self.door.lose();
    }

    fn close(&mut self, device: &DeviceId, acts: &mut Vec<Act>) {
        let Some(person) = self.people.get_mut(device) else { return };
        acts.extend(person.leg.finish().map(Act::Media));
        acts.push(Act::Media(MediaCommand::Forget { from: LegId { call: self.id, device: *device } }));
    }

    /// Tells media how to seal.
    fn seal(&self, acts: &mut Vec<Act>) {
        let (call, sender) = (self.id, sender(&self.id, &self.device));
        acts.push(Act::Media(MediaCommand::Seal { call, sender, key: self.keys.used() }));
    }

    /// A device is connected: whatever it may have missed is said. Also to a member who is not in the call.
    pub(crate) fn ready(&mut self, now: Timestamp, device: &DeviceId, acts: &mut Vec<Act>) {
        acts.push(Act::Say(*device, self.present_to(device)));
        self.again(now, device, true, acts);
        self.look_for_way(now, device, acts);
    }

    /// The connection to a device is lost. For whoever forwards that is enough to be replaced, if nothing comes of them otherwise.
    pub(crate) fn lost(&mut self, now: Timestamp, device: &DeviceId, acts: &mut Vec<Act>) {
        if self.forwarder() == Some(*device) {
            self.forwarding.spare(now, *device);
            self.news(acts);
            self.settle(now, acts);
        }
    }

    /// Time has passed. `ready`: whether something can be said to a device.
    pub(crate) fn wake(&mut self, now: Timestamp, ready: &dyn Fn(&DeviceId) -> bool, acts: &mut Vec<Act>) {
        if self.over {
            return;
        }
        let silent = |person: &Person| {
            let patience = if person.leg.flows() { SILENT_BUT_FLOWS } else { SILENT };
            person.lost_step || now.since(person.heard) >= patience
        };
        let gone: Vec<DeviceId> =
            self.people.iter().filter(|(_, person)| silent(person)).map(|(device, _)| *device).collect();
        gone.iter().for_each(|device| self.lose(device, acts));
        self.forwarding.expire(now);
        self.settle(now, acts);
        if self.beat_at <= now {
            self.beat(now, ready, acts);
        }
        if self.tell_at <= now {
            self.tell_at = now + TOLD_EVERY;
            acts.push(Act::Tell(Told::Present));
        }
        let devices: Vec<DeviceId> = self.people.keys().filter(|device| ready(device)).copied().collect();
        devices.iter().for_each(|device| self.look_for_way(now, device, acts));
    }

    /// Says that this device is there, to those to whom it is due.
    fn beat(&mut self, now: Timestamp, ready: &dyn Fn(&DeviceId) -> bool, acts: &mut Vec<Act>) {
        let (plan, own) = (self.forwarding.plan(), self.device);
        let all = self.slow_beat_at <= now;
        if all {
            self.slow_beat_at = now + BEAT;
        }
        // Whoever takes this device as the one that forwards waits for its word, whether or not it is.
        let fast = |(device, person): &(&DeviceId, &Person)| {
            plan.forwarder() == Some(own)
                || plan.forwarder() == Some(**device)
                || person.said.forwarder == Some(own)
        };
        self.beat_at = now + if self.people.iter().any(|person| fast(&person)) { FAST_BEAT } else { BEAT };
        let due = self.people.iter().filter(|person| all || fast(person)).map(|(device, _)| *device);
        let devices: Vec<DeviceId> = due.filter(ready).collect();
        for device in devices {
            acts.push(Act::Say(device, self.present_to(&device)));
            self.again(now, &device, false, acts);
        }
    }

    fn again(&mut self, now: Timestamp, device: &DeviceId, at_once: bool, acts: &mut Vec<Act>) {
        let Some(person) = self.people.get_mut(device) else { return };
        let steps = person.leg.again(now, at_once);
        acts.extend(steps.into_iter().filter_map(|signal| match signal {
            Signal::Step { number, step } => {
                Some(Act::Say(*device, Self::between(person, Some((number, step)))))
            }
            _ => None,
        }));
    }

    /// When [`wake`](Self::wake) is due.
    pub(crate) fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        if self.over {
            return None;
        }
        // What is due already waits for a connection.
        let tries = self.people.values().filter_map(|person| person.leg.try_at()).filter(|at| *at > now);
        let forwarder = self.forwarder().and_then(|device| self.people.get(&device));
        let unheard = forwarder
            .map(|person| person.heard.max(self.forwarding.since()) + UNHEARD)
            .filter(|at| *at > now);
        let others = [
            Some(self.beat_at),
            Some(self.tell_at),
            self.keys.next_wake(),
            unheard,
            self.forwarding.next_wake(),
        ];
        let failed = self.people.values().filter(|person| person.wanted).filter_map(|person| person.failed);
        let failed = failed.map(|at| at + FAILED_AGAIN).filter(|at| *at > now);
        tries.chain(failed).chain(others.into_iter().flatten()).min()
    }

    /// Does what follows from what is known now: who forwards, which legs are open, which key is used.
    fn settle(&mut self, now: Timestamp, acts: &mut Vec<Act>) {
        if self.over {
            return;
        }
        self.doubt_forwarder(now, acts);
        if self.make_plan(now) {
            // Those to whom fast beats go are others.
            self.beat_at = self.beat_at.min(now + FAST_BEAT);
            self.people.values_mut().for_each(|person| person.failed = None);
            acts.push(Act::Media(MediaCommand::Through { call: self.id, device: self.forwarder() }));
            self.news(acts);
        }
        self.set_legs(now, acts);
        // While all are connected with all by what is known here, one alone is not a reason to send everything to everybody.
        let askers = self.people.values().filter(|person| person.said.forwarder == Some(self.device));
        let asked = askers.count() > usize::from(self.forwarder().is_none());
        let order = self.forwarding.order(now, &self.device, asked);
        self.forward(order, acts);
        let taken = self.people.values().all(|person| person.leg.is_taken());
        if self.keys.use_next(now, taken).is_some() {
            self.seal(acts);
        }
        if self.people.values().any(|person| person.leg.flows()) {
            self.talking_since.get_or_insert(now);
        }
    }

    /// Says to all at once what has changed here.
    fn news(&mut self, acts: &mut Vec<Act>) {
        let devices: Vec<DeviceId> = self.people.keys().copied().collect();
        acts.extend(devices.into_iter().map(|device| Act::Say(device, self.present_to(&device))));
    }

    /// Whether a fresh key is needed.
    pub(crate) fn needs_key(&self) -> bool {
        !self.over && self.keys.is_stale()
    }

    /// A fresh key, as somebody has left.
    pub(crate) fn renew_key(&mut self, now: Timestamp, key: [u8; 64], acts: &mut Vec<Act>) {
        let key = keys::step(&self.keys.renew(now, BaseKey::new(key)));
        let devices: Vec<DeviceId> = self.people.keys().copied().collect();
        devices.iter().for_each(|device| self.push(now, device, key.clone(), acts));
        self.settle(now, acts);
    }

    /// What this device says of itself to another.
    pub(crate) fn present_to(&self, device: &DeviceId) -> Signal {
        Signal::Present(Box::new(Present {
            group: self.group,
            begun: self.begun,
            since: self.since,
            session: self.people.get(device).map_or(self.door.stay(), |person| person.session),
            media: self.sent(),
            capabilities: self.capabilities,
            hand: self.hand,
            rank: self.rank,
            forwarder: self.forwarder(),
            others: BoundedVec::truncated(self.people.keys().copied().collect()),
            unheard: BoundedVec::truncated(self.unheard()),
        }))
    }

    /// What is sent: all that the person wants to send but what is lacking.
    pub(crate) fn sent(&self) -> Media {
        let (own, lacking) = (self.own, self.lacking);
        Media {
            microphone: own.microphone && !lacking.microphone,
            camera: own.camera && !lacking.camera,
            screen: own.screen && !lacking.screen,
            ..own
        }
    }

    /// What is to be sent, and what of it is lacking.
    pub(crate) fn media(&self) -> (Media, Media) {
        let (own, lacking) = (self.own, self.lacking);
        let lacking = Media {
            microphone: own.microphone && lacking.microphone,
            camera: own.camera && lacking.camera,
            screen: own.screen && lacking.screen,
            ..Media::default()
        };
        (own, lacking)
    }

    /// Whether this device has left.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// The others, as they were when this device left.
    pub(crate) fn into_people(self) -> BTreeMap<DeviceId, SeenPerson> {
        let seen = |(device, person): (DeviceId, Person)| {
            (device, SeenPerson { account: person.account, said: person.said, heard: person.heard })
        };
        self.people.into_iter().map(seen).collect()
    }
}

/// The number of a device in a call, which stands in each of its frames. Two may have the same: then both their keys are tried.
fn sender(call: &CallId, device: &DeviceId) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-22 sender in a call v1");
    hasher.update(&call.0);
    hasher.update(&device.0);
    let mut number = [0; 8];
    hasher.finalize_xof().fill(&mut number);
    u64::from_be_bytes(number) >> (64 - SENDER_BITS)
}

#[cfg(test)]
mod tests;
