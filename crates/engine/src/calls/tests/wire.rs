//! Devices with the machine of a call each, and what is between them.

use std::collections::BTreeMap;

use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Capabilities;
use kith_proto::call::HangUp;
use kith_proto::call::Media;
use kith_proto::call::Signal;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::calls::call::Act;
use crate::calls::call::Call;
use crate::calls::call::Setup;
use crate::view::CallEnd;
use crate::view::CallState;

pub(super) const BEGIN: Timestamp = Timestamp(1_800_000_000_000);
pub(super) const CALL: CallId = CallId([9; 16]);

/// A device: `ann` is 1, Bob's are 2 and above.
pub(super) fn device(number: u8) -> DeviceId {
    DeviceId([number; 32])
}

/// What a device knows and does.
pub(super) struct End {
    pub(super) call: Option<Call>,
    pub(super) over: Option<Call>,
    ways: Ways,
    pub(super) rang: u32,
    /// Legs that media have open: side, epoch, epoch of their description.
    pub(super) legs: BTreeMap<DeviceId, (Side, u32, u32)>,
    /// The epochs that they were opened with.
    pub(super) opened: BTreeMap<DeviceId, u32>,
    /// What media were told.
    pub(super) orders: Vec<MediaCommand>,
    /// Path that was reported last.
    paths: BTreeMap<DeviceId, PathState>,
}

/// All devices of one call, and what is under way.
pub(super) struct Wire {
    pub(super) now: Timestamp,
    pub(super) ends: BTreeMap<DeviceId, End>,
    /// Words under way: when they arrive, their number, from, to, what.
    pub(super) under_way: BTreeMap<(Timestamp, u64), (DeviceId, DeviceId, Signal)>,
    pub(super) said: Vec<(DeviceId, DeviceId, Signal)>,
    /// What becomes of a word: when its copies arrive.
    pub(super) weather: Box<dyn FnMut() -> Vec<Span>>,
    /// Between whom nothing passes, words and media.
    pub(super) cut: bool,
    /// Whether media find a way.
    pub(super) media: bool,
    number: u64,
}

impl Wire {
    /// One device of Bob's that took Ann's call, and nothing that moves sound at either's.
    pub(super) fn accepted_without_media() -> Self {
        let mut wire = Self::new(1);
        wire.media = false;
        wire.start();
        wire.pass(Span::from_secs(1));
        wire.accept(2);
        wire.pass(Span::from_secs(1));
        wire
    }

    /// So many devices of Bob's, and Ann's.
    pub(super) fn new(devices: u8) -> Self {
        let end = |number: u8| {
            let end = End {
                call: None,
                over: None,
                ways: Ways::Any,
                rang: 0,
                legs: BTreeMap::new(),
                opened: BTreeMap::new(),
                orders: Vec::new(),
                paths: BTreeMap::new(),
            };
            (device(number), end)
        };
        Self {
            now: BEGIN,
            ends: (1..devices + 2).map(end).collect(),
            under_way: BTreeMap::new(),
            said: Vec::new(),
            weather: Box::new(|| vec![Span(20)]),
            cut: false,
            media: true,
            number: 0,
        }
    }

    fn setup(&self, of: DeviceId) -> Setup {
        let ways = self.ends.get(&of).map_or(Ways::Any, |end| end.ways);
        Setup {
            device: of,
            ways,
            capabilities: Capabilities::OPUS,
            servers: BoundedVec::default(),
            sealed: false,
        }
    }

    pub(super) fn hide(&mut self, who: u8) {
        self.end(who).ways = Ways::RelayOnly;
    }

    pub(super) fn end(&mut self, who: u8) -> &mut End {
        self.ends.get_mut(&device(who)).unwrap()
    }

    pub(super) fn state(&self, who: u8) -> Option<CallState> {
        let end = self.ends.get(&device(who)).unwrap();
        end.call.as_ref().or(end.over.as_ref()).map(Call::state)
    }

    pub(super) fn ended(&self, who: u8) -> Option<CallEnd> {
        self.ends.get(&device(who)).unwrap().over.as_ref().and_then(Call::ended)
    }

    /// Ann calls all devices of Bob's.
    pub(super) fn start(&mut self) {
        let devices: Vec<DeviceId> = self.ends.keys().skip(1).copied().collect();
        let (setup, now) = (self.setup(device(1)), self.now);
        let mut acts = Vec::new();
        self.end(1).call = Some(Call::start(CALL, setup, now, &devices, Media::AUDIO, &mut acts));
        self.act(device(1), acts);
    }

    pub(super) fn with(&mut self, who: u8, act: impl FnOnce(&mut Call, Timestamp, &mut Vec<Act>)) {
        let now = self.now;
        let mut acts = Vec::new();
        if let Some(call) = &mut self.end(who).call {
            act(call, now, &mut acts);
        }
        self.act(device(who), acts);
    }

    pub(super) fn accept(&mut self, who: u8) {
        self.with(who, |call, now, acts| call.accept(now, Media::VIDEO, acts));
    }

    pub(super) fn hang_up(&mut self, who: u8) {
        self.with(who, |call, _, acts| call.hang_up(acts));
    }

    /// A program ends and knows of nothing any more.
    pub(super) fn crash(&mut self, who: u8) {
        let end = self.end(who);
        (end.call, end.over) = (None, None);
        end.legs.clear();
        end.paths.clear();
    }

    fn act(&mut self, from: DeviceId, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Say(to, signal) => self.say(from, to, signal),
                Act::Media(command) => self.order(from, command),
            }
        }
        let end = self.ends.get_mut(&from).unwrap();
        if end.call.as_ref().is_some_and(|call| call.ended().is_some()) {
            end.over = end.call.take();
        }
    }

    fn say(&mut self, from: DeviceId, to: DeviceId, signal: Signal) {
        let ways = if self.cut { Vec::new() } else { (self.weather)() };
        for way in ways {
            self.number += 1;
            self.under_way.insert((self.now + way, self.number), (from, to, signal.clone()));
        }
        self.said.push((from, to, signal));
    }

    /// Media do at once what they are told.
    fn order(&mut self, who: DeviceId, command: MediaCommand) {
        let end = self.ends.get_mut(&who).unwrap();
        end.orders.push(command.clone());
        let mut describe = None;
        match command {
            MediaCommand::Open(opening) => {
                let other = opening.leg.device;
                end.legs.insert(other, (opening.side, opening.epoch, 0));
                end.opened.insert(other, opening.epoch);
                end.paths.remove(&other);
                describe = (opening.side == Side::Offers).then_some((other, opening.epoch, true));
            }
            MediaCommand::Describe { leg, epoch, offer, .. } => {
                if let Some(kept) = end.legs.get_mut(&leg.device) {
                    (kept.1, kept.2) = (epoch, epoch);
                    describe = offer.then_some((leg.device, epoch, false));
                }
            }
            MediaCommand::Restart { leg, epoch } => {
                if let Some(kept) = end.legs.get_mut(&leg.device) {
                    kept.1 = epoch;
                    describe = Some((leg.device, epoch, true));
                }
            }
            MediaCommand::Close { leg } => {
                end.legs.remove(&leg.device);
                end.paths.remove(&leg.device);
            }
            _ => {}
        }
        if let Some((other, epoch, offer)) = describe {
            let leg = LegId { call: CALL, device: other };
            let sdp = BoundedStr::truncated("c=IN IP4 192.0.2.1\r\n");
            self.report(who, MediaEvent::Described { leg, epoch, offer, sdp });
            let list = [
                "1 1 udp 9 192.0.2.1 5 typ host",
                "2 1 udp 9 203.0.113.9 5 typ relay raddr 192.0.2.1 rport 5",
            ];
            let list = BoundedVec::truncated(list.map(BoundedStr::truncated).to_vec());
            self.report(who, MediaEvent::Gathered { leg, epoch, list, done: true });
        }
    }

    /// The epoch that a leg was opened with last.
    pub(super) fn opened(&self, who: DeviceId, other: DeviceId) -> u32 {
        self.ends.get(&who).and_then(|end| end.opened.get(&other).copied()).unwrap_or_default()
    }

    pub(super) fn report(&mut self, who: DeviceId, event: MediaEvent) {
        let now = self.now;
        let mut acts = Vec::new();
        if let Some(call) = self.ends.get_mut(&who).and_then(|end| end.call.as_mut()) {
            call.report(now, event, &mut acts);
        }
        self.act(who, acts);
    }

    /// Ways are found where both sides have the same epoch and each other's description, and lost when the wire is cut.
    fn look_at_media(&mut self) {
        let all: Vec<(DeviceId, DeviceId, u32, u32)> = self
            .ends
            .iter()
            .flat_map(|(who, end)| {
                end.legs.iter().map(|(other, (_, epoch, heard))| (*who, *other, *epoch, *heard))
            })
            .collect();
        for (who, other, epoch, heard) in all {
            let theirs = self.ends.get(&other).and_then(|end| end.legs.get(&who)).copied();
            let agreed = theirs.is_some_and(|(_, at, has)| at == epoch && has == epoch && heard == epoch);
            let state =
                if agreed && !self.cut && self.media { PathState::Connected } else { PathState::Interrupted };
            let before = self.ends.get(&who).and_then(|end| end.paths.get(&other).copied());
            let news = before != Some(state) && (before.is_some() || state == PathState::Connected);
            if news {
                self.ends.get_mut(&who).unwrap().paths.insert(other, state);
                let leg = LegId { call: CALL, device: other };
                let opened = self.opened(who, other);
                self.report(who, MediaEvent::Path { leg, opened, state, relayed: false });
            }
        }
    }

    fn arrive(&mut self, from: DeviceId, to: DeviceId, signal: Signal) {
        let (now, setup) = (self.now, self.setup(to));
        let mut acts = Vec::new();
        let end = self.ends.get_mut(&to).unwrap();
        match (&mut end.call, &end.over, signal) {
            (Some(call), _, signal) => {
                assert!(call.hear(now, from, signal, &mut acts), "{to:?} has no part in its own call");
            }
            (None, Some(over), Signal::Invite { .. } | Signal::Ringing | Signal::Accept { .. })
            | (None, Some(over), Signal::Alive { .. } | Signal::Step { .. }) => {
                acts.push(Act::Say(from, over.afterwards(&from)));
            }
            (None, None, Signal::Invite { rings_ms, media, capabilities }) => {
                end.rang += 1;
                let about = (Span(u64::from(rings_ms)), media, capabilities);
                end.call = Some(Call::ring(CALL, setup, now, from, about, &mut acts));
            }
            (None, None, Signal::Ringing) => acts.push(Act::Say(from, Signal::Cancel)),
            (None, None, Signal::Accept { .. } | Signal::Alive { .. } | Signal::Step { .. }) => {
                acts.push(Act::Say(from, Signal::HangUp { why: HangUp::Gone }));
            }
            _ => {}
        }
        self.act(to, acts);
    }

    /// Time passes; whatever is due happens.
    pub(super) fn pass(&mut self, time: Span) {
        let end = self.now + time;
        loop {
            self.look_at_media();
            let word = self.under_way.first_key_value().map(|((at, _), _)| *at);
            let wakes = self.ends.values().filter_map(|end| end.call.as_ref()?.next_wake(self.now));
            let next = wakes.chain(word).min().filter(|at| *at <= end);
            let Some(at) = next else { break };
            let before = self.now;
            self.now = self.now.max(at);
            if word.is_some_and(|word| word <= self.now)
                && let Some((_, (from, to, signal))) = self.under_way.pop_first()
            {
                self.arrive(from, to, signal);
                continue;
            }
            let (now, ready) = (self.now, !self.cut);
            for who in self.ends.keys().copied().collect::<Vec<_>>() {
                let mut acts = Vec::new();
                if let Some(call) = &mut self.ends.get_mut(&who).unwrap().call
                    && call.next_wake(before).is_some_and(|at| at <= now)
                {
                    call.wake(now, &|_| ready, &mut acts);
                    assert!(
                        call.next_wake(now).is_none_or(|at| at > now),
                        "woken for nothing, again and again"
                    );
                }
                self.act(who, acts);
            }
        }
        self.now = end;
    }

    /// The wire is whole again: everybody hears that they are connected.
    pub(super) fn heal(&mut self) {
        self.cut = false;
        for who in self.ends.keys().copied().collect::<Vec<_>>() {
            for other in self.ends.keys().copied().collect::<Vec<_>>() {
                let (now, mut acts) = (self.now, Vec::new());
                if let Some(call) = &mut self.ends.get_mut(&who).unwrap().call {
                    call.ready(now, &other, &mut acts);
                }
                self.act(who, acts);
            }
        }
    }

    /// What was said so far to a device, by their names.
    pub(super) fn heard_by(&self, who: u8, wanted: impl Fn(&Signal) -> bool) -> usize {
        self.said.iter().filter(|(_, to, signal)| *to == device(who) && wanted(signal)).count()
    }
}
