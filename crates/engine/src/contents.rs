//! What the contents of a payload bring about, once it is this payload's turn.

use std::collections::BTreeSet;

use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::payload::Content;
use kith_proto::payload::Payload;
use kith_proto::payload::Position;
use kith_proto::payload::Receipt;
use kith_proto::payload::TextMessage;
use kith_proto::rows::Rows;
use kith_proto::time::Timestamp;

use crate::calls;
use crate::calls::taking::Said;
use crate::chats::NewMessage;
use crate::choosing;
use crate::effect::Effect;
use crate::effect::Misbehaviour;
use crate::engine::Engine;
use crate::event::Event;
use crate::finding;
use crate::groups::asking;
use crate::groups::fellows;
use crate::groups::receipts;
use crate::groups::taking;
use crate::groups::view as group_view;
use crate::groups::whereabouts;
use crate::leaving;
use crate::links;
use crate::output::Output;
use crate::reading;
use crate::registering;
use crate::routes;
use crate::rows;
use crate::rows::groups::Entry;
use crate::rows::groups::With;
use crate::timer::TimerKey;
use crate::view::ContactState;
use crate::view::MessageKind;
use crate::view::MessageState;
use crate::view::MessageView;

/// Takes every content of a payload. `live`: it came on a connection.
pub(crate) fn take(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    payload: Payload,
    live: bool,
) {
    let Some(contact) = engine.peers.contact_of(device) else { return };
    let (position, sent_at) = (payload.position, payload.sent_at);
    for content in payload.contents.into_inner() {
        match content {
            Content::Receipt(receipt) => confirm(engine, rows, out, device, receipt),
            Content::Call(word) => {
                let said = Said { device: *device, contact, position, sent_at, live };
                calls::taking::word(engine, rows, out, said, word);
            }
            Content::Group(word) => taking::take(engine, rows, out, device, position == 0, word),
            Content::Addresses(addresses) => {
                links::told_addresses(engine, out, device, &addresses);
                whereabouts::pass_on(engine, out, device);
            }
            Content::Prekeys(bundle) => {
                // A stale one is no harm: the newer stays.
                let _ = engine.devices.learn_bundle(&engine.core, out, &contact, device, &bundle);
            }
            Content::Profile(profile) => {
                if engine.contacts.set_profile(out, &contact, profile) {
                    contact_and_chat_changed(engine, out, &contact);
                    group_view::person_changed(engine, out, &contact);
                }
            }
            Content::Mailboxes(list) => leaving::learn(engine, out, device, list),
            Content::AddressSecret(secret) => {
                finding::learn(engine, out, device, secret, live && position == 0);
            }
            Content::DeviceList(list) => take_list(engine, rows, out, &contact, &list),
            Content::Text(text) if position > 0 => {
                if is_known(engine, rows, out, &contact, &text) {
                    continue;
                }
                take_text(engine, out, (*device, position), contact, sent_at, text);
            }
            Content::ContactAccept if position > 0 => {
                if engine.contacts.state(&contact) == Some(ContactState::Requested) {
                    accepted(engine, out, &contact);
                }
            }
            // The introduction was taken before the payload's turn (`arrivals`).
            Content::ContactRequest(_) | Content::Unknown { .. } => {}
            Content::Text(_) | Content::ContactAccept => {
                engine.core.stats.bad_payloads += 1;
                out.effect(Effect::Misbehaved { device: *device, why: Misbehaviour::BadPayload });
            }
        }
    }
}

/// Whether a message is in its chat already: its author put an old disk back and sends it again from there.
fn is_known(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &Output,
    contact: &ContactId,
    text: &TextMessage,
) -> bool {
    let chat = ChatId::direct(&engine.devices.account, contact);
    match out.read(rows, rows::MESSAGES, &rows::message_key(&text.message, &chat)) {
        Ok(None) => false,
        Ok(Some(_)) => {
            engine.core.stats.duplicate_messages += 1;
            true
        }
        // Storage that cannot be read will fail the commit of this batch too; showing twice loses nothing.
        Err(_) => false,
    }
}

fn confirm(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, device: &DeviceId, receipt: Receipt) {
    if engine.peers.get(device).is_some_and(|row| receipt.delivered < row.delivered) {
        remind_once(engine, out, device);
    }
    let before = engine.peers.get(device).map_or((0, 0), |row| (row.delivered, row.read));
    let confirmed = engine.outbox.confirm(&mut engine.core, &mut engine.peers, out, device, receipt);
    if confirmed.set_back {
        // Our sessions are old too: they would take what we seal with them for something they know.
        links::repair(engine, out, device);
        engine.inbox.owe(&mut engine.core, device);
        // The secret of their queue may be newer than our disk: they get another. So may that of our addresses.
        choosing::tell_again(engine, out, device);
        finding::tell_again(engine, out, device);
    }
    routes::receipted(engine, device, before);
    if confirmed.items > 0 {
        engine.presence.links.progress(&mut engine.core, device);
        // Their mailboxes were emptied: what these were too full for may go.
        engine.deposits.resume(device);
        asking::reached(engine, out, device);
    } else {
        engine.deposits.emptied(engine.core.now, device);
    }
    let mut chat_of_last = None;
    let delivered = receipts::delivered(engine, rows, out, confirmed.delivered);
    let mut read = confirmed.read;
    // A group is not read in the order of the channel: it says so itself.
    read.retain(|(chat, _)| engine.chats.contact_of(chat).is_some());
    for (messages, state) in [(delivered, MessageState::Delivered), (read, MessageState::Read)] {
        for (chat, message) in messages {
            out.event(Event::MessageState { chat, message, state });
            chat_of_last = Some(chat);
        }
    }
    if let Some(chat) = chat_of_last {
        engine.chat_changed(out, &chat);
    }
    links::pump(engine, out, device);
}

fn take_text(
    engine: &mut Engine,
    out: &mut Output,
    place: (DeviceId, Position),
    contact: ContactId,
    sent_at: Timestamp,
    content: TextMessage,
) {
    match engine.contacts.state(&contact) {
        Some(ContactState::Accepted) => {}
        // We asked, and they write: they agreed, and we were set back to before we heard of it.
        Some(ContactState::Requested) => accepted(engine, out, &contact),
        _ => {
            engine.core.stats.bad_payloads += 1;
            return;
        }
    }
    let chat = ChatId::direct(&engine.devices.account, &contact);
    let (message, reply_to, text) = (content.message, content.reply_to, content.text.to_string());
    let entry = Entry::Direct;
    let new = NewMessage { content, outgoing: false, sent_at, places: vec![place], entry };
    let Some(stored) = engine.chats.store(&mut engine.core, out, &chat, new) else { return };
    out.event(Event::MessageReceived(MessageView {
        message,
        chat,
        index: stored.index,
        sender: contact,
        outgoing: false,
        kind: MessageKind::Text,
        text,
        reply_to,
        mentions: Vec::new(),
        mentions_all: false,
        sent_at,
        stored_at: engine.core.now,
        state: MessageState::Delivered,
        expires_at: stored.expires_at,
        receipts: None,
        copies: None,
    }));
    engine.chat_changed(out, &chat);
}

fn take_list(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    contact: &ContactId,
    list: &kith_proto::frame::DeviceListBytes,
) {
    if !matches!(engine.contacts.state(contact), Some(ContactState::Accepted | ContactState::Requested))
        && !engine.groups.is_fellow(contact)
    {
        return;
    }
    if engine.devices.learn_list(&mut engine.core, out, contact, list).is_err() {
        engine.core.stats.bad_proofs += 1;
        return;
    }
    let before = engine.peers.devices_of(contact);
    match_devices(engine, rows, out, contact);
    if engine.peers.devices_of(contact) != before {
        engine.keep_connected(out);
    }
}

/// Makes the devices that we talk to those of the contact's list. What waits for a device that is not there any more
/// goes to those that are: an account that was brought back by its phrase lives on another device.
pub(crate) fn match_devices(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, contact: &ContactId) {
    let listed = engine.devices.devices_of(contact);
    if listed.is_empty() {
        return;
    }
    let known = engine.peers.devices_of(contact);
    for device in listed.iter().filter(|device| !known.contains(device)) {
        if !may_belong(engine, device, contact) {
            continue;
        }
        bind_device(engine, rows, out, *device, *contact);
        engine.presence.want(&mut engine.core, device);
    }
    let mut moved = BTreeSet::new();
    for gone in known.into_iter().filter(|device| !listed.contains(device)) {
        let waiting = engine.outbox.texts_for(&gone);
        forget_device(engine, out, &gone);
        for (chat, text) in waiting.into_iter().filter(|(_, text)| moved.insert(text.message)) {
            let places = enqueue_text(engine, out, &listed, chat, &text);
            engine.chats.set_places(rows, out, &chat, &text.message, places);
        }
    }
    for device in &listed {
        links::pump(engine, out, device);
    }
}

/// Queues a text for devices. Returns its places in their channels.
pub(crate) fn enqueue_text(
    engine: &mut Engine,
    out: &mut Output,
    devices: &[DeviceId],
    chat: ChatId,
    text: &TextMessage,
) -> Vec<(DeviceId, Position)> {
    let carries = Some((chat, text.message));
    let mut places = Vec::with_capacity(devices.len());
    for device in devices {
        let contents = vec![Content::Text(text.clone())];
        let (core, peers) = (&mut engine.core, &mut engine.peers);
        places.push((*device, engine.outbox.enqueue(core, peers, out, device, contents, carries)));
    }
    places
}

/// Takes a device for a contact's. If another contact claimed it before, nothing that was meant for that one goes there.
pub(crate) fn bind_device(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: DeviceId,
    contact: ContactId,
) {
    if engine.peers.contact_of(&device).is_some_and(|owner| owner != contact) {
        for (chat, message) in engine.outbox.drop_device(&mut engine.core, out, &device) {
            engine.chats.set_places(rows, out, &chat, &message, Vec::new());
            out.event(Event::MessageState { chat, message, state: MessageState::Failed });
        }
        engine.inbox.drop_device(out, &device);
        engine.deposits.drop_device(engine.core.now, out, &device);
        finding::forget_device(engine, out, &device);
        engine.attempts.drop_device(&device);
        engine.sessions.drop_device(out, &device);
        engine.devices.forget_bundle(out, &device);
        engine.peers.remove(&device, out);
    }
    engine.peers.add(device, contact, out);
    registering::queues_changed(engine, out);
}

/// Whether a device may be taken for a contact's: nobody else's list, which the device itself has signed, has it.
pub(crate) fn may_belong(engine: &Engine, device: &DeviceId, contact: &ContactId) -> bool {
    let owner = engine.peers.contact_of(device).filter(|owner| owner != contact);
    owner.is_none_or(|owner| engine.devices.entry(&owner, device).is_none())
}

/// Drops everything that belongs to a device. Returns the messages that will not reach it.
pub(crate) fn forget_device(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    engine.outbox.drop_device(&mut engine.core, out, device);
    engine.inbox.drop_device(out, device);
    engine.deposits.drop_device(engine.core.now, out, device);
    finding::forget_device(engine, out, device);
    engine.attempts.drop_device(device);
    engine.cards.drop_device(device);
    engine.knocking.drop_device(device);
    engine.sessions.drop_device(out, device);
    engine.groups.forget_device(engine.core.now, out, device);
    engine.peers.remove(device, out);
    engine.presence.unwant(device);
    out.effect(Effect::HangUp { device: *device });
}

/// Both sides agree now: the chat opens, the profile goes, and what was written meanwhile follows.
pub(crate) fn accepted(engine: &mut Engine, out: &mut Output, contact: &ContactId) {
    let knocked = engine.contacts.get(contact).is_some_and(|row| row.knocks(contact));
    engine.contacts.set_state(out, contact, ContactState::Accepted);
    engine.strangers.forget(out, contact);
    engine.knocking.drop_account(contact);
    let chat = ChatId::direct(&engine.devices.account, contact);
    engine.chats.open(&engine.core, out, chat, With::Contact(*contact));
    send_acceptance(engine, out, contact);
    if knocked {
        // Now there is something to say on connections that were there all the time.
        engine.peers.devices_of(contact).iter().for_each(|device| links::greet(engine, out, device));
    }
    // When they connected there was nothing yet to say it in.
    links::tell_addresses(engine, out);
    registering::queues_changed(engine, out);
    reading::read_again(engine, out);
    engine.keep_connected(out);
    // They may have offered to be a mailbox before.
    engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now);
    contact_and_chat_changed(engine, out, contact);
}

/// They have confirmed more than they know of now, or ask what was answered: they are reminded once for each connection.
pub(crate) fn remind_once(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    if engine.presence.links.remind(device) {
        remind(engine, out, device);
    }
}

/// An old disk was put back there. They may have forgotten that we agreed, who we are and where.
pub(crate) fn remind(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let Some(contact) = engine.peers.contact_of(device) else { return };
    engine.peers.update(device, out, |row| row.told = Default::default());
    if engine.contacts.state(&contact) == Some(ContactState::Accepted) {
        send_acceptance(engine, out, &contact);
        choosing::tell_again(engine, out, device);
        finding::tell_again(engine, out, device);
    } else if engine.groups.is_fellow(&contact) {
        fellows::introduce(engine, out, device);
        choosing::tell_again(engine, out, device);
    }
}

/// Says that we agree, and who we are.
pub(crate) fn send_acceptance(engine: &mut Engine, out: &mut Output, contact: &ContactId) {
    for device in engine.peers.devices_of(contact) {
        // One is enough, however often they ask.
        if engine.outbox.is_waiting(&device, |content| matches!(content, Content::ContactAccept)) {
            continue;
        }
        let mut contents = vec![Content::ContactAccept, Content::Profile(engine.devices.profile.clone())];
        contents.extend(choosing::untold(engine, out, &device));
        contents.extend(finding::untold(engine, out, &device));
        engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, &device, contents, None);
        engine.presence.want(&mut engine.core, &device);
        links::pump(engine, out, &device);
    }
}

/// Publishes a contact and the chat with it.
pub(crate) fn contact_and_chat_changed(engine: &Engine, out: &mut Output, contact: &ContactId) {
    engine.contact_changed(out, contact);
    engine.chat_changed(out, &ChatId::direct(&engine.devices.account, contact));
}
