//! What reaches a call: words of other devices, reports of media, time. And what comes of it: words, orders, rows, events.
//!
//! ```text
//!  Invite ─▶ a contact? live, in time? not too often? ─▶ able? ─▶ free? ─▶ it rings
//!               │ no        │ no          │ no            │ no      │ no      both call: the smaller id goes on
//!               ▼           ▼             ▼               ▼         ▼
//!            counted    missed call    counted       unsupported   busy
//! ```

use std::collections::BTreeMap;

use kith_proto::bounded::BoundedVec;
use kith_proto::call::CallWord;
use kith_proto::call::Capabilities;
use kith_proto::call::HangUp;
use kith_proto::call::INVITE_TAG;
use kith_proto::call::Media;
use kith_proto::call::Reject;
use kith_proto::call::Signal;
use kith_proto::call::media::MediaEvent;
use kith_proto::codec::Encode as _;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::payload::Content;
use kith_proto::payload::MAX_CONTENTS;
use kith_proto::payload::Position;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::Current;
use super::call::Act;
use super::call::Call;
use super::call::Setup;
use super::records;
use super::records::Missed;
use super::together;
use crate::effect::Effect;
use crate::effect::Misbehaviour;
use crate::engine::Engine;
use crate::event::Event;
use crate::links;
use crate::output::Output;
use crate::timer::TimerKey;
use crate::view::CallEnd;
use crate::view::CallState;
use crate::view::ContactState;

/// Bytes of words in one payload: they fit an envelope of the class below the largest but for one with a description.
const PAYLOAD_BYTES: usize = 12 << 10;

/// Where and when something was said about a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    /// By which device.
    pub(crate) device: DeviceId,
    /// Whose it is.
    pub(crate) contact: ContactId,
    /// Its place in the channel, or zero.
    pub(crate) position: Position,
    /// When, by that device's clock.
    pub(crate) sent_at: Timestamp,
    /// Whether it came on a connection.
    pub(crate) live: bool,
}

/// A device said something about a call.
pub(crate) fn word(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, said: Said, word: CallWord) {
    let CallWord { call: id, signal } = word;
    if matches!(signal, Signal::Present(_) | Signal::Absent | Signal::Between(_)) {
        return together::word(engine, rows, out, &said, id, signal);
    }
    if engine.contacts.state(&said.contact) != Some(ContactState::Accepted) {
        engine.core.stats.bad_call_words += 1;
        return;
    }
    match &signal {
        Signal::Missed { at, media } if said.position > 0 => {
            let missed = Missed { id, video: media.has_video(), at: *at, end: CallEnd::Missed };
            return records::missed(engine, rows, out, &said, missed);
        }
        Signal::Invite { media, .. } if said.position > 0 || !said.live => {
            // Whatever waited somewhere is no call any more.
            let missed = Missed { id, video: media.has_video(), at: said.sent_at, end: CallEnd::Missed };
            return records::missed(engine, rows, out, &said, missed);
        }
        Signal::Missed { .. } => return bad_word(engine, out, &said),
        _ if said.position > 0 => return bad_word(engine, out, &said),
        _ if !said.live => {
            engine.core.stats.bad_call_words += 1;
            return;
        }
        _ => {}
    }
    if !engine.calls.guard.may_speak(engine.core.now, &said.contact) {
        engine.core.stats.call_floods += 1;
        return;
    }
    let now = engine.core.now;
    let mut acts = Vec::new();
    let Some(current) = engine.calls.get(&id).filter(|current| current.contact == said.contact) else {
        return unknown(engine, rows, out, said, id, &signal);
    };
    if !current.call.hear(now, said.device, signal, &mut acts) {
        engine.core.stats.bad_call_words += 1;
    }
    settle(engine, rows, out, acts);
}

fn bad_word(engine: &mut Engine, out: &mut Output, said: &Said) {
    engine.core.stats.bad_call_words += 1;
    out.effect(Effect::Misbehaved { device: said.device, why: Misbehaviour::BadPayload });
}

/// Something about a call that is not the one here.
fn unknown(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, said: Said, id: CallId, signal: &Signal) {
    if let Signal::Invite { rings_ms, media, capabilities } = *signal {
        let rings = Span(u64::from(rings_ms));
        return invited(engine, rows, out, said, id, (rings, media, capabilities));
    }
    let known = engine.calls.guard.word_about(&said.contact, &id, &said.device);
    let about = match signal {
        Signal::Unknown { tag: INVITE_TAG, .. } => {
            if known.is_none() {
                if !engine.calls.guard.may_ring(engine.core.now, &said.contact) {
                    engine.core.stats.call_floods += 1;
                    return;
                }
                let invite = Missed { id, video: false, at: engine.core.now, end: CallEnd::Unsupported };
                return refuse(engine, rows, out, &said, invite, Reject::Unsupported);
            }
            known
        }
        Signal::Ringing => known.or(Some(Signal::Cancel)),
        Signal::Accept { .. } | Signal::Alive { .. } | Signal::Step { .. } => {
            known.or(Some(Signal::HangUp { why: HangUp::Gone }))
        }
        // Last words are not answered.
        _ => None,
    };
    if let Some(signal) = about {
        say(engine, out, vec![(said.device, CallWord { call: id, signal })]);
    }
}

/// Somebody calls.
fn invited(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    said: Said,
    id: CallId,
    invite: (Span, Media, Capabilities),
) {
    let now = engine.core.now;
    let Said { device, contact, .. } = said;
    let (rings, media, _) = invite;
    if let Some(signal) = engine.calls.guard.word_about(&contact, &id, &device) {
        return say(engine, out, vec![(device, CallWord { call: id, signal })]);
    }
    let calling = engine.calls.now.as_ref().filter(|current| current.contact == contact);
    let calling = calling.filter(|current| current.call.is_outgoing() && current.call.is_ringing());
    let both = calling.map(|current| (current.call.id(), current.call.media().0));
    if both.is_some_and(|(own, _)| own < id) {
        // They will see that we call, and answer by themselves.
        return;
    }
    let gone = Signal::HangUp { why: HangUp::Gone };
    if !engine.calls.guard.may_ring(now, &contact) {
        // Nothing is remembered of it, as somebody could make this device forget all else.
        engine.core.stats.call_floods += 1;
        return;
    }
    let missed = |end| Missed { id, video: media.has_video(), at: now, end };
    let under_way = engine.clocks.under_way(now, &device, said.sent_at);
    if rings == Span(0) || under_way >= rings {
        engine.calls.guard.refused(contact, id, gone);
        return records::missed(engine, rows, out, &said, missed(CallEnd::Missed));
    }
    let Some(setup) = setup(engine, &contact) else {
        return refuse(engine, rows, out, &said, missed(CallEnd::Unsupported), Reject::Unsupported);
    };
    if engine.calls.together.is_some() {
        return refuse(engine, rows, out, &said, missed(CallEnd::Busy), Reject::Busy);
    }
    let mut acts = Vec::new();
    if let Some(current) = engine.calls.now.as_mut() {
        if both.is_some() {
            current.call.give_way(device, &mut acts);
        } else if current.contact == contact && current.call.with() == Some(device) {
            // It is in one call at a time: the other one is over there, and its end was lost.
            current.call.drop(&mut acts);
        } else {
            return refuse(engine, rows, out, &said, missed(CallEnd::Busy), Reject::Busy);
        }
        settle(engine, rows, out, std::mem::take(&mut acts));
    }
    let left = Span(rings.0.saturating_sub(under_way.0));
    let (_, media, capabilities) = invite;
    let mut call = Call::ring(id, setup, now, device, (left, media, capabilities), &mut acts);
    if let Some((_, own)) = both {
        // A recording is of the call that gave way.
        call.accept(now, Media { recording: false, ..own }, &mut acts);
    }
    let chat = ChatId::direct(&engine.devices.account, &contact);
    engine.calls.now = Some(Current::new(call, contact, chat));
    settle(engine, rows, out, acts);
}

/// It does not ring: they hear why, and the person sees that they called.
fn refuse(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, said: &Said, missed: Missed, why: Reject) {
    let (word, call) = (Signal::Reject { why }, missed.id);
    engine.calls.guard.refused(said.contact, call, word.clone());
    say(engine, out, vec![(said.device, CallWord { call, signal: word })]);
    records::missed(engine, rows, out, said, missed);
}

/// What a call with somebody begins with; `None` when nothing here moves sound.
pub(super) fn setup(engine: &Engine, contact: &ContactId) -> Option<Setup> {
    let verified = engine.contacts.get(contact).is_some_and(|row| row.verified);
    let links = &engine.presence.links;
    let is_direct = |device: &DeviceId| links.is_ready(device) && !links.is_relayed(device);
    let knows_address = engine.peers.devices_of(contact).iter().any(is_direct);
    engine.calls.setup(engine.devices.device(), contact, verified || knows_address)
}

/// Media report something.
pub(crate) fn report(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, event: MediaEvent) {
    let now = engine.core.now;
    let mut acts = Vec::new();
    match event {
        MediaEvent::Able { capabilities } => {
            if let (Some(current), Some(able)) = (&mut engine.calls.now, capabilities) {
                current.call.set_capabilities(able);
            }
            engine.calls.capabilities = capabilities;
        }
        MediaEvent::Servers { servers } => {
            engine.calls.servers = servers.clone();
            if let Some(current) = &mut engine.calls.now {
                current.call.set_servers(servers, &mut acts);
                settle(engine, rows, out, acts);
            }
            if let Some(together) = &mut engine.calls.together {
                together.call.set_servers(&engine.calls.servers);
            }
        }
        MediaEvent::Lacking { call, media } => {
            together::lacks(engine, rows, out, &call, media);
            if let Some(current) = engine.calls.get(&call) {
                current.call.lacks(now, media, &mut acts);
                settle(engine, rows, out, acts);
            }
        }
        MediaEvent::Described { leg, .. }
        | MediaEvent::Gathered { leg, .. }
        | MediaEvent::Path { leg, .. }
        | MediaEvent::Silence { leg, .. }
        | MediaEvent::Failed { leg, .. } => {
            if engine.calls.together.as_ref().is_some_and(|together| together.call.id() == leg.call) {
                return together::report(engine, rows, out, event);
            }
            if let Some(current) = engine.calls.get(&leg.call) {
                current.call.report(now, event, &mut acts);
                settle(engine, rows, out, acts);
            }
        }
    }
}

/// Messages may be put on the stream to a device again.
pub(crate) fn ready(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, device: &DeviceId) {
    together::ready(engine, rows, out, device);
    let now = engine.core.now;
    let Some(current) = &mut engine.calls.now else { return };
    let mut acts = Vec::new();
    current.call.ready(now, device, &mut acts);
    settle(engine, rows, out, acts);
}

/// This device is reached elsewhere than before.
pub(crate) fn network_changed(engine: &mut Engine) {
    let now = engine.core.now;
    if let Some(together) = &mut engine.calls.together {
        together.call.network_changed(now);
        set_timer(engine);
    }
    let Some(current) = &mut engine.calls.now else { return };
    current.call.network_changed(now);
    set_timer(engine);
}

/// Time has passed.
pub(crate) fn wake(engine: &mut Engine, rows: &dyn Rows, out: &mut Output) {
    together::wake(engine, rows, out);
    let now = engine.core.now;
    let Engine { calls, presence, .. } = engine;
    let Some(current) = &mut calls.now else { return };
    let mut acts = Vec::new();
    current.call.wake(now, &|device| presence.links.is_ready(device), &mut acts);
    settle(engine, rows, out, acts);
}

/// Somebody is blocked or removed: nothing is left of a call with them.
pub(crate) fn part(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, contact: &ContactId) {
    together::members_changed(engine, rows, out);
    let current = engine.calls.now.as_mut().filter(|current| current.contact == *contact);
    let Some(current) = current else { return };
    let mut acts = Vec::new();
    match current.call.state() {
        // They do not hear that it was declined.
        CallState::Incoming => current.call.drop(&mut acts),
        _ => current.call.hang_up(&mut acts),
    }
    settle(engine, rows, out, acts);
}

/// Does what a step of the call brought about, shows it, and keeps what has to outlive a crash.
pub(super) fn settle(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, acts: Vec<Act>) {
    let Some(current) = &mut engine.calls.now else { return };
    let call = current.call.id();
    let mut words = Vec::new();
    for act in acts {
        match act {
            Act::Say(device, signal) => words.push((device, CallWord { call, signal })),
            Act::Media(command) => out.effect(Effect::Call(command)),
        }
    }
    let view = current.view();
    current.video |= view.own.has_video() || view.theirs.has_video();
    if current.shown.as_ref() != Some(&view) {
        if current.shown.is_none() && view.state == CallState::Incoming {
            out.event(Event::CallIncoming(view.clone()));
        }
        out.event(Event::CallChanged(view.clone()));
        current.shown = Some(view);
    }
    say(engine, out, words);
    match engine.calls.now.take_if(|current| current.call.ended().is_some()) {
        Some(over) => records::over(engine, rows, out, over),
        None => records::note(engine, out),
    }
    set_timer(engine);
}

pub(super) fn set_timer(engine: &mut Engine) {
    let now = engine.core.now;
    let calls = &engine.calls;
    let one = calls.now.as_ref().and_then(|current| current.call.next_wake(now));
    let group = calls.together.as_ref().and_then(|together| together.call.next_wake(now));
    match [one, group, calls.ongoing.next_wake()].into_iter().flatten().min() {
        Some(at) => engine.core.timers.set(TimerKey::Calls, at),
        None => engine.core.timers.clear(TimerKey::Calls),
    }
}

/// Says words to the devices that are connected, several in one payload. What is not heard is said again.
pub(super) fn say(engine: &mut Engine, out: &mut Output, words: Vec<(DeviceId, CallWord)>) {
    let mut by_device: BTreeMap<DeviceId, Vec<Vec<Content>>> = BTreeMap::new();
    let mut sizes: BTreeMap<DeviceId, usize> = BTreeMap::new();
    for (device, word) in words {
        if !engine.presence.links.is_ready(&device) {
            continue;
        }
        let bytes = word.to_bytes().len();
        let (payloads, size) = (by_device.entry(device).or_default(), sizes.entry(device).or_default());
        let fits = |last: &&mut Vec<Content>| last.len() < MAX_CONTENTS && *size + bytes <= PAYLOAD_BYTES;
        match payloads.last_mut().filter(fits) {
            Some(last) => {
                last.push(Content::Call(word));
                *size += bytes;
            }
            None => {
                payloads.push(vec![Content::Call(word)]);
                *size = bytes;
            }
        }
    }
    for (device, payloads) in by_device {
        for contents in payloads {
            links::say(engine, out, &device, BoundedVec::<_, MAX_CONTENTS>::truncated(contents).into_inner());
        }
    }
}
