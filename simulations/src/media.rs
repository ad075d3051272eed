//! Sound and pictures, as far as the engine sees them: descriptions that are exchanged, ways that are found when both sides
//! know each other's, and silence when the network falls apart. Nothing is heard.
//!
//! It also watches: one call on a device at a time, nothing rings for longer than it may, and in the end two people are in
//! the same call or in none.

use std::collections::BTreeMap;

use kith_engine::Command;
use kith_engine::Input;
use kith_engine::view::CallState;
use kith_engine::view::CallView;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Capabilities;
use kith_proto::call::Media;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::action::Action;
use crate::action::Who;
use crate::chance::Purpose;
use crate::world::Due;
use crate::world::World;

/// How often the ways are looked at.
const BEAT: Span = Span::from_millis(500);

/// After so long without anything media tell of silence, of an interruption, of failure; as `webrtc` does.
const SILENT: Span = Span::from_secs(4);
const INTERRUPTED: Span = Span::from_secs(5);
const FAILED: Span = Span::from_secs(25);

/// The longest that anything rings, and a step.
const RINGS: Span = Span::from_millis(45_500);

/// The media of everybody.
#[derive(Debug, Default)]
pub struct Everybody {
    legs: BTreeMap<(Who, LegId), Leg>,
    rings: BTreeMap<Who, (CallId, Timestamp)>,
    opened: u64,
    beats: bool,
    /// Calls in which both heard each other.
    pub connected: u64,
}

#[derive(Debug)]
struct Leg {
    /// A name for this opening.
    name: u64,
    since: Timestamp,
    /// The epoch that it was opened with.
    opened: u32,
    epoch: u32,
    /// The epoch of their description that was taken.
    heard: u32,
    /// The opening on the other side with which it was connected.
    joined: Option<u64>,
    state: Option<PathState>,
    lost_at: Option<Timestamp>,
    silent: bool,
}

/// Does what an engine wants.
pub(crate) fn order(world: &mut World, who: Who, command: MediaCommand) {
    match command {
        MediaCommand::Open(opening) => {
            let leg = opening.leg;
            if world.media.legs.keys().any(|(other, open)| *other == who && open.call != leg.call) {
                world.oracle.failures.push(format!("{who} is in two calls"));
            }
            world.media.opened += 1;
            let new = Leg {
                name: world.media.opened,
                since: world.now,
                opened: opening.epoch,
                epoch: opening.epoch,
                heard: 0,
                joined: None,
                state: None,
                lost_at: None,
                silent: false,
            };
            world.media.legs.insert((who, leg), new);
            if opening.side == Side::Offers {
                describe(world, who, leg, opening.epoch, true);
            }
            if !std::mem::replace(&mut world.media.beats, true) {
                world.later(world.now + BEAT, Due::MediaBeat);
            }
        }
        MediaCommand::Describe { leg, epoch, offer, .. } => {
            let Some(kept) = world.media.legs.get_mut(&(who, leg)) else { return };
            (kept.epoch, kept.heard) = (epoch, epoch);
            if offer {
                describe(world, who, leg, epoch, false);
            }
        }
        MediaCommand::Restart { leg, epoch } => {
            let Some(kept) = world.media.legs.get_mut(&(who, leg)) else { return };
            kept.epoch = epoch;
            describe(world, who, leg, epoch, true);
        }
        MediaCommand::Close { leg } => {
            world.media.legs.remove(&(who, leg));
        }
        MediaCommand::SetMedia { call, .. } => {
            let legs = world.media.legs.iter().filter(|((other, leg), _)| *other == who && leg.call == call);
            let legs: Vec<(LegId, u32)> = legs.map(|((_, leg), kept)| (*leg, kept.epoch)).collect();
            for (leg, epoch) in legs {
                describe(world, who, leg, epoch, true);
            }
        }
        MediaCommand::Candidates { .. }
        | MediaCommand::AllowDirect { .. }
        | MediaCommand::SetServers { .. }
        | MediaCommand::Seal { .. }
        | MediaCommand::Unseal { .. }
        | MediaCommand::Forget { .. }
        | MediaCommand::Forward { .. }
        | MediaCommand::Through { .. } => {}
    }
}

/// A description and a candidate come a moment later.
fn describe(world: &mut World, who: Who, leg: LegId, epoch: u32, offer: bool) {
    let at = world.now + Span(5 + world.dice(Purpose::Media, who, who).roll(40));
    let sdp = BoundedStr::truncated(if offer { "offer" } else { "answer" });
    world.later(at, Due::Media { who, event: MediaEvent::Described { leg, epoch, offer, sdp } });
    let candidate = "1 1 udp 1 192.0.2.1 5 typ relay raddr 0.0.0.0 rport 0";
    let list = BoundedVec::truncated(vec![BoundedStr::truncated(candidate)]);
    world.later(
        at + Span(20),
        Due::Media { who, event: MediaEvent::Gathered { leg, epoch, list, done: true } },
    );
}

/// What media can do, told at every start.
pub(crate) fn able() -> Input {
    Input::Call(MediaEvent::Able { capabilities: Some(Capabilities::OPUS.and(Capabilities::VP8)) })
}

/// Somebody's program has ended.
pub(crate) fn left(world: &mut World, who: Who) {
    world.media.legs.retain(|(other, _), _| *other != who);
    world.media.rings.remove(&who);
}

/// Half a second has passed.
pub(crate) fn beat(world: &mut World) {
    let all: Vec<(Who, LegId)> = world.media.legs.keys().copied().collect();
    for (who, leg) in all {
        look(world, who, leg);
    }
    let now = world.now;
    let late = world.media.rings.iter().filter(|(_, (_, since))| now.since(*since) > RINGS);
    let late: Vec<Who> = late.map(|(who, _)| *who).collect();
    for who in late {
        world.media.rings.remove(&who);
        world.oracle.failures.push(format!("it rings and rings at {who}"));
    }
    world.media.beats = !world.media.legs.is_empty() || !world.media.rings.is_empty();
    if world.media.beats {
        world.later(now + BEAT, Due::MediaBeat);
    }
}

/// Looks at one end of a leg, and tells what changed.
fn look(world: &mut World, who: Who, leg: LegId) {
    let Some(other) = world.by_device.get(&leg.device).copied() else { return };
    let theirs = (other, LegId { call: leg.call, device: world.people[who].device });
    let there = world.media.legs.get(&theirs).map(|kept| (kept.name, kept.epoch, kept.heard));
    let reaches = world.network.reachable(who, other) && world.people[other].engine.is_some();
    let now = world.now;
    let Some(kept) = world.media.legs.get_mut(&(who, leg)) else { return };
    let agreed = there.filter(|(_, epoch, heard)| {
        reaches && kept.epoch == *epoch && kept.heard == kept.epoch && heard == epoch
    });
    let still = there
        .filter(|(name, ..)| reaches && kept.joined == Some(*name) && kept.state != Some(PathState::Failed));
    let mut told = Vec::new();
    let opened = kept.opened;
    let path = |state| MediaEvent::Path { leg, opened, state, relayed: false };
    if let Some((name, ..)) = agreed.or(still) {
        if kept.state != Some(PathState::Connected) {
            world.media.connected += u64::from(kept.joined.is_none());
            told.push(path(PathState::Connected));
        } else if kept.silent {
            told.push(MediaEvent::Silence { leg, opened, silent: false });
        }
        (kept.joined, kept.state, kept.lost_at, kept.silent) =
            (Some(name), Some(PathState::Connected), None, false);
    } else {
        let lost = now.since(*kept.lost_at.get_or_insert(now.max(kept.since)));
        if kept.joined.is_some() && lost >= SILENT && !kept.silent {
            kept.silent = true;
            told.push(MediaEvent::Silence { leg, opened, silent: true });
        }
        let state = match kept.joined {
            _ if lost >= FAILED => PathState::Failed,
            Some(_) if lost >= INTERRUPTED => PathState::Interrupted,
            _ => kept.state.unwrap_or(PathState::Connected),
        };
        if kept.state.is_some_and(|before| before != state) || (kept.state.is_none() && lost >= FAILED) {
            kept.state = Some(state);
            told.push(path(state));
        }
    }
    for event in told {
        world.input(who, Input::Call(event));
    }
}

/// A call changed: what rings is timed.
pub(crate) fn changed(world: &mut World, who: Who, view: &CallView) {
    if view.state == CallState::Incoming {
        let now = world.now;
        world.media.rings.entry(who).or_insert((view.call, now));
        if !std::mem::replace(&mut world.media.beats, true) {
            world.later(now + BEAT, Due::MediaBeat);
        }
    } else if world.media.rings.get(&who).is_some_and(|(call, _)| *call == view.call) {
        world.media.rings.remove(&who);
    }
}

/// Somebody calls, answers or hangs up.
pub(crate) fn act(world: &mut World, action: &Action) {
    match *action {
        Action::Call(from, to, camera) => call(world, from, to, camera),
        Action::Answer(who) => decide(world, who, true),
        Action::HangUp(who) => decide(world, who, false),
        _ => {}
    }
}

fn call(world: &mut World, from: Who, to: Who, camera: bool) {
    let chat = ChatId::direct(&world.people[from].account, &world.people[to].account);
    if world.people[from].engine.is_some() {
        let media = if camera { Media::VIDEO } else { Media::AUDIO };
        world.command(from, Command::StartCall { chat, media });
    }
}

/// Somebody answers whatever rings, or ends whatever there is.
fn decide(world: &mut World, who: Who, answer: bool) {
    let Some(view) = current(world, who) else { return };
    let command = match answer {
        true => Command::AcceptCall { call: view.call, media: Media::AUDIO },
        false => Command::HangUp { call: view.call },
    };
    world.command(who, command);
}

/// The call that somebody is in.
pub(crate) fn current(world: &World, who: Who) -> Option<CallView> {
    world.people[who].engine.as_ref()?.overview().calls.pop()
}

/// Nothing moves any more: two people are in the same call or in none.
pub(crate) fn check(world: &mut World) {
    let calls: Vec<Option<CallView>> = (0..world.people.len()).map(|who| current(world, who)).collect();
    let mut failures = Vec::new();
    for (who, call) in calls.iter().enumerate() {
        let legs = world.media.legs.keys().filter(|(other, _)| *other == who).count();
        let Some(call) = call else {
            if legs > 0 {
                failures.push(format!("{who} is in no call, and {legs} legs are open"));
            }
            continue;
        };
        let other = world.people.iter().position(|person| person.account == call.contact);
        let theirs = other.and_then(|other| calls.get(other)?.as_ref());
        let same = theirs.is_some_and(|theirs| theirs.call == call.call && theirs.state == CallState::Live);
        if call.state != CallState::Live || !same || legs != 1 {
            failures.push(format!("{who} is {:?} in a call, and the other side is not", call.state));
        }
    }
    world.oracle.failures.append(&mut failures);
}
