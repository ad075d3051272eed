//! Calls of groups: what the person wants, what others say, and what comes of both. The rules are in `group`, for a call that this device is in,
//! and in `ongoing`, for one that goes on without it.
//!
//! ```text
//!  Present of a member ─▶ in that call? ─▶ it hears it
//!                            │ no
//!                            ▼
//!                    in another of the group? ─▶ the smaller name goes on, the other moves over
//!                            │ no
//!                            ▼
//!                    noted; it rings once, if somebody in it may start calls
//! ```

use kith_proto::call::CallWord;
use kith_proto::call::Capabilities;
use kith_proto::call::Media;
use kith_proto::call::Signal;
use kith_proto::call::group::MAX_IN_CALL;
use kith_proto::call::media::MediaEvent;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::Calls;
use super::Together;
use super::call::RINGS;
use super::group::Act;
use super::group::Beginning;
use super::group::GroupCall;
use super::group::Speaker;
use super::group::Told;
use super::ongoing::Noted;
use super::ongoing::Seen;
use super::records;
use super::taking;
use super::taking::Said;
use crate::command::Answer;
use crate::command::MediaChange;
use crate::command::Refusal;
use crate::effect::Effect;
use crate::effect::Misbehaviour;
use crate::engine::Engine;
use crate::event::Event;
use crate::output::Output;
use crate::view::CallEnd;
use crate::view::CallLine;
use crate::view::CallState;
use crate::view::ContactState;
use crate::view::GroupCallState;
use crate::view::GroupCallView;
use crate::view::Nat;

/// A call that did not ring here is noted when it went on for longer.
const LASTED: Span = Span::from_minutes(1);

/// Calls ring in groups of at most so many: in a large one there is always somebody for whom it is night.
const RINGS_IN: usize = 32;

/// So many bits of a session count whom a device has lost since it came.
const STAY_BITS: u32 = 16;

impl Calls {
    /// Whether this is the name of a call of a group.
    pub(super) fn is_of_group(&self, call: &CallId) -> bool {
        self.together.as_ref().is_some_and(|together| together.call.id() == *call)
            || self.ongoing.find(call).is_some()
    }

    /// Another stay in a call. Greater than any before; also of this device before it was started anew, if its clock was not set back meanwhile. Then
    /// it is heard when the others have given up the former one.
    fn next_session(&mut self, now: Timestamp) -> u64 {
        // What is lost during a call counts up, and is never so much.
        let earliest = self.last_session.saturating_add(1 << STAY_BITS);
        self.last_session = earliest.max(now.0.saturating_mul(1 << STAY_BITS));
        self.last_session
    }

    fn in_call(&mut self, call: &CallId) -> Result<&mut Together, Refusal> {
        self.together.as_mut().filter(|together| together.call.id() == *call).ok_or(Refusal::UnknownCall)
    }
}

/// Begins a call in a group, or comes into the one that goes on.
pub(super) fn start(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    group: &GroupId,
    media: Media,
) -> Result<Answer, Refusal> {
    if !engine.groups.is_joined(group) {
        return Err(Refusal::NotInGroup);
    }
    if let Some(together) = &engine.calls.together {
        return if together.call.group() == *group { answer(engine) } else { Err(Refusal::InCall) };
    }
    if engine.calls.now.is_some() {
        return Err(Refusal::InCall);
    }
    let may_start = engine.groups.may_start_calls(group, &engine.devices.account);
    // A call that somebody has begun who may not is none, but for those who may.
    let going_on =
        engine.calls.ongoing.of(group).filter(|seen| seen.announced || may_start).map(|seen| seen.call);
    if going_on.is_none() && !may_start {
        return Err(Refusal::MayNotCall);
    }
    let call = going_on.unwrap_or_else(|| CallId(engine.core.random()));
    join(engine, rows, out, group, call, media)?;
    answer(engine)
}

/// Comes into a call that goes on.
pub(super) fn accept(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    call: &CallId,
    media: Media,
) -> Result<Answer, Refusal> {
    if engine.calls.in_call(call).is_ok() {
        return answer(engine);
    }
    if engine.calls.now.is_some() || engine.calls.together.is_some() {
        return Err(Refusal::InCall);
    }
    let known = engine.calls.ongoing.find(call).filter(|(_, seen)| seen.announced);
    let (group, _) = known.ok_or(Refusal::UnknownCall)?;
    join(engine, rows, out, &group, *call, media)?;
    answer(engine)
}

fn join(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    group: &GroupId,
    call: CallId,
    media: Media,
) -> Result<(), Refusal> {
    // Whoever moves sound here may be a page in a browser, which cannot seal frames.
    let able = engine.calls.capabilities.filter(|able| able.has(Capabilities::SFRAME));
    let capabilities = able.ok_or(Refusal::NoMedia)?;
    if engine.calls.ongoing.of(group).is_some_and(|seen| seen.people.len() >= MAX_IN_CALL) {
        return Err(Refusal::CallFull);
    }
    let seen = engine.calls.ongoing.take(group);
    let (device, now) = (engine.devices.device(), engine.core.now);
    let begun = seen.as_ref().map_or(now, |seen| seen.begun);
    // Later than all who are there, whatever their clocks say.
    let others = seen.iter().flat_map(|seen| seen.people.values()).map(|person| person.said.since);
    let since = others.max().map_or(now, |last| now.max(Timestamp(last.0.saturating_add(1))));
    let beginning = Beginning {
        id: call,
        group: *group,
        device,
        capabilities,
        rank: rank(engine),
        begun,
        since,
        media,
        session: engine.calls.next_session(now),
        key: engine.core.random(),
    };
    let mut acts = Vec::new();
    let mut machine = GroupCall::join(now, &beginning, &mut acts);
    for device in seen.iter().flat_map(Seen::devices) {
        dial(engine, &device);
    }
    let by = seen.as_ref().map_or(engine.devices.account, |seen| seen.by);
    let video = media.has_video() || seen.as_ref().is_some_and(|seen| seen.video);
    // Those who were heard are there at once, as if they said so now.
    for (device, person) in seen.into_iter().flat_map(|seen| seen.people) {
        let said = Signal::Present(Box::new(person.said));
        if let Some(speaker) = speaker(engine, group, person.account, device) {
            machine.hear(now, speaker, said, &mut acts);
        }
    }
    engine.calls.together = Some(Together { call: machine, by, video, shown: None });
    settle(engine, rows, out, acts);
    Ok(())
}

/// Leaves a call, or does not want to hear it ring.
pub(super) fn hang_up(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    call: &CallId,
) -> Result<Answer, Refusal> {
    if let Ok(together) = engine.calls.in_call(call) {
        let mut acts = Vec::new();
        together.call.leave(&mut acts);
        settle(engine, rows, out, acts);
        return Ok(Answer::Done);
    }
    let (group, _) = engine.calls.ongoing.find(call).ok_or(Refusal::UnknownCall)?;
    if let Some(seen) = engine.calls.ongoing.of(&group) {
        seen.rings_until = None;
    }
    show(engine, out, &group);
    taking::set_timer(engine);
    Ok(Answer::Done)
}

/// Sends something else from now on.
pub(super) fn set_media(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    call: &CallId,
    change: MediaChange,
) -> Result<Answer, Refusal> {
    let together = engine.calls.in_call(call)?;
    let media = change.applied_to(together.call.media().0);
    let mut acts = Vec::new();
    together.call.set_media(media, &mut acts);
    settle(engine, rows, out, acts);
    answer(engine)
}

/// Raises the own hand, or takes it down.
pub(crate) fn raise_hand(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    call: &CallId,
    raised: bool,
) -> Result<Answer, Refusal> {
    let together = engine.calls.in_call(call)?;
    let mut acts = Vec::new();
    together.call.raise_hand(raised, &mut acts);
    settle(engine, rows, out, acts);
    answer(engine)
}

/// Asks somebody to mute themselves.
pub(crate) fn mute(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    call: &CallId,
    account: &AccountId,
) -> Result<Answer, Refusal> {
    let group = engine.calls.in_call(call)?.call.group();
    let own = engine.devices.account;
    if !engine.groups.may_mute(&group, &own, account) {
        return Err(Refusal::MayNotMute);
    }
    let now = engine.core.now;
    let mut acts = Vec::new();
    if !engine.calls.in_call(call)?.call.mute(now, account, &mut acts) {
        return Err(Refusal::NotInCall);
    }
    settle(engine, rows, out, acts);
    answer(engine)
}

fn answer(engine: &mut Engine) -> Result<Answer, Refusal> {
    let view = engine.calls.together.as_ref().map(view).ok_or(Refusal::UnknownCall)?;
    Ok(Answer::GroupCall(Box::new(view)))
}

/// A device said something about a call of a group.
pub(super) fn word(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    said: &Said,
    call: CallId,
    signal: Signal,
) {
    if said.position > 0 {
        engine.core.stats.bad_call_words += 1;
        return out.effect(Effect::Misbehaved { device: said.device, why: Misbehaviour::BadPayload });
    }
    let group = match &signal {
        Signal::Present(present) => Some(present.group),
        _ => engine.calls.group_of(&call),
    };
    // A name of a call is that of one group.
    if engine.calls.group_of(&call).is_some_and(|known| group.is_some_and(|group| group != known)) {
        engine.core.stats.bad_call_words += 1;
        return;
    }
    let Some(group) = group else {
        return answer_stray(engine, out, said, call, &signal);
    };
    let blocked = engine.contacts.state(&said.contact) == Some(ContactState::Blocked);
    if !said.live || blocked || !engine.groups.is_member(&group, &said.contact, &said.device) {
        engine.core.stats.bad_call_words += 1;
        return;
    }
    if !engine.calls.guard.may_speak(engine.core.now, &said.contact) {
        engine.core.stats.call_floods += 1;
        return;
    }
    let together = engine.calls.together.as_ref();
    match together.map(|together| (together.call.group(), together.call.id())) {
        Some((in_group, own)) if in_group == group && own == call => hear(engine, rows, out, said, signal),
        Some((in_group, own)) if in_group == group => {
            other_call(engine, rows, out, said, (own, call), signal);
        }
        _ => heard_outside(engine, rows, out, said, call, signal),
    }
}

impl Calls {
    fn group_of(&self, call: &CallId) -> Option<GroupId> {
        let together = self.together.as_ref().filter(|together| together.call.id() == *call);
        together.map(|together| together.call.group()).or_else(|| Some(self.ongoing.find(call)?.0))
    }
}

/// Something about a call that is not known: this device is not in it, whatever they think.
fn answer_stray(engine: &mut Engine, out: &mut Output, said: &Said, call: CallId, signal: &Signal) {
    if matches!(signal, Signal::Between(_)) && engine.calls.guard.may_speak(engine.core.now, &said.contact) {
        taking::say(engine, out, vec![(said.device, CallWord { call, signal: Signal::Absent })]);
    }
}

fn hear(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, said: &Said, signal: Signal) {
    let now = engine.core.now;
    let Some(group) = engine.calls.together.as_ref().map(|together| together.call.group()) else { return };
    if let Signal::Present(present) = &signal {
        let members = engine.groups.member_devices(&group);
        for device in present.others.iter().filter(|device| members.contains(device)) {
            dial(engine, device);
        }
    }
    let Some(speaker) = speaker(engine, &group, said.contact, said.device) else { return };
    let Some(together) = &mut engine.calls.together else { return };
    if let Signal::Present(present) = &signal {
        together.video |= present.media.has_video();
    }
    let mut acts = Vec::new();
    if !together.call.hear(now, speaker, signal, &mut acts) {
        engine.core.stats.bad_call_words += 1;
    }
    settle(engine, rows, out, acts);
}

/// Two calls began in one group: the one with the smaller name goes on.
fn other_call(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    said: &Said,
    (own, other): (CallId, CallId),
    signal: Signal,
) {
    let Signal::Present(present) = signal else { return };
    let now = engine.core.now;
    // Nobody is called away by who may not start calls, nor again and again.
    let moves = own > other
        && engine.groups.may_start_calls(&present.group, &said.contact)
        && engine.calls.guard.may_move(now, &said.contact);
    if !moves && own > other {
        // Those there hear of this one, and come: two who may not be moved do not answer each other without end.
        return;
    }
    if !moves {
        let Some(together) = &engine.calls.together else { return };
        let signal = together.call.present_to(&said.device);
        return taking::say(engine, out, vec![(said.device, CallWord { call: own, signal })]);
    }
    let group = present.group;
    let Some(together) = &mut engine.calls.together else { return };
    let (media, _) = together.call.media();
    let mut acts = Vec::new();
    together.call.leave(&mut acts);
    perform(engine, out, acts);
    let before = engine.calls.together.take().and_then(|together| together.shown);
    replaced(out, before);
    engine.calls.ongoing.present(now, other, (said.device, said.contact), *present);
    // It began here as well: it does not ring.
    if let Some(seen) = engine.calls.ongoing.of(&group) {
        seen.announced = true;
    }
    // Nothing stands against it: this device was in a call of the group until now.
    let _ = join(engine, rows, out, &group, other, media);
}

/// Somebody in a call that this device is not in.
fn heard_outside(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    said: &Said,
    call: CallId,
    signal: Signal,
) {
    let now = engine.core.now;
    let group = match signal {
        Signal::Present(present) => {
            let group = present.group;
            let may_start = engine.groups.may_start_calls(&group, &said.contact);
            if let Some(seen) = engine.calls.ongoing.of(&group).filter(|seen| seen.call > call) {
                if seen.announced && !may_start {
                    engine.core.stats.bad_call_words += 1;
                    return;
                }
                let before = seen.shown.take();
                replaced(out, before);
            }
            // What nobody may have begun does not stand in the way of what somebody may.
            let void = |seen: &mut Seen| !seen.announced && seen.call < call;
            if may_start && engine.calls.ongoing.of(&group).is_some_and(void) {
                engine.calls.ongoing.take(&group);
            }
            let noted = engine.calls.ongoing.present(now, call, (said.device, said.contact), *present);
            if noted == Noted::GivesWay {
                return;
            }
            announce(engine, &group);
            group
        }
        Signal::Absent => match engine.calls.ongoing.absent(&call, &said.device) {
            Some(group) => group,
            None => return,
        },
        signal => return answer_stray(engine, out, said, call, &signal),
    };
    look_after(engine, rows, out, &group);
}

/// A call gives way to another one.
fn replaced(out: &mut Output, shown: Option<GroupCallView>) {
    let state = GroupCallState::Ended(CallEnd::Replaced);
    if let Some(shown) = shown {
        out.event(Event::GroupCallChanged(Box::new(GroupCallView { state, ..shown })));
    }
}

/// A call that somebody may have started rings, once.
fn announce(engine: &mut Engine, group: &GroupId) {
    let now = engine.core.now;
    let people: Vec<AccountId> = engine
        .calls
        .ongoing
        .of(group)
        .map(|seen| seen.people.values().map(|person| person.account).collect())
        .unwrap_or_default();
    let starter = people.into_iter().find(|account| engine.groups.may_start_calls(group, account));
    let small = engine.groups.count_members(group) <= RINGS_IN;
    let busy = engine.calls.now.is_some() || engine.calls.together.is_some();
    let (Some(starter), Some(seen)) = (starter, engine.calls.ongoing.of(group)) else { return };
    if std::mem::replace(&mut seen.announced, true) {
        return;
    }
    let rings = small && !busy && now.since(seen.begun) < RINGS && engine.calls.guard.may_ring(now, &starter);
    if let Some(seen) = engine.calls.ongoing.of(group).filter(|_| rings) {
        seen.by = starter;
        seen.rings_until = Some(now + RINGS);
    }
}

/// Media report something about a leg.
pub(super) fn report(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, event: MediaEvent) {
    let now = engine.core.now;
    let Some(together) = &mut engine.calls.together else { return };
    let mut acts = Vec::new();
    together.call.report(now, event, &mut acts);
    settle(engine, rows, out, acts);
}

/// Media report what they cannot send.
pub(super) fn lacks(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, call: &CallId, lacking: Media) {
    let Ok(together) = engine.calls.in_call(call) else { return };
    let mut acts = Vec::new();
    together.call.lacks(lacking, &mut acts);
    settle(engine, rows, out, acts);
}

/// Messages may be put on the stream to a device again.
pub(super) fn ready(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, device: &DeviceId) {
    let (now, account) = (engine.core.now, engine.peers.contact_of(device));
    let Engine { calls, groups, .. } = engine;
    let (Some(together), Some(account)) = (&mut calls.together, account) else { return };
    if !groups.is_member(&together.call.group(), &account, device) {
        return;
    }
    let mut acts = Vec::new();
    together.call.ready(now, device, &mut acts);
    settle(engine, rows, out, acts);
}

/// The connection to a device is lost.
pub(crate) fn lost(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, device: &DeviceId) {
    let now = engine.core.now;
    let Engine { calls, presence, .. } = engine;
    let Some(together) = calls.together.as_mut().filter(|_| !presence.links.is_up(device)) else { return };
    let mut acts = Vec::new();
    together.call.lost(now, device, &mut acts);
    settle(engine, rows, out, acts);
}

/// Time has passed.
pub(super) fn wake(engine: &mut Engine, rows: &dyn Rows, out: &mut Output) {
    let now = engine.core.now;
    let rank = rank(engine);
    let Engine { calls, presence, .. } = engine;
    if let Some(together) = &mut calls.together {
        together.call.set_rank(rank);
        let mut acts = Vec::new();
        together.call.wake(now, &|device| presence.links.is_ready(device), &mut acts);
        settle(engine, rows, out, acts);
    }
    for group in engine.calls.ongoing.expire(now) {
        look_after(engine, rows, out, &group);
    }
    taking::set_timer(engine);
}

/// Somebody is a member no more, or blocked; perhaps this account.
pub(crate) fn members_changed(engine: &mut Engine, rows: &dyn Rows, out: &mut Output) {
    let now = engine.core.now;
    let groups: Vec<GroupId> = engine.calls.ongoing.all().map(|(group, _)| *group).collect();
    for group in groups {
        let Engine { calls, groups, contacts, .. } = engine;
        let Some(seen) = calls.ongoing.of(&group) else { continue };
        let before = seen.people.len();
        seen.people.retain(|device, person| {
            groups.is_member(&group, &person.account, device)
                && contacts.state(&person.account) != Some(ContactState::Blocked)
        });
        if seen.people.len() != before {
            look_after(engine, rows, out, &group);
        }
    }
    let Engine { calls, groups, contacts, .. } = engine;
    let Some(together) = &mut calls.together else { return };
    let group = together.call.group();
    let mut acts = Vec::new();
    if groups.is_joined(&group) {
        let may = |account: &AccountId, device: &DeviceId| {
            groups.is_member(&group, account, device)
                && contacts.state(account) != Some(ContactState::Blocked)
        };
        together.call.keep(now, may, &mut acts);
    } else {
        together.call.leave(&mut acts);
    }
    settle(engine, rows, out, acts);
}

/// Does what a step of the call brought about, and shows it.
fn settle(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, acts: Vec<Act>) {
    perform(engine, out, acts);
    let now = engine.core.now;
    if engine.calls.together.as_ref().is_some_and(|together| together.call.needs_key()) {
        let key = engine.core.random();
        let mut acts = Vec::new();
        if let Some(together) = &mut engine.calls.together {
            together.call.renew_key(now, key, &mut acts);
        }
        perform(engine, out, acts);
    }
    if let Some(together) = &mut engine.calls.together {
        together.video |= together.call.sent().has_video();
        let view = view(together);
        if together.shown.as_ref() != Some(&view) {
            out.event(Event::GroupCallChanged(Box::new(view.clone())));
            together.shown = Some(view);
        }
    }
    if let Some(over) = engine.calls.together.take_if(|together| together.call.is_over()) {
        left(engine, rows, out, over);
    }
    taking::set_timer(engine);
}

/// This device has left: others may go on.
fn left(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, over: Together) {
    let Together { call, by, video, .. } = over;
    let (now, group) = (engine.core.now, call.group());
    let (begun, talking_since) = call.times();
    let talked = talking_since.map_or(Span(0), |since| now.since(since));
    let line = CallLine { call: call.id(), video, end: CallEnd::Finished, talked };
    let outgoing = by == engine.devices.account;
    records::write(engine, rows, out, (ChatId::group(&group), by), outgoing, begun, line, None);
    let people = call.into_people();
    if people.is_empty() || !engine.groups.is_joined(&group) {
        return;
    }
    let seen = Seen {
        call: line.call,
        begun,
        people,
        rings_until: None,
        announced: true,
        rang: true,
        was_in: true,
        noticed: now,
        video,
        by,
        shown: None,
    };
    engine.calls.ongoing.put(group, seen);
    show(engine, out, &group);
}

/// What follows when something about a call has changed that this device is not in.
fn look_after(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, group: &GroupId) {
    show(engine, out, group);
    let over = engine.calls.ongoing.of(group).is_some_and(|seen| seen.people.is_empty());
    if let Some(seen) = over.then(|| engine.calls.ongoing.take(group)).flatten()
        && seen.announced
        && !seen.was_in
        // Of what nobody heard ring and what was over at once nothing is left.
        && (seen.rang || engine.core.now.since(seen.noticed) >= LASTED)
        && engine.calls.guard.may_miss(engine.core.now, &seen.by)
    {
        let line = CallLine { call: seen.call, video: seen.video, end: CallEnd::Missed, talked: Span(0) };
        let begun = seen.begun.min(engine.core.now);
        records::write(engine, rows, out, (ChatId::group(group), seen.by), false, begun, line, None);
    }
    taking::set_timer(engine);
}

/// Shows a call that this device is not in, if that is news.
fn show(engine: &mut Engine, out: &mut Output, group: &GroupId) {
    let Some(seen) = engine.calls.ongoing.of(group) else { return };
    let view = view_outside(*group, seen);
    if !seen.announced || seen.shown.as_ref() == Some(&view) {
        return;
    }
    seen.shown = Some(view.clone());
    let rings = view.state == GroupCallState::Ringing;
    if rings && !std::mem::replace(&mut seen.rang, true) {
        out.event(Event::GroupCallIncoming(Box::new(view.clone())));
    }
    out.event(Event::GroupCallChanged(Box::new(view)));
}

fn perform(engine: &mut Engine, out: &mut Output, acts: Vec<Act>) {
    let Some(together) = &engine.calls.together else { return };
    let (call, group) = (together.call.id(), together.call.group());
    let mut words = Vec::new();
    for act in acts {
        match act {
            Act::Say(device, signal) => words.push((device, CallWord { call, signal })),
            Act::Tell(told) => {
                let own = engine.devices.device();
                let outside = |device: &DeviceId| *device != own && !together.call.has(device);
                let others = engine.groups.member_devices(&group).into_iter().filter(outside);
                words.extend(others.map(|device| {
                    let signal = match told {
                        Told::Present => together.call.present_to(&device),
                        Told::Absent => Signal::Absent,
                    };
                    (device, CallWord { call, signal })
                }));
            }
            Act::Media(command) => out.effect(Effect::Call(command)),
        }
    }
    taking::say(engine, out, words);
}

/// How somebody's words are taken; `None` when nothing here moves sound.
fn speaker(engine: &mut Engine, group: &GroupId, account: AccountId, device: DeviceId) -> Option<Speaker> {
    let setup = taking::setup(engine, &account)?;
    let may_mute = engine.groups.may_mute(group, &account, &engine.devices.account);
    Some(Speaker { device, account, setup, may_mute })
}

/// Somebody is in the call who is not connected.
fn dial(engine: &mut Engine, device: &DeviceId) {
    if *device != engine.devices.device() && !engine.presence.links.is_up(device) {
        engine.presence.dial_now(&mut engine.core, device);
    }
}

/// How well this device forwards: whoever can be reached from outside is heard by all.
fn rank(engine: &Engine) -> u8 {
    match engine.presence.nat() {
        Nat::Public => 2,
        Nat::Unknown => 1,
        Nat::Private => 0,
    }
}

/// The calls of groups, as front ends see them.
pub(crate) fn views(engine: &Engine) -> Vec<GroupCallView> {
    let together = engine.calls.together.iter().map(view);
    let outside = engine.calls.ongoing.all().filter(|(_, seen)| seen.announced);
    together.chain(outside.map(|(group, seen)| view_outside(*group, seen))).collect()
}

fn view(together: &Together) -> GroupCallView {
    let call = &together.call;
    let (begun, talking_since) = call.times();
    let (hand, muted_by) = call.standing();
    let state = match call.state() {
        _ if call.is_over() => GroupCallState::Ended(CallEnd::Finished),
        CallState::Live => GroupCallState::Live,
        CallState::Reconnecting => GroupCallState::Reconnecting,
        CallState::Connecting => GroupCallState::Connecting,
        _ => GroupCallState::Waiting,
    };
    GroupCallView {
        call: call.id(),
        group: call.group(),
        chat: ChatId::group(&call.group()),
        state,
        begun,
        talking_since,
        own: call.sent(),
        lacking: call.media().1,
        hand,
        muted_by,
        forwarder: call.forwarder(),
        people: call.people(),
    }
}

fn view_outside(group: GroupId, seen: &Seen) -> GroupCallView {
    let state = match seen.rings_until {
        _ if seen.people.is_empty() && seen.was_in => GroupCallState::Ended(CallEnd::Finished),
        _ if seen.people.is_empty() => GroupCallState::Ended(CallEnd::Missed),
        Some(_) => GroupCallState::Ringing,
        None => GroupCallState::Ongoing,
    };
    GroupCallView {
        call: seen.call,
        group,
        chat: ChatId::group(&group),
        state,
        begun: seen.begun,
        talking_since: None,
        own: Media::default(),
        lacking: Media::default(),
        hand: false,
        muted_by: None,
        forwarder: None,
        people: seen.views(),
    }
}
