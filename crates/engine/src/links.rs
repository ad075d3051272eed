//! What happens on the connection to a device: greeting, sending what waits, receipts, probes, repair.

use kith_crypto::invite;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::frame::FRAME_VERSION;
use kith_proto::frame::Frame;
use kith_proto::frame::InviteProof;
use kith_proto::id::DeviceId;
use kith_proto::payload::Content;
use kith_proto::payload::Payload;
use kith_proto::rows::Rows;

use crate::calls;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::finding;
use crate::groups::mesh;
use crate::groups::taking;
use crate::groups::whereabouts;
use crate::inbox::Inbox;
use crate::leaving;
use crate::outbox::Next;
use crate::output::Output;
use crate::presence::PROBES_BEFORE_REPAIR;
use crate::routes;
use crate::view::ContactState;
use crate::view::MessageState;

/// A connection is up.
pub(crate) fn connected(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: DeviceId,
    dialled: Option<Multiaddress>,
) {
    if engine.peers.get(&device).is_none() {
        mesh::welcome(engine, rows, out, &device);
    }
    let contact = engine.peers.contact_of(&device);
    let state = contact.and_then(|contact| engine.contacts.state(&contact));
    match state {
        Some(ContactState::Blocked) => return out.effect(Effect::HangUp { device }),
        None if contact.is_none()
            && !engine.presence.is_bootstrap(&device)
            && engine.presence.links.strangers(|device| engine.peers.get(device).is_some())
                >= engine.core.config.strangers =>
        {
            return out.effect(Effect::HangUp { device });
        }
        _ => {}
    }
    engine.presence.connected(&mut engine.core, &device);
    whereabouts::connected(engine, &device);
    engine.outbox.rewind(&device);
    let Some(contact) = contact else { return };
    if let Some(address) = dialled {
        engine.peers.remember_address(&device, &address, out);
    }
    greet(engine, out, &device);
    engine.contact_changed(out, &contact);
    engine.network_changed(out);
}

/// The stream is gone, and the connection is not.
pub(crate) fn stream_closed(engine: &mut Engine, device: &DeviceId) {
    routes::broken(engine, device);
    engine.presence.links.stream_closed(&mut engine.core, device);
    engine.outbox.rewind(device);
    engine.groups.disconnected(&mut engine.core, device);
}

/// The connection is gone.
pub(crate) fn disconnected(engine: &mut Engine, out: &mut Output, device: DeviceId) {
    routes::broken(engine, &device);
    engine.outbox.rewind(&device);
    if !engine.presence.disconnected(&mut engine.core, &device) {
        return;
    }
    engine.groups.disconnected(&mut engine.core, &device);
    mesh::stir(engine);
    leaving::said_until_now(engine, out, &device);
    leaving::consider(engine, &device);
    if let Some(contact) = engine.peers.contact_of(&device) {
        engine.contact_changed(out, &contact);
        engine.network_changed(out);
    }
}

/// A device is reached in another way now.
pub(crate) fn path(engine: &mut Engine, out: &mut Output, device: &DeviceId, relayed: bool) {
    if !engine.presence.links.set_relayed(device, relayed) {
        return;
    }
    let Some(row) = engine.peers.get(device) else { return };
    if relayed {
        // The relay was faster, or they dialled: one of the other addresses may still be a way.
        out.effect(Effect::Dial { device: *device, addresses: row.addresses.to_vec() });
    }
    let contact = row.contact;
    engine.contact_changed(out, &contact);
}

/// Addresses of a device came from the DHT, signed by the device.
pub(crate) fn heard_of(engine: &mut Engine, out: &mut Output, device: &DeviceId, addresses: &[Multiaddress]) {
    let Some(row) = engine.peers.get(device) else { return };
    if !engine.presence.links.is_up(device) {
        let is_news = addresses.iter().any(|address| !row.addresses.contains(address));
        engine.peers.learn_addresses(device, addresses, out);
        if is_news {
            // At once, however short ago old ones were dialled.
            out.effect(Effect::Dial { device: *device, addresses: addresses.to_vec() });
        } else {
            engine.presence.dial_now(&mut engine.core, device);
        }
    } else if engine.presence.links.is_relayed(device) {
        told_addresses(engine, out, device, addresses);
    }
}

/// A device tells where it is. If only a relay leads to it, one of the addresses may be a better way.
pub(crate) fn told_addresses(
    engine: &mut Engine,
    out: &mut Output,
    device: &DeviceId,
    addresses: &[Multiaddress],
) {
    engine.peers.learn_addresses(device, addresses, out);
    if engine.presence.links.is_relayed(device) {
        out.effect(Effect::Dial { device: *device, addresses: addresses.to_vec() });
    }
}

/// Tells the connected devices of contacts where this device is, if they heard otherwise.
pub(crate) fn tell_addresses(engine: &mut Engine, out: &mut Output) {
    for device in engine.presence.links.ready_devices() {
        if let Some(content) = untold_addresses(engine, &device) {
            say_addresses(engine, out, &device, vec![content]);
        }
    }
}

/// The own addresses, unless the device was told the same or there are none.
fn untold_addresses(engine: &Engine, device: &DeviceId) -> Option<Content> {
    // Nothing for somebody whom the person has not let in.
    opening_only(engine, device)?;
    let own = engine.presence.own_addresses();
    let told = engine.peers.get(device)?.told;
    (told != address_tag(&own) && !own.is_empty()).then_some(Content::Addresses(own))
}

/// Says something, perhaps own addresses, and notes that they were told.
fn say_addresses(engine: &mut Engine, out: &mut Output, device: &DeviceId, contents: Vec<Content>) {
    let tag = contents.iter().find_map(|content| match content {
        Content::Addresses(own) => Some(address_tag(own)),
        _ => None,
    });
    if say(engine, out, device, contents)
        && let Some(tag) = tag
    {
        engine.peers.update(device, out, |row| row.told = tag);
    }
}

/// Opens the conversation on a new stream: `Hello`, what they should know first, `Ready`.
pub(crate) fn greet(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    // Whoever is asked by a stranger does not know them yet: there is nothing to say on a connection.
    if !engine.presence.links.is_up(device) || engine.is_knocking(device) {
        return;
    }
    engine.presence.links.greeted(device);
    engine.outbox.rewind(device);
    out.effect(Effect::Send { device: *device, frame: Frame::Hello { version: FRAME_VERSION } });
    resume(engine, out, device);
}

/// Says how far we are and where we are, then `Ready`.
pub(crate) fn resume(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    if engine.is_knocking(device) {
        return;
    }
    // Also when nothing was taken yet: they may know better, and then we were set back.
    let mut contents = vec![Content::Receipt(Inbox::receipt(&engine.peers, device))];
    contents.extend(untold_addresses(engine, device));
    contents.extend(finding::said(engine, device));
    say_addresses(engine, out, device, contents);
    out.effect(Effect::Send { device: *device, frame: Frame::Ready });
    pump(engine, out, device);
}

fn address_tag(addresses: &[Multiaddress]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    for address in addresses {
        hasher.update(address.as_bytes());
        hasher.update(&[0]);
    }
    let mut tag = [0; 8];
    hasher.finalize_xof().fill(&mut tag);
    tag
}

/// Puts something on the stream that is not kept: it is said again when it matters. Returns whether it could be.
pub(crate) fn say(engine: &mut Engine, out: &mut Output, device: &DeviceId, contents: Vec<Content>) -> bool {
    let sent_at = engine.core.now;
    let contents = BoundedVec::truncated(contents);
    let payload = Payload { position: 0, previous: 0, floor: 0, sent_at, contents };
    let Some(envelope) = engine.sessions.seal(&mut engine.core, out, device, &payload.to_bytes()) else {
        return false;
    };
    out.effect(Effect::Send { device: *device, frame: Frame::Put(envelope) });
    true
}

fn say_receipt(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let receipt = Inbox::receipt(&engine.peers, device);
    say(engine, out, device, vec![Content::Receipt(receipt)]);
}

/// Their `Ready` came: whatever is not confirmed goes, in order.
pub(crate) fn ready(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, device: &DeviceId) {
    if !engine.presence.set_ready(device) {
        return;
    }
    engine.outbox.rewind(device);
    pump(engine, out, device);
    taking::ready(engine, out, device);
    calls::taking::ready(engine, rows, out, device);
}

/// Whether only a contact request may go to a device, or everything; `None` when nothing may.
pub(crate) fn opening_only(engine: &Engine, device: &DeviceId) -> Option<bool> {
    let contact = engine.peers.contact_of(device)?;
    match engine.contacts.state(&contact) {
        Some(ContactState::Accepted) => Some(false),
        Some(ContactState::Blocked) => None,
        Some(_) if engine.groups.is_fellow(&contact) => Some(false),
        Some(ContactState::Requested) => Some(true),
        Some(ContactState::Incoming) => None,
        // Somebody of a group, or who asks to come into one; they are forgotten when that is over.
        None => engine.contacts.get(&contact).map(|_| false),
    }
}

/// Puts as much on the stream as the window holds.
pub(crate) fn pump(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let Some(opening_only) = opening_only(engine, device) else { return };
    if !engine.outbox.unconfirmed(device, opening_only) {
        return;
    }
    leaving::consider(engine, device);
    if engine.is_knocking(device) {
        return;
    }
    // Whatever is missing to send it, an answer to our greeting or their prekeys, may have been lost on the way.
    engine.presence.links.expect_answer(&mut engine.core, device);
    if !engine.presence.links.is_ready(device) || !ensure_session(engine, out, device) {
        return;
    }
    let mut sent = false;
    while let Some(next) = engine.outbox.next(&engine.core, device, opening_only) {
        let envelope = match next {
            Next::Sealed(envelope) => envelope,
            Next::Unsealed(payload) => {
                match engine.sessions.seal(&mut engine.core, out, device, &payload.to_bytes()) {
                    Some(envelope) => envelope,
                    None => break,
                }
            }
        };
        let first = engine.outbox.mark_sent(&mut engine.core, &mut engine.peers, out, device, &envelope);
        if let Some((chat, message)) = first {
            out.event(Event::MessageState { chat, message, state: MessageState::Sent });
        }
        out.effect(Effect::Send { device: *device, frame: Frame::Put(envelope) });
        sent = true;
    }
    if sent {
        routes::sent(engine, device);
    }
}

/// Seals an item for a device, with a session that is there or can be started.
pub(crate) fn seal_for(
    engine: &mut Engine,
    out: &mut Output,
    device: &DeviceId,
    payload: &Payload,
) -> Option<Envelope> {
    if !ensure_session(engine, out, device) {
        return None;
    }
    engine.sessions.seal(&mut engine.core, out, device, &payload.to_bytes())
}

/// Another session is used with a device from now on: whatever it has not confirmed goes again, sealed anew.
pub(crate) fn reseal(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    engine.outbox.reseal(device);
    engine.deposits.begin_again(device, out);
}

/// Makes sure that something can be sealed for a device; asks it for prekeys when we have none.
fn ensure_session(engine: &mut Engine, out: &mut Output, device: &DeviceId) -> bool {
    if engine.sessions.has(device) {
        return true;
    }
    let Some(contact) = engine.peers.contact_of(device) else { return false };
    if engine.sessions.start(&mut engine.core, out, &engine.devices, &contact, device) {
        return true;
    }
    ask_prekeys(engine, out, device);
    false
}

/// Asks a device for its prekeys, with the proof of the invite that led to it.
pub(crate) fn ask_prekeys(engine: &Engine, out: &mut Output, device: &DeviceId) {
    let contact = engine.peers.contact_of(device);
    let row = contact.and_then(|contact| engine.contacts.get(&contact));
    let secret = row.and_then(|row| row.invite.as_ref());
    if secret.is_none() && row.is_some_and(|row| row.state() == Some(ContactState::Requested)) {
        // They refused the invite that we had; without another there is nothing to ask for.
        return;
    }
    let invite = secret.map(|secret| InviteProof {
        invite: secret.0.id(),
        mac: invite::prekey_proof(&secret.0, &engine.devices.device(), device),
    });
    out.effect(Effect::Send { device: *device, frame: Frame::PrekeyRequest { invite } });
}

/// A device cannot be understood: start a new session, or ask for what is needed to start one.
pub(crate) fn repair(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let Some(contact) = engine.peers.contact_of(device) else { return };
    if !engine.sessions.may_be_repaired(engine.core.now, device) {
        return;
    }
    if engine.devices.bundle(&contact, device).is_none() {
        return ask_prekeys(engine, out, device);
    }
    let tried = engine.sessions.was_repaired(device);
    if engine.sessions.repair(&mut engine.core, out, &engine.devices, &contact, device) {
        reseal(engine, out, device);
        say_receipt(engine, out, device);
        if !engine.presence.links.is_up(device) {
            leaving::owe_receipt(engine, device);
        }
        pump(engine, out, device);
        if tried {
            // Still not understood: the prekeys that we know may be gone on their side.
            ask_prekeys(engine, out, device);
        }
    }
}

/// What waits is not confirmed: compare notes, and after some tries seal it anew.
pub(crate) fn probe(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let waits = opening_only(engine, device).is_some_and(|only| engine.outbox.unconfirmed(device, only));
    if !waits || engine.is_knocking(device) {
        return;
    }
    let Some(before) = engine.presence.links.probe(device) else { return };
    engine.presence.links.expect_answer(&mut engine.core, device);
    if before > 0 && before % PROBES_BEFORE_REPAIR == 0 {
        repair(engine, out, device);
    }
    greet(engine, out, device);
}

/// Sends the receipts that this batch of inputs made due: one for each device, whatever number of messages came.
pub(crate) fn send_receipts(engine: &mut Engine, out: &mut Output) {
    for device in engine.inbox.take_owed() {
        // A device that is not connected hears it when it greets.
        if engine.presence.links.is_up(&device) {
            say_receipt(engine, out, &device);
        } else {
            leaving::owe_receipt(engine, &device);
        }
    }
}

/// Tells all contacts about new prekeys.
pub(crate) fn tell_prekeys(engine: &mut Engine, out: &mut Output) {
    let bundle = engine.devices.own_bundle_for_many();
    tell_everyone(engine, out, &Content::Prekeys(bundle), |content| matches!(content, Content::Prekeys(_)));
}

/// The devices of accepted contacts, and of those with whom we are in groups.
pub(crate) fn confidants(engine: &Engine) -> Vec<DeviceId> {
    let fellows = engine.groups.fellows();
    let hears = |contact| match engine.contacts.state(contact) {
        Some(ContactState::Accepted) => true,
        Some(ContactState::Blocked) => false,
        _ => fellows.contains(contact),
    };
    engine.peers.all().filter(|(_, row)| hears(&row.contact)).map(|(device, _)| *device).collect()
}

/// Queues a content for every device of every accepted contact and fellow, unless one of its kind waits already.
pub(crate) fn tell_everyone(
    engine: &mut Engine,
    out: &mut Output,
    content: &Content,
    same: impl Fn(&Content) -> bool,
) {
    for device in confidants(engine) {
        if !engine.outbox.replace_waiting(&mut engine.peers, out, &device, content, &same) {
            engine.outbox.enqueue(
                &mut engine.core,
                &mut engine.peers,
                out,
                &device,
                vec![content.clone()],
                None,
            );
        }
        pump(engine, out, &device);
    }
}
