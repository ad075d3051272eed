//! Which nodes may become own mailboxes beside community nodes: what the owner asks for, what contacts' devices offer, and
//! mailboxes that close.
//!
//! Offers are taken from the devices of accepted contacts only. Anybody can say that they keep mail; whoever is no contact
//! could be a thousand faces of one, so strangers are used when the owner names them. Never this device itself: what it
//! keeps is away when it is.
//!
//! Not here: which of them are used (`choosing`), the owner's words themselves (`choices`).

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::MAX_VOUCHER_BYTES;
use kith_proto::payload::MAX_PLACES;
use kith_proto::time::Span;

use crate::choosing;
use crate::command::Answer;
use crate::command::Refusal;
use crate::contacts::Contacts;
use crate::engine::Engine;
use crate::output::Output;
use crate::peers::Peers;
use crate::rows::Voucher;
use crate::timer::TimerKey;
use crate::view::ContactState;
use crate::view::MailboxRefusal;

/// A mailbox that takes nothing any more is not asked again for so long.
const CLOSED_FOR: Span = Span::from_days(7);

/// The owner wants a mailbox.
pub(crate) fn add(
    engine: &mut Engine,
    out: &mut Output,
    node: &DeviceAddress,
    voucher: Option<String>,
) -> Result<Answer, Refusal> {
    let voucher = voucher.map(|voucher| voucher.trim().as_bytes().to_vec()).filter(|bytes| !bytes.is_empty());
    let limit = MAX_VOUCHER_BYTES;
    let voucher = voucher.map(|bytes| Voucher::new(bytes).ok_or(Refusal::TooLong { limit })).transpose()?;
    if node.device == engine.devices.device() {
        return Err(Refusal::OwnMailbox);
    }
    let now = engine.core.now;
    let used = engine.mailboxes.is_used(&node.device);
    if !used && engine.mailboxes.used().count() >= MAX_PLACES {
        return Err(Refusal::TooMany);
    }
    let is_new = voucher.is_some() && engine.choices.voucher(&node.device) != voucher.as_ref();
    if !engine.choices.say(now, out, node.device, Some((node.address.clone(), voucher))) {
        return Err(Refusal::TooMany);
    }
    choosing::meet(engine, out, node);
    match engine.mailboxes.get_mut(&node.device).filter(|own| own.is_used()) {
        Some(own) if own.refuses || own.address != node.address || is_new => {
            own.refuses = false;
            // It is asked anew, on a new stream.
            choosing::close(engine, out, &node.device);
            if engine.mailboxes.move_to(now, out, node) {
                choosing::tell_everyone(engine, out);
            }
        }
        Some(_) => {}
        None => choosing::want(engine, out, node.clone()),
    }
    engine.askers.try_again(now, Some(&node.device));
    engine.core.timers.set_earlier(TimerKey::Mail, now);
    engine.network_changed(out);
    Ok(Answer::Done)
}

/// The owner does not want a mailbox any more. It is read for as long as it can hold something.
pub(crate) fn remove(engine: &mut Engine, out: &mut Output, device: &DeviceId) -> Result<Answer, Refusal> {
    let is_shown = engine.mailboxes.is_used(device) || engine.standing.refusal(device).is_some();
    if !is_shown && !engine.choices.is_wanted(device) {
        return Err(Refusal::UnknownMailbox);
    }
    engine.choices.say(engine.core.now, out, *device, None);
    choosing::give_up(engine, out, device);
    engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now);
    Ok(Answer::Done)
}

/// Whether a node may become a mailbox without being asked for.
pub(crate) fn may_use(engine: &Engine, device: &DeviceId) -> bool {
    *device != engine.devices.device() && !engine.choices.is_unwanted(device)
}

/// Whether it is the device of an accepted contact.
pub(crate) fn of_friend(peers: &Peers, contacts: &Contacts, device: &DeviceId) -> bool {
    let contact = peers.contact_of(device);
    contact.and_then(|contact| contacts.state(&contact)) == Some(ContactState::Accepted)
}

/// A connected device offers to be a mailbox.
pub(crate) fn offered(engine: &mut Engine, device: DeviceId, addresses: Vec<Multiaddress>) {
    let Engine { choices, contacts, peers, .. } = engine;
    choices.offered(device, addresses, |device| of_friend(peers, contacts, device));
    if of_friend(peers, contacts, &device) {
        engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now);
    }
}

/// Whoever has these devices is not to keep mail for us any more.
pub(crate) fn part(engine: &mut Engine, out: &mut Output, devices: &[DeviceId]) {
    for device in devices {
        engine.choices.forget(out, device);
        engine.choices.withdrawn(device);
        if engine.mailboxes.is_used(device) {
            choosing::give_up(engine, out, device);
        }
    }
}

/// The devices of contacts that may be asked for an inbox, each where others are likely to reach it. Looked at again
/// whenever mail is looked after, since a contact may be accepted after its offer came.
pub(crate) fn on_offer(engine: &Engine) -> Vec<DeviceAddress> {
    let Engine { choices, contacts, peers, .. } = engine;
    let offers = choices.offers().filter(|(device, _)| of_friend(peers, contacts, device));
    let place = |(device, public): (&DeviceId, &[Multiaddress])| {
        // Proven ones that anybody reaches; else what the contact told its friends.
        let told = || engine.peers.get(device).and_then(|row| row.addresses.first().cloned());
        let address = public.first().cloned().or_else(told)?;
        Some(DeviceAddress { device: *device, address })
    };
    offers.filter_map(place).collect()
}

/// A mailbox takes nothing any more: contacts hear of it at once, and it is read until what it holds is here.
pub(crate) fn closing(engine: &mut Engine, out: &mut Output, mailbox: &DeviceId) {
    let now = engine.core.now;
    let Some(own) = engine.mailboxes.get_mut(mailbox) else { return };
    own.closing = true;
    if own.is_used() {
        let (is_empty, drained) = (!own.may_hold, own.drained);
        engine.standing.refused(out, mailbox, now + CLOSED_FOR, MailboxRefusal::Closing);
        engine.choices.forget(out, mailbox);
        if is_empty {
            choosing::close(engine, out, mailbox);
        }
        engine.mailboxes.leave(now, out, mailbox);
        if let Some(own) = engine.mailboxes.get_mut(mailbox) {
            // What was read of the period before is read; nothing came since.
            own.drained = drained;
        }
        choosing::tell_everyone(engine, out);
        engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now);
        engine.network_changed(out);
    }
    forget_if_empty(engine, out, mailbox);
}

/// Forgets a mailbox that is closing once nothing of ours is left in it.
pub(crate) fn forget_if_empty(engine: &mut Engine, out: &mut Output, mailbox: &DeviceId) {
    let drained = |own: &crate::mailboxes::Own| own.closing && !own.is_used() && own.drained.is_some();
    if !engine.mailboxes.get(mailbox).is_some_and(drained) {
        return;
    }
    let period = kith_crypto::mailbox::period_at(engine.core.now);
    let reading = engine.mailboxes.reading(mailbox, period);
    let empty = reading.to_fetch.is_empty() && reading.fetching.is_empty() && reading.to_delete.is_empty();
    if reading.caught_up && empty {
        choosing::close(engine, out, mailbox);
        engine.mailboxes.forget(out, mailbox);
    }
}
