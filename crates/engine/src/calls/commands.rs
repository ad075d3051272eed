//! What the person wants of calls.

use kith_proto::call::Media;
use kith_proto::codec::Encode as _;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::rows::Rows;

use super::Current;
use super::call::Call;
use super::taking;
use super::together;
use crate::command::Answer;
use crate::command::MediaChange;
use crate::command::Refusal;
use crate::engine::Engine;
use crate::output::Output;
use crate::rows;
use crate::rows::calls::CALL_CONTACTS;
use crate::rows::calls::CALL_SETTINGS;
use crate::rows::calls::CallContactRow;
use crate::rows::calls::CallSettingsRow;
use crate::rows::groups::With;
use crate::view::CallState;
use crate::view::ContactState;
use crate::view::HideAddress;

/// Calls somebody.
pub(crate) fn start(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    chat: &ChatId,
    media: Media,
) -> Result<Answer, Refusal> {
    let contact = match engine.chats.with(chat).ok_or(Refusal::UnknownChat)? {
        With::Contact(contact) => contact,
        With::Group(group) => return together::start(engine, rows, out, &group, media),
    };
    match engine.contacts.state(&contact) {
        Some(ContactState::Accepted) => {}
        Some(ContactState::Requested) => return Err(Refusal::NotAnswered),
        Some(ContactState::Incoming) => return Err(Refusal::NotAccepted),
        Some(ContactState::Blocked) => return Err(Refusal::Blocked),
        None => return Err(Refusal::UnknownContact),
    }
    if engine.calls.together.is_some() {
        return Err(Refusal::InCall);
    }
    if let Some(current) = &engine.calls.now {
        // They are calling: this is the answer.
        let (call, rings) = (current.call.id(), current.call.state() == CallState::Incoming);
        return if rings && current.contact == contact {
            accept(engine, rows, out, &call, media)
        } else {
            Err(Refusal::InCall)
        };
    }
    let setup = taking::setup(engine, &contact).ok_or(Refusal::NoMedia)?;
    let devices = engine.peers.devices_of(&contact);
    if devices.is_empty() {
        return Err(Refusal::NotFoundYet);
    }
    for device in &devices {
        engine.presence.dial_now(&mut engine.core, device);
    }
    let id = CallId(engine.core.random());
    let mut acts = Vec::new();
    let call = Call::start(id, setup, engine.core.now, &devices, media, &mut acts);
    engine.calls.now = Some(Current::new(call, contact, *chat));
    taking::settle(engine, rows, out, acts);
    answer(engine)
}

/// Answers a call that rings here.
pub(crate) fn accept(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    call: &CallId,
    media: Media,
) -> Result<Answer, Refusal> {
    if engine.calls.is_of_group(call) {
        return together::accept(engine, rows, out, call, media);
    }
    let now = engine.core.now;
    let current = engine.calls.get(call).filter(|current| !current.call.is_outgoing());
    let current = current.ok_or(Refusal::UnknownCall)?;
    let mut acts = Vec::new();
    current.call.accept(now, media, &mut acts);
    taking::settle(engine, rows, out, acts);
    answer(engine)
}

/// Ends a call.
pub(crate) fn hang_up(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    call: &CallId,
) -> Result<Answer, Refusal> {
    if engine.calls.is_of_group(call) {
        return together::hang_up(engine, rows, out, call);
    }
    let current = engine.calls.get(call).ok_or(Refusal::UnknownCall)?;
    let mut acts = Vec::new();
    current.call.hang_up(&mut acts);
    taking::settle(engine, rows, out, acts);
    Ok(Answer::Done)
}

/// Sends something else from now on.
pub(crate) fn set_media(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    call: &CallId,
    change: MediaChange,
) -> Result<Answer, Refusal> {
    if engine.calls.is_of_group(call) {
        return together::set_media(engine, rows, out, call, change);
    }
    let now = engine.core.now;
    let current = engine.calls.get(call).ok_or(Refusal::UnknownCall)?;
    let (own, _) = current.call.media();
    let media = change.applied_to(own);
    let mut acts = Vec::new();
    current.call.set_media(now, media, &mut acts);
    taking::settle(engine, rows, out, acts);
    answer(engine)
}

fn answer(engine: &Engine) -> Result<Answer, Refusal> {
    engine.calls.view().map(Answer::Call).ok_or(Refusal::UnknownCall)
}

/// Says from whom the own address is hidden.
pub(crate) fn hide_address(
    engine: &mut Engine,
    out: &mut Output,
    from: HideAddress,
) -> Result<Answer, Refusal> {
    engine.calls.hide = from;
    out.put(CALL_SETTINGS, rows::SELF, CallSettingsRow::new(from).to_bytes());
    Ok(Answer::Done)
}

/// The same for one contact.
pub(crate) fn hide_address_from(
    engine: &mut Engine,
    out: &mut Output,
    contact: ContactId,
    hide: Option<bool>,
) -> Result<Answer, Refusal> {
    engine.contacts.state(&contact).ok_or(Refusal::UnknownContact)?;
    match hide {
        Some(hidden) => {
            engine.calls.hide_from.insert(contact, hidden);
            out.put(CALL_CONTACTS, &contact.0, CallContactRow { hidden }.to_bytes());
        }
        None => {
            engine.calls.hide_from.remove(&contact);
            out.delete(CALL_CONTACTS, &contact.0);
        }
    }
    Ok(Answer::Done)
}

/// Forgets what was decided about somebody.
pub(crate) fn forget(engine: &mut Engine, out: &mut Output, contact: &ContactId) {
    engine.calls.guard.forget(contact);
    if engine.calls.hide_from.remove(contact).is_some() {
        out.delete(CALL_CONTACTS, &contact.0);
    }
}
