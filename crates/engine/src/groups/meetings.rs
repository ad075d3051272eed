//! Meetings of two members over a live connection: words of [`super::reconcile`], cut into parts that fit payloads, and no
//! more of them under way than the other side has taken.
//!
//! ```text
//!  Heads with another digest ─▶ the device with the lower id begins ─▶ parts … Taken … parts ─▶ over
//!                                                          out of turn, silent for a minute ─▶ dropped
//! ```

use kith_crypto::group::verify_post;
use kith_proto::bounded::BoundedBytes;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::group::word::GroupWord;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::payload::Content;
use kith_proto::payload::MAX_CONTENTS;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::sync::HistoryDigest;
use kith_proto::sync::MAX_SYNC_WORD_BYTES;
use kith_proto::sync::SyncWord;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::history::History;
use super::membership;
use super::mesh;
use super::receiving;
use super::receiving::Brought;
use super::reconcile::Meeting;
use super::state::Group;
use super::taking;
use crate::engine::Engine;
use crate::links;
use crate::output::Output;

/// The bytes of parts in one payload: with what is around them it fills the 16 KiB class, into which it is padded anyway.
const ROOM: usize = PARTS_ROOM / 4;

/// The same for the 64 KiB class.
const PARTS_ROOM: usize = 62 << 10;

/// What is around a part: the group, its length, the kind of word, whether it is the last.
const AROUND: usize = 48;

/// Parts under way at once: at most half a megabyte on the stream for each meeting.
const WINDOW: u32 = 32;

/// So many parts are confirmed together.
const CONFIRM_EVERY: u32 = 8;

/// Meetings of one group at once.
const MAX_MEETINGS: usize = 8;

/// A meeting that says nothing for so long is dropped for a new one.
const SILENT: Span = Span::from_minutes(1);

/// A meeting under way.
pub(crate) struct Live {
    meeting: Meeting,
    /// The beginning of a word whose end has not come.
    partial: Vec<u8>,
    /// What is left to say of a word.
    rest: Vec<u8>,
    flying: u32,
    taken: u32,
    /// Whether the other side came later and is not given everything.
    limited: bool,
    theirs: HistoryDigest,
    last: Timestamp,
}

/// Begins a meeting with a member's device, if it is ours to begin and both have something else than when they last met.
pub(super) fn begin(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    device: &DeviceId,
    theirs: HistoryDigest,
) {
    let (own, now) = (engine.devices.device(), engine.core.now);
    let salt = engine.core.random();
    let account = receiving::account_of(engine, device);
    let Some(group) = engine.groups.get_mut(id) else { return };
    let busy = group.meetings.get(device).is_some_and(|live| now.since(live.last) < SILENT);
    let known = group.met.get(device) == Some(&(group.history.digest(), theirs));
    if own >= *device || busy || known {
        return;
    }
    if !may_begin(group, now, device, Some(theirs)) {
        return membership::tell_again(engine, id);
    }
    let limits = account.and_then(|account| group.floors.limits(&account));
    let limited = limits.is_some();
    let meeting = Meeting::ask(*id, salt).limited(limits);
    group.meetings.insert(*device, live(meeting, limited, theirs, now));
    pump(engine, rows, out, id, device);
}

fn live(meeting: Meeting, limited: bool, theirs: HistoryDigest, now: Timestamp) -> Live {
    let (partial, rest) = (Vec::new(), Vec::new());
    Live { meeting, partial, rest, flying: 0, taken: 0, limited, theirs, last: now }
}

fn may_begin(group: &mut Group, now: Timestamp, device: &DeviceId, theirs: Option<HistoryDigest>) -> bool {
    group.meetings.retain(|_, live| now.since(live.last) < SILENT);
    let room = group.meetings.contains_key(device) || group.meetings.len() < MAX_MEETINGS;
    group.turns.claim(now, device, theirs) && room
}

/// A part of a word came.
pub(super) fn part(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    device: &DeviceId,
    (part, last): (&[u8], bool),
) {
    let now = engine.core.now;
    let account = receiving::account_of(engine, device);
    let own = engine.devices.device();
    let Some(group) = engine.groups.get_mut(id) else { return };
    let limits = account.and_then(|account| group.floors.limits(&account));
    // What is in the middle of a word begins with anything.
    let known = group.meetings.get(device).filter(|live| now.since(live.last) < SILENT);
    let begun = known.is_some_and(|live| !live.partial.is_empty());
    if known.is_none() || (!begun && is_hello(part, last)) {
        // Only the device with the lower id begins.
        if own < *device || !is_hello(part, last) {
            return broken(engine, rows, out, id, device);
        }
        if !may_begin(group, now, device, None) {
            // They hear when it is their turn.
            return end(engine, out, id, device, false);
        }
        let limited = limits.is_some();
        let meeting = Meeting::answer(*id).limited(limits);
        group.meetings.insert(*device, live(meeting, limited, HistoryDigest::default(), now));
    }
    let Some(live) = group.meetings.get_mut(device) else { return };
    live.last = now;
    live.taken += 1;
    live.partial.extend_from_slice(part);
    if live.partial.len() > MAX_SYNC_WORD_BYTES {
        return broken(engine, rows, out, id, device);
    }
    let confirmed = (live.taken >= CONFIRM_EVERY).then(|| std::mem::take(&mut live.taken));
    let word = last.then(|| SyncWord::from_bytes(&std::mem::take(&mut live.partial)));
    if let Some(parts) = confirmed {
        links::say(engine, out, device, vec![Content::Group(GroupWord::Taken { group: *id, parts })]);
    }
    match word {
        None => {}
        Some(Err(_)) => broken(engine, rows, out, id, device),
        Some(Ok(word)) => take(engine, rows, out, id, device, word),
    }
}

/// Whether this is the word that begins a meeting.
fn is_hello(part: &[u8], last: bool) -> bool {
    last && part.first() == Some(&0)
}

fn take(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    device: &DeviceId,
    word: SyncWord,
) {
    let Some(group) = engine.groups.get_mut(id) else { return };
    let Group { meetings, history, .. } = group;
    let Some(live) = meetings.get_mut(device) else { return };
    if let SyncWord::Hello { digest, .. } = &word {
        live.theirs = *digest;
    }
    let Ok(posts) = live.meeting.take(history, rows, out, word) else {
        return broken(engine, rows, out, id, device);
    };
    let had = history.digest();
    for post in posts {
        match verify_post(post) {
            Ok(post) if post.draft.group == *id => {
                receiving::take(engine, rows, out, id, post, Brought::Meeting(*device));
            }
            _ => engine.core.stats.bad_posts += 1,
        }
    }
    let now = engine.core.now;
    if let Some(group) = engine.groups.get_mut(id).filter(|group| group.history.digest() != had) {
        group.turns.moved(now, device);
        mesh::spread_later(engine, id);
    }
    pump(engine, rows, out, id, device);
}

/// Says as much as may be under way, each payload as full as can be.
fn pump(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId, device: &DeviceId) {
    loop {
        let Some(group) = engine.groups.get_mut(id) else { return };
        let digest = group.history.digest();
        let Group { meetings, history, met, .. } = group;
        let Some(live) = meetings.get_mut(device) else { return };
        // Storage that cannot be read will fail the commit of this batch too.
        let Ok(contents) = live.fill(history, rows, out, id) else { return };
        let ends = live.rest.is_empty() && live.meeting.is_over();
        let ended = ends.then_some((live.limited, live.theirs));
        if let Some((_, theirs)) = ended {
            met.insert(*device, (digest, theirs));
            meetings.remove(device);
        }
        let silent = contents.is_empty();
        for contents in payloads(contents) {
            links::say(engine, out, device, contents);
        }
        if let Some((limited, _)) = ended {
            if limited {
                end(engine, out, id, device, true);
            }
            return over(engine, rows, out, id, device);
        }
        if silent {
            return;
        }
    }
}

/// Parts as payloads: one of the largest class if they fill most of it, else several of smaller ones, which pad less.
fn payloads(contents: Vec<Content>) -> Vec<Vec<Content>> {
    let size = |content: &Content| match content {
        Content::Group(GroupWord::Sync { part, .. }) => part.len() + AROUND,
        _ => AROUND,
    };
    if contents.iter().map(size).sum::<usize>() > 3 * ROOM {
        return vec![contents];
    }
    let (mut payloads, mut room) = (Vec::<Vec<Content>>::new(), 0);
    for content in contents {
        let needed = size(&content);
        match payloads.last_mut().filter(|_| needed <= room) {
            Some(last) => last.push(content),
            None => {
                room = ROOM;
                payloads.push(vec![content]);
            }
        }
        room = room.saturating_sub(needed);
    }
    payloads
}

impl Live {
    /// The next parts, as many as one payload holds and may be under way.
    fn fill(
        &mut self,
        history: &History,
        rows: &dyn Rows,
        out: &Output,
        id: &GroupId,
    ) -> Result<Vec<Content>, RowsError> {
        let (mut contents, mut room) = (Vec::new(), PARTS_ROOM);
        while self.flying < WINDOW && contents.len() < MAX_CONTENTS && room > AROUND {
            if self.rest.is_empty() {
                let Some(word) = self.meeting.next(history, rows, out)? else { break };
                self.rest = word.to_bytes();
            }
            let length = self.rest.len().min(ROOM - AROUND).min(room - AROUND);
            let after = self.rest.split_off(length);
            let part = BoundedBytes::new(std::mem::replace(&mut self.rest, after)).unwrap_or_default();
            contents.push(Content::Group(GroupWord::Sync { group: *id, part, last: self.rest.is_empty() }));
            room -= length + AROUND;
            self.flying += 1;
        }
        Ok(contents)
    }
}

/// They have taken so many parts.
pub(super) fn taken(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    device: &DeviceId,
    parts: u32,
) {
    let Some(group) = engine.groups.get_mut(id) else { return };
    let Some(live) = group.meetings.get_mut(device) else { return };
    live.flying = live.flying.saturating_sub(parts);
    live.last = engine.core.now;
    group.turns.moved(engine.core.now, device);
    pump(engine, rows, out, id, device);
}

/// They have nothing more to say, or to take. `complete`: because all was said; else it is tried again.
pub(super) fn ended(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    device: &DeviceId,
    complete: bool,
) {
    let Some(group) = engine.groups.get_mut(id) else { return };
    let Some(live) = group.meetings.remove(device) else { return };
    if complete {
        group.met.insert(*device, (group.history.digest(), live.theirs));
    } else {
        membership::tell_again(engine, id);
    }
    over(engine, rows, out, id, device);
}

/// A meeting is over: it is the turn of those who waited for that.
fn over(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId, device: &DeviceId) {
    let own = engine.devices.device();
    mesh::spread(engine, id);
    let Some(group) = engine.groups.get_mut(id) else { return };
    if !group.turns.over(device) {
        return;
    }
    for (next, theirs) in group.turns.call() {
        match theirs.filter(|_| own < next) {
            Some(theirs) => begin(engine, rows, out, id, &next, theirs),
            // It is theirs to begin.
            None => drop(taking::say_heads_of(engine, out, &next, id)),
        }
    }
}

/// They broke the rules of a meeting. What was taken stays.
fn broken(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId, device: &DeviceId) {
    engine.core.stats.bad_meetings += 1;
    if let Some(group) = engine.groups.get_mut(id) {
        group.meetings.remove(device);
    }
    end(engine, out, id, device, false);
    over(engine, rows, out, id, device);
}

fn end(engine: &mut Engine, out: &mut Output, id: &GroupId, device: &DeviceId, complete: bool) {
    links::say(engine, out, device, vec![Content::Group(GroupWord::End { group: *id, complete })]);
}
