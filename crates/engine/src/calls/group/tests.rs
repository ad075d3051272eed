//! Calls of groups without engines: a machine on each device, a wire between all that may lose and reorder, and media that find a way when both
//! sides know each other's description.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::group::MAX_IN_CALL;
use kith_proto::call::media::FrameKey;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng as _;

use super::door::MAX_OF_ACCOUNT;
use super::*;
use crate::view::CallState;

const CALL: CallId = CallId([9; 16]);
const GROUP: GroupId = GroupId([8; 32]);
const BEGIN: Timestamp = Timestamp(1_800_000_000_000);

fn device(number: u8) -> DeviceId {
    DeviceId([number; 32])
}

fn account(number: u8) -> AccountId {
    AccountId([number; 32])
}

/// A device with its media.
struct End {
    call: GroupCall,
    /// Open legs: the epoch, and the epoch of the description that came.
    legs: BTreeMap<DeviceId, (u32, u32)>,
    opened: BTreeMap<DeviceId, u32>,
    paths: BTreeMap<DeviceId, PathState>,
    seals: Option<FrameKey>,
    /// What this device opens the frames of others with.
    opens: BTreeMap<DeviceId, Vec<FrameKey>>,
    forwards: bool,
    /// Whose frames of others are taken, and whose were until when.
    through: Option<DeviceId>,
    before: Option<(DeviceId, Timestamp)>,
    sends: Media,
}

/// All devices, and what is under way.
struct Room {
    now: Timestamp,
    ends: BTreeMap<u8, End>,
    under_way: BTreeMap<(Timestamp, u64), (u8, u8, Signal)>,
    weather: Box<dyn FnMut() -> Vec<Span>>,
    /// Those who are above the others.
    moderators: BTreeSet<u8>,
    /// From whom to whom nothing is said.
    deaf_ways: BTreeSet<(u8, u8)>,
    /// Whether all from the third on are of one account.
    one_account: bool,
    number: u64,
    lots: ChaCha8Rng,
}

impl Room {
    fn new() -> Self {
        Self {
            now: BEGIN,
            ends: BTreeMap::new(),
            under_way: BTreeMap::new(),
            weather: Box::new(|| vec![Span(20)]),
            moderators: BTreeSet::new(),
            deaf_ways: BTreeSet::new(),
            one_account: false,
            number: 0,
            lots: ChaCha8Rng::seed_from_u64(1),
        }
    }

    /// So many who talk.
    fn with(people: u8) -> Self {
        let mut room = Self::new();
        for number in 1..=people {
            room.join(number, 0);
            room.pass(Span::from_millis(700));
        }
        room.pass(Span::from_secs(6));
        room
    }

    fn random(&mut self) -> [u8; 64] {
        let mut bytes = [0; 64];
        self.lots.fill_bytes(&mut bytes);
        bytes
    }

    fn join(&mut self, number: u8, rank: u8) {
        let beginning = Beginning {
            id: CALL,
            group: GROUP,
            device: device(number),
            capabilities: Capabilities::OPUS,
            rank,
            begun: self.now,
            since: self.now,
            media: Media::AUDIO,
            session: {
                self.number += 1;
                (self.now.0 << 16) + self.number
            },
            key: self.random(),
        };
        let mut acts = Vec::new();
        let call = GroupCall::join(self.now, &beginning, &mut acts);
        let end = End {
            call,
            legs: BTreeMap::new(),
            opened: BTreeMap::new(),
            paths: BTreeMap::new(),
            seals: None,
            opens: BTreeMap::new(),
            forwards: false,
            through: None,
            before: None,
            sends: Media::default(),
        };
        self.ends.insert(number, end);
        self.act(number, acts);
    }

    fn with_call(&mut self, number: u8, deed: impl FnOnce(&mut GroupCall, Timestamp, &mut Vec<Act>)) {
        let now = self.now;
        let mut acts = Vec::new();
        if let Some(end) = self.ends.get_mut(&number) {
            deed(&mut end.call, now, &mut acts);
        }
        self.act(number, acts);
    }

    fn leave(&mut self, number: u8) {
        self.with_call(number, |call, _, acts| call.leave(acts));
        self.ends.remove(&number);
    }

    /// The program is killed: nothing more is said, and the connections to it break.
    fn kill(&mut self, number: u8) {
        self.ends.remove(&number);
        for other in self.ends.keys().copied().collect::<Vec<_>>() {
            self.with_call(other, |call, now, acts| call.lost(now, &device(number), acts));
        }
    }

    fn act(&mut self, from: u8, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Say(to, signal) => self.say(from, to.0[0], &signal),
                Act::Tell(told) => {
                    let inside =
                        |other: &u8| self.ends.get(&from).is_some_and(|end| end.call.has(&device(*other)));
                    let others: Vec<u8> =
                        self.ends.keys().filter(|other| **other != from && !inside(other)).copied().collect();
                    for to in others {
                        let end = self.ends.get(&from).filter(|_| told == Told::Present);
                        let signal = end.map_or(Signal::Absent, |end| end.call.present_to(&device(to)));
                        self.say(from, to, &signal);
                    }
                }
                Act::Media(command) => self.order(from, command),
            }
        }
        let key = self.random();
        if self.ends.get(&from).is_some_and(|end| end.call.needs_key()) {
            self.with_call(from, |call, now, acts| call.renew_key(now, key, acts));
        }
    }

    fn say(&mut self, from: u8, to: u8, signal: &Signal) {
        if self.deaf_ways.contains(&(from, to)) {
            return;
        }
        for way in (self.weather)() {
            self.number += 1;
            self.under_way.insert((self.now + way, self.number), (from, to, signal.clone()));
        }
    }

    fn order(&mut self, who: u8, command: MediaCommand) {
        let Some(end) = self.ends.get_mut(&who) else { return };
        let mut describe = None;
        match command {
            MediaCommand::Open(opening) => {
                assert!(opening.sealed, "nothing goes out unsealed");
                let other = opening.leg.device;
                end.legs.insert(other, (opening.epoch, 0));
                end.opened.insert(other, opening.epoch);
                end.paths.remove(&other);
                end.sends = opening.media;
                describe = (opening.side == Side::Offers).then_some((other, opening.epoch, true));
            }
            MediaCommand::Describe { leg, epoch, offer, .. } => {
                if let Some(kept) = end.legs.get_mut(&leg.device) {
                    *kept = (epoch, epoch);
                    describe = offer.then_some((leg.device, epoch, false));
                }
            }
            MediaCommand::Restart { leg, epoch } => {
                if let Some(kept) = end.legs.get_mut(&leg.device) {
                    kept.0 = epoch;
                    describe = Some((leg.device, epoch, true));
                }
            }
            MediaCommand::Close { leg } => {
                end.legs.remove(&leg.device);
                end.paths.remove(&leg.device);
            }
            MediaCommand::Seal { key, .. } => end.seals = Some(key),
            MediaCommand::Unseal { from, key, .. } => end.opens.entry(from.device).or_default().push(key),
            MediaCommand::Forget { from } => _ = end.opens.remove(&from.device),
            MediaCommand::Forward { on, .. } => end.forwards = on,
            MediaCommand::Through { device, .. } if device != end.through => {
                let until = self.now + Span::from_secs(6);
                end.before = std::mem::replace(&mut end.through, device).map(|before| (before, until));
            }
            MediaCommand::SetMedia { media, .. } => end.sends = media,
            _ => {}
        }
        if let Some((other, epoch, offer)) = describe {
            let leg = LegId { call: CALL, device: other };
            let sdp = BoundedStr::truncated("v=0\r\n");
            self.report(who, MediaEvent::Described { leg, epoch, offer, sdp });
        }
    }

    fn report(&mut self, who: u8, event: MediaEvent) {
        self.with_call(who, |call, now, acts| call.report(now, event, acts));
    }

    fn look_at_media(&mut self) {
        let all: Vec<(u8, u8, u32, u32)> = self
            .ends
            .iter()
            .flat_map(|(who, end)| {
                end.legs.iter().map(|(other, (epoch, heard))| (*who, other.0[0], *epoch, *heard))
            })
            .collect();
        for (who, other, epoch, heard) in all {
            let theirs = self.ends.get(&other).and_then(|end| end.legs.get(&device(who))).copied();
            let agreed = theirs.is_some_and(|(at, has)| at == epoch && has == epoch && heard == epoch);
            let state = if agreed { PathState::Connected } else { PathState::Interrupted };
            let before = self.ends.get(&who).and_then(|end| end.paths.get(&device(other)).copied());
            if before != Some(state) && (before.is_some() || state == PathState::Connected) {
                let end = self.ends.get_mut(&who).unwrap();
                end.paths.insert(device(other), state);
                let opened = end.opened.get(&device(other)).copied().unwrap_or_default();
                let leg = LegId { call: CALL, device: device(other) };
                self.report(who, MediaEvent::Path { leg, opened, state, relayed: false });
            }
        }
    }

    fn arrive(&mut self, from: u8, to: u8, signal: Signal) {
        let may_mute = self.moderators.contains(&from);
        let setup = Setup {
            device: device(to),
            ways: Ways::Any,
            capabilities: Capabilities::OPUS,
            servers: BoundedVec::default(),
            sealed: false,
        };
        let speaker = Speaker {
            device: device(from),
            account: account(if self.one_account { from.min(3) } else { from }),
            setup,
            may_mute,
        };
        self.with_call(to, |call, now, acts| _ = call.hear(now, speaker, signal, acts));
    }

    /// Time passes; whatever is due happens.
    fn pass(&mut self, time: Span) {
        let end = self.now + time;
        loop {
            self.look_at_media();
            let word = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let wakes = self.ends.values().filter_map(|end| end.call.next_wake(self.now));
            let Some(at) = wakes.chain(word).min().filter(|at| *at <= end) else { break };
            let before = self.now;
            self.now = self.now.max(at);
            if word.is_some_and(|word| word <= self.now)
                && let Some((_, (from, to, signal))) = self.under_way.pop_first()
            {
                self.arrive(from, to, signal);
                continue;
            }
            let now = self.now;
            for who in self.ends.keys().copied().collect::<Vec<_>>() {
                if self.ends[&who].call.next_wake(before).is_some_and(|at| at <= now) {
                    let ready: BTreeSet<DeviceId> = self.ends.keys().map(|other| device(*other)).collect();
                    self.with_call(who, |call, now, acts| {
                        call.wake(now, &|device| ready.contains(device), acts);
                    });
                    let next = self.ends[&who].call.next_wake(now);
                    assert!(next.is_none_or(|at| at > now), "woken for nothing, again and again");
                }
            }
        }
        self.now = end;
    }

    /// Whether frames of one device reach another: directly, or by whoever forwards; and can be opened there.
    fn hears(&self, listener: u8, speaker: u8) -> bool {
        let flows = |one: u8, other: u8| {
            self.ends.get(&one).and_then(|end| end.paths.get(&device(other))) == Some(&PathState::Connected)
        };
        let takes = |through: &u8| {
            let through = device(*through);
            self.ends.get(&listener).is_some_and(|end| {
                end.through == Some(through)
                    || end.before.is_some_and(|(before, until)| before == through && self.now < until)
            })
        };
        let by = |through: &u8| {
            takes(through)
                && self.ends.get(through).is_some_and(|end| end.forwards)
                && flows(*through, speaker)
                && flows(*through, listener)
        };
        let comes = flows(listener, speaker) || self.ends.keys().any(by);
        let (Some(here), Some(there)) = (self.ends.get(&listener), self.ends.get(&speaker)) else {
            return false;
        };
        let Some(key) = &there.seals else { return false };
        // A key of before leads to that of now, and to no other.
        let opens = |known: &FrameKey| {
            let steps = key.step.checked_sub(known.step).filter(|_| known.generation == key.generation);
            let first = BaseKey::new(*known.key.as_bytes());
            steps.is_some_and(|steps| {
                (0..steps).fold(first, |base, _| base.next()).as_bytes() == key.key.as_bytes()
            })
        };
        comes && here.opens.get(&device(speaker)).is_some_and(|keys| keys.iter().any(opens))
    }

    /// Those who do not hear each other though both are there.
    fn deaf(&self) -> Vec<(u8, u8)> {
        let pairs = self.ends.keys().flat_map(|one| self.ends.keys().map(move |other| (*one, *other)));
        pairs.filter(|(one, other)| one != other && !self.hears(*one, *other)).collect()
    }

    fn forwarders(&self) -> BTreeSet<Option<DeviceId>> {
        self.ends.values().map(|end| end.call.forwarder()).collect()
    }
}

#[test]
fn three_talk_each_with_each() {
    let room = Room::with(3);
    assert_eq!(room.deaf(), []);
    assert_eq!(room.forwarders(), [None].into());
    for end in room.ends.values() {
        assert_eq!((end.call.state(), end.legs.len(), end.forwards), (CallState::Live, 2, false));
    }
}

#[test]
fn above_four_all_are_connected_with_one_who_forwards() {
    let room = Room::with(6);
    assert_eq!(room.deaf(), []);
    assert_eq!(room.forwarders(), [Some(device(1))].into(), "whoever came first, as all are as well placed");
    for (number, end) in &room.ends {
        assert_eq!(end.legs.len(), if *number == 1 { 5 } else { 1 }, "{number}");
        assert_eq!(end.forwards, *number == 1);
    }
}

#[test]
fn who_is_better_placed_forwards() {
    let mut room = Room::with(5);
    room.join(6, 2);
    room.pass(Span::from_secs(8));
    assert_eq!(room.forwarders(), [Some(device(6))].into());
    assert_eq!(room.deaf(), []);
}

#[test]
fn when_the_forwarder_is_killed_the_others_are_back_within_two_seconds() {
    let mut room = Room::with(5);
    assert_eq!(room.forwarders(), [Some(device(1))].into());
    room.kill(1);
    room.pass(Span::from_secs(2));
    assert_eq!(room.deaf(), [], "also before the dead one is given up, and they are five again");
    room.pass(Span::from_secs(30));
    assert_eq!(room.deaf(), []);
    assert_eq!(room.forwarders(), [None].into(), "four talk each with each");
}

#[test]
fn the_next_one_forwards_whenever_it_was_last_heard() {
    for phase in 0..12 {
        let mut room = Room::with(6);
        room.pass(Span(250 * phase));
        room.kill(1);
        room.pass(Span::from_secs(1));
        assert_eq!(room.forwarders(), [Some(device(2))].into(), "phase {phase}");
        assert_eq!(room.deaf(), [], "phase {phase}");
        room.pass(Span::from_secs(20));
        assert_eq!((room.forwarders(), room.deaf()), ([Some(device(2))].into(), vec![]), "and goes on");
    }
}

#[test]
fn a_forwarder_whose_end_nobody_notices_is_replaced_within_two_seconds() {
    let mut room = Room::with(6);
    // Nobody hears that the connection broke.
    room.ends.remove(&1);
    room.pass(Span::from_secs(2));
    assert_eq!(room.deaf(), []);
    assert_eq!(room.forwarders(), [Some(device(2))].into());
}

#[test]
fn while_another_takes_over_nobody_is_cut_off() {
    let mut room = Room::with(5);
    room.join(6, 2);
    for _ in 0..40 {
        room.pass(Span::from_millis(100));
        let deaf: Vec<_> = room.deaf().into_iter().filter(|(one, other)| *one != 6 && *other != 6).collect();
        assert_eq!(deaf, []);
    }
}

#[test]
fn whoever_comes_gets_no_key_of_before_and_whoever_leaves_none_of_after() {
    let mut room = Room::with(3);
    let before = room.ends[&1].seals.clone().unwrap();
    room.join(4, 0);
    room.pass(Span::from_secs(3));
    let now = room.ends[&1].seals.clone().unwrap();
    assert_eq!((now.generation, now.step), (before.generation, before.step + 1));
    assert!(room.ends[&4].opens[&device(1)].iter().all(|key| key.key != before.key));
    let of_four: Vec<FrameKey> = room.ends[&4].opens[&device(1)].clone();
    room.leave(4);
    room.pass(Span::from_secs(3));
    let after = room.ends[&1].seals.clone().unwrap();
    assert!(
        after.generation != now.generation && of_four.iter().all(|key| key.generation != after.generation)
    );
    assert_eq!(room.deaf(), []);
}

#[test]
fn a_fresh_key_is_used_when_all_have_it() {
    let mut room = Room::with(3);
    let before = room.ends[&1].seals.clone().unwrap();
    room.leave(3);
    room.pass(Span::from_millis(30));
    assert_eq!(room.ends[&1].seals, Some(before.clone()), "Bob does not have the next one yet");
    room.pass(Span::from_millis(60));
    assert_ne!(room.ends[&1].seals, Some(before));
    assert_eq!(room.deaf(), []);
}

#[test]
fn a_raised_hand_is_seen_by_all() {
    let mut room = Room::with(3);
    room.with_call(2, |call, _, acts| call.raise_hand(true, acts));
    room.pass(Span::from_secs(1));
    let seen = |room: &Room, by: u8| {
        room.ends[&by].call.people().iter().find(|seen| seen.device == device(2)).unwrap().hand
    };
    assert!(seen(&room, 1) && seen(&room, 3));
    room.with_call(2, |call, _, acts| call.raise_hand(false, acts));
    room.pass(Span::from_secs(1));
    assert!(!seen(&room, 1) && !seen(&room, 3));
}

#[test]
fn who_keeps_order_mutes_and_others_cannot() {
    let mut room = Room::with(3);
    room.moderators.insert(1);
    room.with_call(2, |call, now, acts| assert!(call.mute(now, &account(3), acts)));
    room.pass(Span::from_secs(1));
    assert!(room.ends[&3].sends.microphone, "Bob keeps no order");
    room.with_call(1, |call, now, acts| assert!(call.mute(now, &account(3), acts)));
    room.pass(Span::from_secs(1));
    assert_eq!((room.ends[&3].sends.microphone, room.ends[&3].call.standing().1), (false, Some(account(1))));
    let seen = room.ends[&2].call.people().iter().find(|seen| seen.device == device(3)).unwrap().media;
    assert!(!seen.microphone, "the others see it");
    room.with_call(3, |call, _, acts| call.set_media(Media::AUDIO, acts));
    assert_eq!(room.ends[&3].call.standing().1, None, "they may speak again");
    room.with_call(1, |call, now, acts| assert!(!call.mute(now, &account(7), acts), "who is not there"));
}

#[test]
fn who_comes_again_after_a_crash_is_heard() {
    let mut room = Room::with(3);
    room.kill(2);
    room.pass(Span::from_secs(1));
    room.join(2, 0);
    room.pass(Span::from_secs(6));
    assert_eq!(room.deaf(), []);
}

#[test]
fn who_was_given_up_by_one_side_alone_is_heard_again() {
    let mut room = Room::with(3);
    room.deaf_ways = [(2, 1)].into();
    room.pass(Span::from_secs(45));
    assert!(!room.ends[&1].call.has(&device(2)), "nothing was heard of them");
    assert!(room.ends[&2].call.has(&device(1)), "who heard this device all the time");
    room.deaf_ways.clear();
    room.pass(Span::from_secs(20));
    assert_eq!(room.deaf(), []);
}

#[test]
fn what_was_said_before_they_came_again_is_not_taken_for_now() {
    let mut room = Room::with(3);
    let late = room.ends[&2].call.present_to(&device(1));
    room.leave(2);
    room.join(2, 0);
    room.pass(Span::from_secs(3));
    let before = room.ends[&1].opens.clone();
    for _ in 0..3 {
        room.arrive(2, 1, late.clone());
        room.arrive(2, 1, Signal::Absent);
        room.arrive(2, 1, late.clone());
        room.pass(Span::from_secs(3));
    }
    assert_eq!(room.deaf(), []);
    assert_ne!(room.ends[&1].opens, before, "also when it was taken so");
}

#[test]
fn who_does_not_take_the_forwarder_hears_all_others() {
    let mut room = Room::new();
    // Whoever blocks somebody takes none of their words.
    room.deaf_ways = [(1, 6), (6, 1)].into();
    for number in 1..=6 {
        room.join(number, 0);
        room.pass(Span::from_millis(700));
    }
    room.pass(Span::from_secs(20));
    assert_eq!(room.deaf(), [(1, 6), (6, 1)]);
    let forward: Vec<u8> = room.ends.iter().filter(|(_, end)| end.forwards).map(|(who, _)| *who).collect();
    assert_eq!(forward, [2], "whatever the first one takes for right, who hears nothing of the last");
}

#[test]
fn media_that_failed_are_tried_again() {
    let mut room = Room::with(3);
    for (who, other) in [(1, 2), (2, 1), (2, 3)] {
        let leg = LegId { call: CALL, device: device(other) };
        let opened = room.ends[&who].opened[&device(other)];
        room.report(who, MediaEvent::Failed { leg, opened, reason: MediaFailure::Broken });
        assert!(!room.ends[&who].legs.contains_key(&device(other)));
    }
    room.pass(Span::from_secs(20));
    assert_eq!(room.deaf(), []);
}

#[test]
fn when_one_side_failed_and_the_other_makes_it_anew_nothing_is_left_to_do() {
    let mut room = Room::with(3);
    // The side that answers.
    let (leg, opened) = (LegId { call: CALL, device: device(1) }, room.ends[&2].opened[&device(1)]);
    room.report(2, MediaEvent::Failed { leg, opened, reason: MediaFailure::Broken });
    room.pass(Span::from_millis(1_500));
    let theirs = LegId { call: CALL, device: device(2) };
    let opened = room.ends[&1].opened[&device(2)];
    room.report(1, MediaEvent::Path { leg: theirs, opened, state: PathState::Failed, relayed: false });
    room.pass(Span::from_secs(4));
    assert_eq!(room.deaf(), [], "it is there again before its own try");
    // `pass` asserts that nobody is woken for nothing.
    room.pass(Span::from_secs(20));
    assert_eq!(room.deaf(), []);
}

#[test]
fn who_comes_and_goes_all_the_time_does_not_disturb_the_others() {
    let mut room = Room::with(3);
    let seals = |room: &Room| room.ends[&1].seals.clone().unwrap().generation;
    let before = seals(&room);
    for _ in 0..150 {
        room.join(4, 0);
        room.pass(Span::from_millis(100));
        room.leave(4);
        room.pass(Span::from_millis(100));
        let deaf: Vec<_> = room.deaf().into_iter().filter(|(one, other)| *one != 4 && *other != 4).collect();
        assert_eq!(deaf, []);
    }
    let renewed = seals(&room) - before;
    assert!((1..=31).contains(&renewed), "{renewed} keys in thirty seconds");
}

#[test]
fn an_account_does_not_fill_the_call_with_its_devices() {
    let mut room = Room::with(2);
    room.one_account = true;
    (3..=12).for_each(|number| room.join(number, 0));
    room.pass(Span::from_secs(3));
    assert_eq!(room.ends[&1].call.people().len(), 1 + MAX_OF_ACCOUNT);
}

#[test]
fn ghosts_are_gone_after_a_while() {
    let mut room = Room::with(3);
    room.ends.remove(&3);
    room.pass(Span::from_secs(35));
    assert!(room.ends.values().all(|end| end.call.people().len() == 1 && end.opens.len() == 1));
}

#[test]
fn the_call_has_room_for_sixteen() {
    let mut room = Room::new();
    (1..=18).for_each(|number| room.join(number, 0));
    room.pass(Span::from_secs(20));
    assert!(room.ends.values().all(|end| end.call.people().len() == MAX_IN_CALL - 1), "it is full");
}

/// Something that somebody does, or that happens to them.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Join(u8),
    Leave(u8),
    Kill(u8),
    Show(u8, bool),
    Pass(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = 1..8_u8;
    prop_oneof![
        4 => who.clone().prop_map(Deed::Join),
        1 => who.clone().prop_map(Deed::Leave),
        1 => who.clone().prop_map(Deed::Kill),
        1 => (who, any::<bool>()).prop_map(|(who, shown)| Deed::Show(who, shown)),
        4 => (1..5_000_u64).prop_map(Deed::Pass),
    ]
}

fn weather(seed: u64, lost: u32, doubled: u32) -> Box<dyn FnMut() -> Vec<Span>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Box::new(move || {
        let mut roll = |of_hundred: u32| rng.next_u32() % 100 < of_hundred;
        let copies = if roll(lost) { 0 } else { 1 + usize::from(roll(doubled)) };
        (0..copies).map(|_| Span(5 + u64::from(rng.next_u32() % 120))).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_in_the_end_all_who_are_there_hear_each_other(
        deeds in prop::collection::vec(deed(), 1..25),
        (seed, lost, doubled) in (any::<u64>(), 0..30_u32, 0..20_u32),
    ) {
        let mut room = Room::new();
        room.weather = weather(seed, lost, doubled);
        for deed in deeds {
            match deed {
                Deed::Join(who) => if !room.ends.contains_key(&who) { room.join(who, who % 3) },
                Deed::Leave(who) => room.leave(who),
                Deed::Kill(who) => room.kill(who),
                Deed::Show(who, shown) => {
                    let media = if shown { Media::VIDEO } else { Media::AUDIO };
                    room.with_call(who, |call, _, acts| call.set_media(media, acts));
                }
                Deed::Pass(time) => room.pass(Span(time)),
            }
        }
        room.weather = weather(seed, 0, 0);
        // Who did not hear of each other does so when the others are told once more.
        room.pass(Span::from_minutes(2));
        prop_assert_eq!(room.deaf(), vec![]);
        prop_assert_eq!(room.forwarders().len().min(2), room.ends.len().min(1), "all agree who forwards");
        let count = room.ends.len();
        for (who, end) in &room.ends {
            prop_assert_eq!(end.call.people().len() + 1, count);
            let legs = match end.call.forwarder() {
                Some(forwarder) if forwarder != device(*who) => 1,
                _ => count - 1,
            };
            prop_assert_eq!(end.legs.len(), legs);
            prop_assert_eq!(end.forwards, end.call.forwarder() == Some(device(*who)));
        }
    }
}
