//! What is left of a call: a line in its chat, a place in the log, and while it lasts a row for whoever starts after a crash.

use kith_proto::bounded::BoundedStr;
use kith_proto::call::CallWord;
use kith_proto::call::HangUp;
use kith_proto::call::Signal;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::MessageId;
use kith_proto::payload::Content;
use kith_proto::payload::Position;
use kith_proto::payload::TextMessage;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::Current;
use super::taking::Said;
use crate::chats::Chats;
use crate::chats::NewMessage;
use crate::engine::Engine;
use crate::event::Event;
use crate::links;
use crate::output::Output;
use crate::restore;
use crate::restore::RestoreError;
use crate::rows;
use crate::rows::calls::CALL_CONTACTS;
use crate::rows::calls::CALL_LOG;
use crate::rows::calls::CALL_NOW;
use crate::rows::calls::CALL_SETTINGS;
use crate::rows::calls::CallContactRow;
use crate::rows::calls::CallEntry;
use crate::rows::calls::CallNowRow;
use crate::rows::calls::CallSettingsRow;
use crate::rows::calls::log_key;
use crate::rows::groups::Entry;
use crate::view::CallEnd;
use crate::view::CallLine;
use crate::view::MessageKind;
use crate::view::MessageState;
use crate::view::MessageView;

/// How often the row of a live call is written: so much of its duration a crash may take.
const NOTED_EVERY: Span = Span::from_secs(10);

/// A call that did not ring here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missed {
    /// Which.
    pub(super) id: CallId,
    /// Whether there would have been something to see.
    pub(super) video: bool,
    /// When it was.
    pub(super) at: Timestamp,
    /// Why it was missed.
    pub(super) end: CallEnd,
}

/// Somebody called, and it did not ring here.
pub(super) fn missed(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, said: &Said, missed: Missed) {
    let Missed { id, video, at, end } = missed;
    let chat = ChatId::direct(&engine.devices.account, &said.contact);
    if Chats::index_of(rows, out, &chat, &MessageId(id.0)).is_some() {
        return;
    }
    if !engine.calls.guard.may_miss(engine.core.now, &said.contact) {
        engine.core.stats.call_floods += 1;
        return;
    }
    // Nobody has called from the future.
    let begun = at.min(engine.core.now);
    let line = CallLine { call: id, video, end, talked: Span(0) };
    let place = (said.device, said.position);
    write(engine, rows, out, (chat, said.contact), false, begun, line, Some(place));
}

/// A call is over: its line, its place in the log, a note to those who did not hear of it.
pub(super) fn over(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, current: Current) {
    let Current { call, contact, chat, video, .. } = current;
    out.delete(CALL_NOW, rows::SELF);
    let end = call.ended().unwrap_or(CallEnd::Lost);
    let (begun, _) = call.times();
    let outgoing = call.is_outgoing();
    let unheard =
        matches!(end, CallEnd::Cancelled | CallEnd::NoAnswer | CallEnd::Unreachable | CallEnd::Busy);
    if outgoing && unheard {
        let signal = Signal::Missed { at: begun, media: call.media().0 };
        for device in call.never_rang() {
            let contents = vec![Content::Call(CallWord { call: call.id(), signal: signal.clone() })];
            engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, &device, contents, None);
            links::pump(engine, out, &device);
        }
    }
    if end != CallEnd::Replaced {
        let line = CallLine { call: call.id(), video, end, talked: call.talked(engine.core.now) };
        let place = call.with().filter(|_| line.is_missed(outgoing)).map(|device| (device, 0));
        write(engine, rows, out, (chat, contact), outgoing, begun, line, place);
    }
    engine.calls.guard.ended(contact, call);
}

/// Keeps what somebody who starts after a crash has to know.
pub(super) fn note(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    let Some(current) = &mut engine.calls.now else { return };
    let (begun, talking_since) = current.call.times();
    // Between two beats nothing is written but for a reason.
    let first = current.written == Timestamp(0);
    let answered = talking_since.is_some_and(|since| current.written < since);
    if !first && !answered && (talking_since.is_none() || now.since(current.written) < NOTED_EVERY) {
        return;
    }
    current.written = now;
    let row = CallNowRow {
        call: current.call.id(),
        contact: current.contact,
        outgoing: current.call.is_outgoing(),
        video: current.video,
        begun,
        talking_since,
        seen: now,
    };
    out.put(CALL_NOW, rows::SELF, row.to_bytes());
}

/// What was under way when this device stopped is over.
pub(crate) fn interrupted(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
) -> Result<(), RestoreError> {
    let Some(bytes) = rows.get(CALL_NOW, rows::SELF)? else { return Ok(()) };
    let row = CallNowRow::from_bytes(&bytes).map_err(|_| RestoreError::Damaged(CALL_NOW.name))?;
    out.delete(CALL_NOW, rows::SELF);
    let end = match (row.talking_since, row.outgoing) {
        (None, false) => CallEnd::Missed,
        _ => CallEnd::Interrupted,
    };
    let talked = row.talking_since.map_or(Span(0), |since| row.seen.since(since));
    let chat = ChatId::direct(&engine.devices.account, &row.contact);
    let line = CallLine { call: row.call, video: row.video, end, talked };
    let device = engine.peers.devices_of(&row.contact).first().copied();
    let place = device.filter(|_| line.is_missed(row.outgoing)).map(|device| (device, 0));
    write(engine, rows, out, (chat, row.contact), row.outgoing, row.begun, line, place);
    engine.calls.guard.refused(row.contact, row.call, Signal::HangUp { why: HangUp::Gone });
    Ok(())
}

/// Writes the line of a call into its chat, unless it is there.
#[expect(clippy::too_many_arguments, reason = "each of them is a field of the line")]
pub(super) fn write(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    (chat, contact): (ChatId, ContactId),
    outgoing: bool,
    begun: Timestamp,
    line: CallLine,
    place: Option<(DeviceId, Position)>,
) {
    let message = MessageId(line.call.0);
    if Chats::index_of(rows, out, &chat, &message).is_some() {
        return;
    }
    let content = TextMessage { message, text: BoundedStr::default(), reply_to: None, expires_secs: None };
    let entry = Entry::Call(CallEntry::new(&line));
    let new = NewMessage { content, outgoing, sent_at: begun, places: place.into_iter().collect(), entry };
    let Some(stored) = engine.chats.store(&mut engine.core, out, &chat, new) else { return };
    out.put(CALL_LOG, &log_key(begun, &line.call), rows::history_key(&chat, stored.index));
    let view = MessageView {
        message,
        chat,
        index: stored.index,
        sender: if outgoing { engine.devices.account } else { contact },
        outgoing,
        kind: MessageKind::Call(line),
        text: String::new(),
        reply_to: None,
        mentions: Vec::new(),
        mentions_all: false,
        sent_at: begun,
        stored_at: engine.core.now,
        state: if place.is_some() { MessageState::Delivered } else { MessageState::Read },
        expires_at: None,
        receipts: None,
        copies: None,
    };
    out.event(if outgoing { Event::MessageWritten(view) } else { Event::MessageReceived(view) });
    engine.chat_changed(out, &chat);
}

/// Takes what was decided about addresses as it was stored.
pub(crate) fn load_settings(engine: &mut Engine, rows: &dyn Rows) -> Result<(), RestoreError> {
    if let Some(bytes) = rows.get(CALL_SETTINGS, rows::SELF)? {
        let row = CallSettingsRow::from_bytes(&bytes);
        engine.calls.hide = row.map_err(|_| RestoreError::Damaged(CALL_SETTINGS.name))?.hide_address();
    }
    let calls = &mut engine.calls;
    restore::each(rows, CALL_CONTACTS, restore::row, |contact: AccountId, row: CallContactRow| {
        calls.hide_from.insert(contact, row.hidden);
        Some(())
    })
}

/// Deletes the places of calls in chats that were removed.
pub(crate) fn sweep(rows: &dyn Rows, out: &mut Output, removed: &[ChatId]) -> Result<(), RestoreError> {
    let mut gone = Vec::new();
    let all = std::ops::Bound::Unbounded;
    rows.scan(CALL_LOG, all, all, Direction::Up, &mut |key, place| {
        if rows::split_key::<16>(place).is_some_and(|(chat, _)| removed.contains(&ChatId(chat))) {
            gone.push((key.to_vec(), place.to_vec()));
        }
        true
    })?;
    for (key, place) in gone {
        // The chat may have begun anew since.
        if rows.get(rows::HISTORY, &place)?.is_none() {
            out.delete(CALL_LOG, &key);
        }
    }
    Ok(())
}
