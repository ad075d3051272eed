//! Blocking people: one, or all on a list that somebody else made.

use kith_proto::id::ContactId;
use kith_proto::rows::Rows;

use super::contact_answer;
use super::decided;
use crate::calls;
use crate::command::Answer;
use crate::command::Refusal;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::finding;
use crate::offers;
use crate::output::Output;
use crate::registering;
use crate::view::ContactState;
use crate::view::MessageState;

/// The longest list of people who are blocked at once.
const MAX_BLOCKED_AT_ONCE: usize = 10_000;

/// The most people who are blocked by lists.
const MAX_BLOCKED: usize = 50_000;

/// Blocks a contact.
pub(super) fn block(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    contact: ContactId,
) -> Result<Answer, Refusal> {
    let before = engine.contacts.state(&contact).ok_or(Refusal::UnknownContact)?;
    block_known(engine, rows, out, &contact);
    keep_out(engine, out);
    decided(engine, out, before);
    contact_answer(engine, out, &contact)
}

/// Blocks people, known or not: a list that somebody else made.
pub(super) fn block_all(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    accounts: &[ContactId],
) -> Result<Answer, Refusal> {
    if accounts.len() > MAX_BLOCKED_AT_ONCE || engine.contacts.blocked() + accounts.len() > MAX_BLOCKED {
        return Err(Refusal::TooMany);
    }
    let own = engine.devices.account;
    for contact in accounts.iter().filter(|contact| **contact != own) {
        let before = engine.contacts.state(contact);
        if before == Some(ContactState::Blocked) {
            continue;
        }
        engine.contacts.add_fellow(&engine.core, out, contact);
        block_known(engine, rows, out, contact);
        if let Some(before) = before {
            decided(engine, out, before);
        }
        engine.contact_changed(out, contact);
    }
    keep_out(engine, out);
    Ok(Answer::Done)
}

fn keep_out(engine: &mut Engine, out: &mut Output) {
    engine.keep_connected(out);
    registering::queues_changed(engine, out);
}

fn block_known(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, contact: &ContactId) {
    let contact = *contact;
    calls::taking::part(engine, rows, out, &contact);
    engine.contacts.set_state(out, &contact, ContactState::Blocked);
    offers::part(engine, out, &engine.peers.devices_of(&contact));
    finding::part(engine, out, &engine.peers.devices_of(&contact));
    for device in engine.peers.devices_of(&contact) {
        engine.deposits.forget_told(&device, out);
        for (chat, message) in engine.outbox.drop_device(&mut engine.core, out, &device) {
            engine.chats.set_places(rows, out, &chat, &message, Vec::new());
            out.event(Event::MessageState { chat, message, state: MessageState::Failed });
        }
        engine.presence.unwant(&device);
        out.effect(Effect::HangUp { device });
    }
}
