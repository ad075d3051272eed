//! Carries out commands. Each either does all of what it says or is refused and changes nothing.

mod blocking;

use kith_crypto::invite;
use kith_crypto::record;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedStr;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::MessageId;
use kith_proto::invite::Invite;
use kith_proto::invite::InviteSecret;
use kith_proto::payload::ContactRequest;
use kith_proto::payload::Content;
use kith_proto::payload::MAX_GREETING_BYTES;
use kith_proto::payload::MAX_NAME_BYTES;
use kith_proto::payload::MAX_STATUS_BYTES;
use kith_proto::payload::MAX_TEXT_BYTES;
use kith_proto::payload::Profile;
use kith_proto::payload::Text;
use kith_proto::payload::TextMessage;
use kith_proto::rows::Rows;
use kith_proto::rows::Table;

use crate::calls;
use crate::cards;
use crate::chats::Chats;
use crate::chats::NewMessage;
use crate::choosing;
use crate::command::Answer;
use crate::command::Command;
use crate::command::Refusal;
use crate::contents;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::filters;
use crate::finding;
use crate::groups;
use crate::groups::fellows;
use crate::knocking;
use crate::links;
use crate::offers;
use crate::output::Output;
use crate::reading;
use crate::registering;
use crate::rows;
use crate::rows::ContactRow;
use crate::rows::groups::Entry;
use crate::rows::groups::With;
use crate::strangers;
use crate::timer::TimerKey;
use crate::view::ContactState;
use crate::view::MessageKind;
use crate::view::MessageState;
use crate::view::MessageView;

/// The most bootstrap nodes that are kept: a handful of communities.
const MAX_BOOTSTRAPS: usize = 32;

/// Carries out one command.
pub(crate) fn run(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    command: Command,
) -> Result<Answer, Refusal> {
    match command {
        Command::SetProfile { name, status } => set_profile(engine, out, name.as_deref(), status),
        Command::CreateInvite { uses, expires_secs } => {
            let addresses = engine.presence.invite_addresses(engine.devices.device());
            let (core, own) = (&mut engine.core, engine.devices.account);
            let made = engine.contacts.create_invite(core, out, own, &addresses, uses, expires_secs)?;
            registering::queues_changed(engine, out);
            cards::publish_cards(engine, out, 1);
            Ok(Answer::Invite(made))
        }
        Command::RevokeInvite { invite } => {
            engine.contacts.revoke_invite(engine.core.now, out, &invite)?;
            registering::queues_changed(engine, out);
            Ok(Answer::Done)
        }
        Command::AddContact { invite, greeting } => add_contact(engine, rows, out, &invite, greeting),
        Command::Knock { account, greeting } => knock(engine, out, account, greeting),
        Command::AllowKnocks { allowed } => {
            strangers::allow(engine, out, allowed);
            Ok(Answer::Done)
        }
        Command::AcceptContact { contact } => accept(engine, out, contact),
        Command::BlockContact { contact } => blocking::block(engine, rows, out, contact),
        Command::BlockAll { accounts } => blocking::block_all(engine, rows, out, &accounts),
        Command::SetFilters { filters } => filters::set(out, &filters).map(|()| Answer::Done),
        Command::UnblockContact { contact } => unblock(engine, out, contact),
        Command::RemoveContact { contact } => remove(engine, rows, out, contact),
        Command::VerifyContact { contact, verified } => {
            engine.contacts.get(&contact).ok_or(Refusal::UnknownContact)?;
            engine.contacts.set_verified(out, &contact, verified);
            contact_answer(engine, out, &contact)
        }
        Command::SendMessage { chat, text, reply_to, expires_secs } => {
            send_message(engine, rows, out, chat, (text, reply_to, expires_secs))
        }
        Command::MarkRead { chat, message } => mark_read(engine, rows, out, &chat, &message),
        Command::SaveDraft { chat, text } => {
            limit(&text, MAX_TEXT_BYTES)?;
            if !engine.chats.set_draft(out, &chat, text) {
                return Err(Refusal::UnknownChat);
            }
            engine.chat_changed(out, &chat);
            Ok(Answer::Done)
        }
        Command::AddMailbox { node, voucher } => offers::add(engine, out, &node, voucher),
        Command::RemoveMailbox { device } => offers::remove(engine, out, &device),
        Command::AddBootstrap { address } => add_bootstrap(engine, out, address),
        Command::RemoveBootstrap { address } => {
            if !engine.presence.remove_bootstrap(&address) {
                return Err(Refusal::UnknownBootstrap);
            }
            out.delete(rows::BOOTSTRAPS, address.as_bytes());
            out.effect(Effect::RemoveBootstrap { address });
            engine.network_changed(out);
            Ok(Answer::Done)
        }
        Command::StartCall { chat, media } => calls::commands::start(engine, rows, out, &chat, media),
        Command::AcceptCall { call, media } => calls::commands::accept(engine, rows, out, &call, media),
        Command::HangUp { call } => calls::commands::hang_up(engine, rows, out, &call),
        Command::SetCallMedia { call, change } => {
            calls::commands::set_media(engine, rows, out, &call, change)
        }
        Command::RaiseHand { call, raised } => calls::together::raise_hand(engine, rows, out, &call, raised),
        Command::MuteInCall { call, account } => calls::together::mute(engine, rows, out, &call, &account),
        Command::HideAddress { from } => calls::commands::hide_address(engine, out, from),
        Command::HideAddressFrom { contact, hide } => {
            calls::commands::hide_address_from(engine, out, contact, hide)
        }
        about_groups => groups::commands::run(engine, rows, out, about_groups),
    }
}

fn limit(text: &str, limit: usize) -> Result<(), Refusal> {
    if text.len() > limit { Err(Refusal::TooLong { limit }) } else { Ok(()) }
}

/// A text within its limit.
fn bounded<const MAX: usize>(text: String) -> Result<BoundedStr<MAX>, Refusal> {
    BoundedStr::new(text).ok_or(Refusal::TooLong { limit: MAX })
}

/// A name that shows something.
pub(crate) fn checked_name(name: &str) -> Result<BoundedStr<MAX_NAME_BYTES>, Refusal> {
    let name = name.trim();
    if !name.chars().any(|c| !c.is_whitespace() && !c.is_control()) {
        return Err(Refusal::EmptyName);
    }
    bounded(name.to_owned())
}

fn set_profile(
    engine: &mut Engine,
    out: &mut Output,
    name: Option<&str>,
    status: Option<String>,
) -> Result<Answer, Refusal> {
    let old = &engine.devices.profile;
    let profile = Profile {
        // A time, so that a profile set after going back to an old state is still the newest.
        version: old.version.saturating_add(1).max(engine.core.now.0),
        name: name.map(checked_name).transpose()?.unwrap_or_else(|| old.name.clone()),
        status: status.map(bounded::<MAX_STATUS_BYTES>).transpose()?.unwrap_or_else(|| old.status.clone()),
    };
    engine.devices.set_profile(profile.clone(), out);
    links::tell_everyone(engine, out, &Content::Profile(profile), |content| {
        matches!(content, Content::Profile(_))
    });
    let view = engine.profile_view();
    out.event(Event::ProfileChanged(view.clone()));
    Ok(Answer::Profile(view))
}

fn contact_answer(engine: &Engine, out: &mut Output, contact: &ContactId) -> Result<Answer, Refusal> {
    contents::contact_and_chat_changed(engine, out, contact);
    engine.contact_view(contact).map(Answer::Contact).ok_or(Refusal::UnknownContact)
}

fn add_contact(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    invite: &Invite,
    greeting: String,
) -> Result<Answer, Refusal> {
    let greeting = bounded::<MAX_GREETING_BYTES>(greeting)?;
    let own = engine.devices.account;
    if invite.account == own {
        return Err(Refusal::OwnInvite);
    }
    let device = invite.addresses.first().ok_or(Refusal::InviteUseless)?.device;
    if !contents::may_belong(engine, &device, &invite.account) {
        return Err(Refusal::InviteForged);
    }
    if engine.contacts.state(&invite.account) == Some(ContactState::Incoming) {
        // They asked already: this is the answer.
        return accept(engine, out, invite.account);
    }
    engine.contacts.ask(&engine.core, out, invite)?;
    engine.strangers.forget(out, &invite.account);
    engine.knocking.drop_account(&invite.account);
    contents::bind_device(engine, rows, out, device, invite.account);
    // What we had with this device they may have forgotten: the request goes with keys that they give now.
    engine.sessions.drop_device(out, &device);
    engine.devices.forget_bundle(out, &device);
    links::reseal(engine, out, &device);
    // The new request tells where our mailboxes are, and theirs may be others by now.
    engine.deposits.forget_told(&device, out);
    finding::forget_told(engine, out, &device);
    engine.deposits.forget_theirs(&device, out);
    for hint in invite.addresses.iter() {
        if hint.device == device {
            engine.peers.remember_address(&device, &hint.address, out);
        } else {
            out.effect(Effect::UseBootstrap { node: hint.clone() });
        }
    }
    ask(engine, out, &invite.account, &invite.secret, greeting);
    let chat = ChatId::direct(&own, &invite.account);
    engine.chats.open(&engine.core, out, chat, With::Contact(invite.account));
    engine.keep_connected(out);
    engine.presence.want(&mut engine.core, &device);
    if engine.presence.links.is_up(&device) {
        links::greet(engine, out, &device);
    }
    contact_answer(engine, out, &invite.account)
}

fn knock(
    engine: &mut Engine,
    out: &mut Output,
    account: AccountId,
    greeting: String,
) -> Result<Answer, Refusal> {
    let greeting = bounded::<MAX_GREETING_BYTES>(greeting)?;
    if account == engine.devices.account {
        return Err(Refusal::OwnAddress);
    }
    if record::knock_key(&account, 0).is_none() {
        return Err(Refusal::BadAddress);
    }
    let contact = engine.contacts.get(&account);
    let waits = contact.is_some_and(|row| row.invite.is_some());
    match contact.and_then(ContactRow::state) {
        // They asked already: this is the answer.
        Some(ContactState::Incoming) => return accept(engine, out, account),
        Some(ContactState::Accepted) => return Err(Refusal::AlreadyContact),
        Some(ContactState::Requested) if waits => return Err(Refusal::AlreadyAsked),
        _ => knocking::knock(engine, out, account, greeting)?,
    }
    contact_answer(engine, out, &account)
}

/// Queues a contact request for the devices that are known.
pub(crate) fn ask(
    engine: &mut Engine,
    out: &mut Output,
    contact: &ContactId,
    secret: &InviteSecret,
    greeting: BoundedStr<MAX_GREETING_BYTES>,
) {
    let own = engine.devices.account;
    let request = ContactRequest {
        account: own,
        device_list: engine.devices.own_list(),
        bundle: engine.devices.own_bundle_for_many(),
        invite: secret.id(),
        proof: invite::request_proof(secret, &own, contact),
        profile: engine.devices.profile.clone(),
        greeting,
    };
    for device in engine.peers.devices_of(contact) {
        // A newer one replaces an older one; what was written meanwhile stays.
        let mut contents = vec![Content::ContactRequest(Box::new(request.clone()))];
        contents.extend(choosing::untold(engine, out, &device));
        if !engine.is_knocking(&device) {
            contents.extend(finding::untold(engine, out, &device));
        }
        engine.outbox.enqueue_request(&mut engine.core, &mut engine.peers, out, &device, contents);
    }
}

fn accept(engine: &mut Engine, out: &mut Output, contact: ContactId) -> Result<Answer, Refusal> {
    match engine.contacts.state(&contact) {
        None => return Err(Refusal::UnknownContact),
        Some(ContactState::Incoming) => contents::accepted(engine, out, &contact),
        Some(_) => return Err(Refusal::NotRequested),
    }
    contact_answer(engine, out, &contact)
}

/// A request does not wait any more: there is room for another, which may have been left alone in a mailbox.
fn decided(engine: &mut Engine, out: &mut Output, before: ContactState) {
    if before == ContactState::Incoming {
        reading::read_again(engine, out);
    }
}

fn unblock(engine: &mut Engine, out: &mut Output, contact: ContactId) -> Result<Answer, Refusal> {
    match engine.contacts.state(&contact) {
        None => return Err(Refusal::UnknownContact),
        Some(ContactState::Blocked) => {}
        Some(_) => return contact_answer(engine, out, &contact),
    }
    // As it was before: a block must not make somebody a friend who never was one.
    match engine.contacts.before_block(&contact) {
        None => engine.contacts.unblock_fellow(out, &contact),
        Some(ContactState::Incoming) => engine.contacts.set_state(out, &contact, ContactState::Incoming),
        Some(ContactState::Requested) => {
            engine.contacts.set_state(out, &contact, ContactState::Requested);
            let row = engine.contacts.get(&contact).ok_or(Refusal::UnknownContact)?;
            let greeting = row.greeting.clone();
            if let Some(secret) = row.invite.as_ref().map(|secret| secret.0.clone()) {
                ask(engine, out, &contact, &secret, greeting);
                // If they are still looked for, that goes on.
                engine.core.timers.set(TimerKey::Knock, engine.core.now);
            }
        }
        _ => contents::accepted(engine, out, &contact),
    }
    for device in engine.peers.devices_of(&contact) {
        if !engine.is_knocking(&device) {
            engine.presence.want(&mut engine.core, &device);
        }
    }
    engine.keep_connected(out);
    registering::queues_changed(engine, out);
    contact_answer(engine, out, &contact)
}

fn remove(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    contact: ContactId,
) -> Result<Answer, Refusal> {
    let before = engine.contacts.state(&contact).ok_or(Refusal::UnknownContact)?;
    engine.strangers.turn_away(engine.core.now, out, &contact);
    forget(engine, rows, out, contact);
    decided(engine, out, before);
    Ok(Answer::Done)
}

/// Forgets a contact, their devices and the chat, and says so.
pub(crate) fn forget(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, contact: ContactId) {
    engine.knocking.drop_account(&contact);
    calls::taking::part(engine, rows, out, &contact);
    calls::commands::forget(engine, out, &contact);
    let devices = engine.peers.devices_of(&contact);
    engine.devices.forget(out, &contact, &devices);
    offers::part(engine, out, &devices);
    for device in devices {
        contents::forget_device(engine, out, &device);
    }
    let chat = ChatId::direct(&engine.devices.account, &contact);
    engine.chats.remove(rows, out, &chat);
    engine.contacts.remove(out, &contact);
    fellows::stay(engine, rows, out, &contact);
    engine.keep_connected(out);
    registering::queues_changed(engine, out);
    out.event(Event::ContactRemoved { contact, chat });
}

fn send_message(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    chat: ChatId,
    (text, reply_to, expires_secs): (String, Option<MessageId>, Option<u32>),
) -> Result<Answer, Refusal> {
    if let Some(With::Group(group)) = engine.chats.with(&chat) {
        return groups::commands::send_text(engine, rows, out, &group, (text, reply_to, expires_secs));
    }
    let contact = engine.chats.contact_of(&chat).ok_or(Refusal::UnknownChat)?;
    match engine.contacts.state(&contact) {
        // It would hold up what is said in common groups until they have decided.
        Some(ContactState::Requested) if engine.groups.is_fellow(&contact) => {
            return Err(Refusal::NotAnswered);
        }
        Some(ContactState::Accepted | ContactState::Requested) => {}
        Some(ContactState::Incoming) => return Err(Refusal::NotAccepted),
        Some(ContactState::Blocked) => return Err(Refusal::Blocked),
        None => return Err(Refusal::UnknownContact),
    }
    if text.trim().is_empty() {
        return Err(Refusal::EmptyMessage);
    }
    let text: Text = bounded(text)?;
    let devices = engine.peers.devices_of(&contact);
    if devices.is_empty() {
        // Only their address is known; nothing would bring it to a device that is found later.
        return Err(Refusal::NotFoundYet);
    }
    if devices.iter().any(|device| engine.outbox.waiting(device) >= engine.core.config.outbox_items) {
        return Err(Refusal::OutboxFull);
    }
    let message = MessageId(engine.core.random());
    let content = TextMessage { message, text: text.clone(), reply_to, expires_secs };
    let places = contents::enqueue_text(engine, out, &devices, chat, &content);
    let now = engine.core.now;
    let new = NewMessage { content, outgoing: true, sent_at: now, places, entry: Entry::Direct };
    let stored = engine.chats.store(&mut engine.core, out, &chat, new).ok_or(Refusal::UnknownChat)?;
    let view = MessageView {
        message,
        chat,
        index: stored.index,
        sender: engine.devices.account,
        outgoing: true,
        kind: MessageKind::Text,
        text: text.into_inner(),
        reply_to,
        mentions: Vec::new(),
        mentions_all: false,
        sent_at: now,
        stored_at: now,
        state: MessageState::Queued,
        expires_at: stored.expires_at,
        receipts: None,
        copies: None,
    };
    out.event(Event::MessageWritten(view.clone()));
    for device in &devices {
        links::pump(engine, out, device);
    }
    engine.chat_changed(out, &chat);
    Ok(Answer::Message(view))
}

fn mark_read(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    chat: &ChatId,
    message: &MessageId,
) -> Result<Answer, Refusal> {
    let with = engine.chats.with(chat).ok_or(Refusal::UnknownChat)?;
    let index = Chats::index_of(rows, out, chat, message).ok_or(Refusal::UnknownMessage)?;
    let read = engine.chats.mark_read(out, chat, index).ok_or(Refusal::UnknownChat)?;
    if read.is_empty() {
        return Ok(Answer::Done);
    }
    if let With::Group(group) = with {
        groups::receipts::shown(engine, out, &group, &read);
        engine.chat_changed(out, chat);
        return Ok(Answer::Done);
    }
    for unread in &read {
        let (device, position) = unread.place;
        engine.peers.update(&device, out, |row| row.read_here = row.read_here.max(position));
        engine.inbox.owe(&mut engine.core, &device);
    }
    engine.chat_changed(out, chat);
    Ok(Answer::Done)
}

fn add_bootstrap(engine: &mut Engine, out: &mut Output, address: String) -> Result<Answer, Refusal> {
    let known: BoundedBytes<512> =
        BoundedBytes::new(address.as_bytes().to_vec()).ok_or(Refusal::TooLong { limit: 512 })?;
    if engine.presence.bootstraps().len() >= MAX_BOOTSTRAPS {
        return Err(Refusal::TooMany);
    }
    if engine.presence.add_bootstrap(address.clone()) {
        const TABLE: Table = rows::BOOTSTRAPS;
        out.put(TABLE, &known, Vec::new());
        out.effect(Effect::AddBootstrap { address });
        engine.network_changed(out);
    }
    Ok(Answer::Done)
}
