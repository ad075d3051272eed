//! Which nodes become own mailboxes: what the owner asks for, what contacts' devices offer, and mailboxes that close.
//!
//! Offers are taken from the devices of accepted contacts only. Anybody can say that they keep mail; whoever is no contact
//! could be a thousand faces of one, so strangers are used when the owner names them. Never this device itself: what it
//! keeps is away when it is.

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use kith_proto::payload::MAX_PLACES;

use crate::command::Answer;
use crate::command::Refusal;
use crate::engine::Engine;
use crate::mail;
use crate::mailboxes::WANTED;
use crate::output::Output;
use crate::timer::TimerKey;
use crate::view::ContactState;

/// The owner wants a mailbox.
pub(crate) fn add(engine: &mut Engine, out: &mut Output, node: &DeviceAddress) -> Result<Answer, Refusal> {
    if node.device == engine.devices.device() {
        return Err(Refusal::OwnMailbox);
    }
    let known = engine.mailboxes.get(&node.device).is_some();
    if !known && engine.mailboxes.all().count() >= MAX_PLACES {
        return Err(Refusal::TooMany);
    }
    let now = engine.core.now;
    if !engine.choices.say(now, out, node.device, Some(node.address.clone())) {
        return Err(Refusal::TooMany);
    }
    engine.mailboxes.begin(node);
    engine.askers.try_again();
    engine.core.timers.set_earlier(TimerKey::Mail, now);
    engine.network_changed(out);
    Ok(Answer::Done)
}

/// The owner does not want a mailbox any more. What is still in it is left to its senders, who have it until it has
/// arrived.
pub(crate) fn remove(engine: &mut Engine, out: &mut Output, device: &DeviceId) -> Result<Answer, Refusal> {
    if engine.mailboxes.get(device).is_none() && !engine.choices.is_wanted(device) {
        return Err(Refusal::UnknownMailbox);
    }
    engine.choices.say(engine.core.now, out, *device, None);
    mail::give_up(engine, out, device);
    engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now);
    Ok(Answer::Done)
}

/// Whether a node may become a mailbox without being asked for.
pub(crate) fn may_use(engine: &Engine, device: &DeviceId) -> bool {
    *device != engine.devices.device() && !engine.choices.is_unwanted(device)
}

/// A connected device offers to be a mailbox.
pub(crate) fn offered(engine: &mut Engine, device: DeviceId, addresses: Vec<Multiaddress>) {
    engine.choices.offered(device, addresses);
    engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now);
}

/// Takes what contacts offer while a mailbox is missing. Looked at again whenever mail is looked after, since a contact may
/// be accepted after its offer came.
pub(crate) fn take_offers(engine: &mut Engine) {
    if engine.mailboxes.all().count() >= WANTED {
        return;
    }
    for node in on_offer(engine) {
        engine.mailboxes.candidate(&node);
    }
}

/// The devices of contacts that may be asked for an inbox, each where others are likely to reach it.
pub(crate) fn on_offer(engine: &Engine) -> Vec<DeviceAddress> {
    let of_friend = |device: &DeviceId| {
        let contact = engine.peers.contact_of(device);
        contact.and_then(|contact| engine.contacts.state(&contact)) == Some(ContactState::Accepted)
    };
    let offers = engine.choices.offers().filter(|(device, _)| {
        of_friend(device) && may_use(engine, device) && engine.mailboxes.may_ask(device)
    });
    let place = |(device, public): (&DeviceId, &[Multiaddress])| {
        // Proven ones that anybody reaches; else what the contact told its friends.
        let told = || engine.peers.get(device).and_then(|row| row.addresses.first().cloned());
        let address = public.first().cloned().or_else(told)?;
        Some(DeviceAddress { device: *device, address })
    };
    offers.filter_map(place).collect()
}

/// A mailbox takes nothing any more: it is used until what it holds is here.
pub(crate) fn closing(engine: &mut Engine, out: &mut Output, mailbox: &DeviceId) {
    let Some(own) = engine.mailboxes.get_mut(mailbox) else { return };
    own.closing = true;
    if !own.accepted {
        engine.choices.forget(out, mailbox);
        return mail::give_up(engine, out, mailbox);
    }
    leave_if_empty(engine, out, mailbox);
}

/// Gives up a mailbox that is closing once nothing of ours is left in it.
pub(crate) fn leave_if_empty(engine: &mut Engine, out: &mut Output, mailbox: &DeviceId) {
    let closing =
        engine.mailboxes.get(mailbox).is_some_and(|own| own.closing && own.accepted && own.drained.is_some());
    if !closing {
        return;
    }
    let period = kith_crypto::mailbox::period_at(engine.core.now);
    let reading = engine.mailboxes.reading(mailbox, period);
    let empty = reading.to_fetch.is_empty() && reading.fetching.is_empty() && reading.to_delete.is_empty();
    if reading.caught_up && empty {
        engine.choices.forget(out, mailbox);
        mail::give_up(engine, out, mailbox);
    }
}

/// A mailbox that the owner wants does not open an inbox. It stays in the list, so that this is seen; others are let go.
pub(crate) fn refused(engine: &mut Engine, out: &mut Output, mailbox: &DeviceId) {
    if engine.choices.is_wanted(mailbox) {
        if let Some(own) = engine.mailboxes.get_mut(mailbox) {
            own.refused = true;
        }
        return engine.network_changed(out);
    }
    mail::give_up(engine, out, mailbox);
}
