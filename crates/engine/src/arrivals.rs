//! What comes in on a direct stream: frames, and the way of an envelope from the stream to its contents.
//!
//! ```text
//!  Put(envelope) ─▶ open on a copy ─▶ decode ─▶ known sender, or a valid introduction? ─▶ in order? ─▶ adopt ─▶ contents
//!                      │ no                        │ no                                      │ no room
//!                      ▼                           ▼                                         ▼
//!              repair (contact) or score      counted, scored                      not adopted: they send it again
//! ```

use kith_crypto::identity::SignedDeviceList;
use kith_crypto::invite;
use kith_proto::codec::Decode as _;
use kith_proto::envelope::Envelope;
use kith_proto::frame::BundleBytes;
use kith_proto::frame::DeviceListBytes;
use kith_proto::frame::Frame;
use kith_proto::frame::InviteProof;
use kith_proto::group::word::GroupWord;
use kith_proto::id::AccountId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::InviteId;
use kith_proto::invite::InviteSecret;
use kith_proto::payload::ContactRequest;
use kith_proto::payload::Content;
use kith_proto::payload::Payload;
use kith_proto::rows::Rows;

use crate::contacts::NotLetIn;
use crate::contacts::Refused;
use crate::contents;
use crate::effect::Effect;
use crate::effect::Misbehaviour;
use crate::engine::Engine;
use crate::event::Event;
use crate::groups::asking;
use crate::groups::hosts;
use crate::groups::joining;
use crate::groups::taking;
use crate::inbox::Taken;
use crate::leaving;
use crate::links;
use crate::output::Output;
use crate::presence::Greeting;
use crate::reading;
use crate::sessions::Introduction;
use crate::sessions::NotOpened;
use crate::strangers;
use crate::view::ContactState;

/// A frame came in.
pub(crate) fn frame(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, device: DeviceId, frame: Frame) {
    let contact = engine.peers.contact_of(&device);
    let state = contact.and_then(|contact| engine.contacts.state(&contact));
    match state {
        Some(ContactState::Blocked) => return,
        None if contact.is_none() => engine.core.stats.stranger_frames += 1,
        None => {}
        Some(_) => {}
    }
    let fellow = contact.is_some_and(|contact| engine.groups.is_fellow(&contact));
    let friend = fellow || matches!(state, Some(ContactState::Accepted | ContactState::Requested));
    let now = engine.core.now;
    let allowed = match frame {
        Frame::Put(_) if friend => engine.presence.links.may_try(now, &device),
        _ => engine.presence.links.may_ask(now, &device),
    };
    if !allowed {
        engine.core.stats.floods += 1;
        return out.effect(Effect::Misbehaved { device, why: Misbehaviour::Flood });
    }
    match frame {
        Frame::Hello { .. } => match engine.presence.links.hello(&device) {
            Greeting::Full => links::greet(engine, out, &device),
            Greeting::Again => links::resume(engine, out, &device),
            Greeting::Said => {}
        },
        Frame::Ready => links::ready(engine, rows, out, &device),
        Frame::Put(envelope) => {
            put(engine, rows, out, &device, &envelope, Came::Live);
        }
        Frame::PrekeyRequest { invite } => give_prekeys(engine, out, device, contact, invite.as_ref()),
        Frame::Prekeys { device_list, bundle } => {
            if let Some(contact) = contact {
                take_prekeys(engine, rows, out, &device, contact, &device_list, &bundle);
            }
        }
        Frame::PrekeysRefused => {
            let Some(contact) = contact else { return };
            match engine.contacts.refused(out, &contact) {
                Refused::NotAsked => asking::unknown_to(engine, out, &device),
                Refused::AskAgain => links::ask_prekeys(engine, out, &device),
                Refused::ForGood => engine.contact_changed(out, &contact),
            }
        }
    }
}

/// Answers who may have our prekeys: contacts, and whoever holds an open invite.
fn give_prekeys(
    engine: &mut Engine,
    out: &mut Output,
    device: DeviceId,
    contact: Option<ContactId>,
    proof: Option<&InviteProof>,
) {
    let own_device = engine.devices.device();
    let holds = |proof: &InviteProof, secret: &InviteSecret| {
        let expected = invite::prekey_proof(secret, &device, &own_device);
        invite::proofs_equal(&expected, &proof.mac)
    };
    // One-time prekeys are not for everybody who knows the address, or holds a link that goes round: they would be used up.
    let by_link =
        proof.and_then(|proof| hosts::open_link(engine, &proof.invite).map(|secret| (proof, secret)));
    let by_link = by_link.is_some_and(|(proof, secret)| holds(proof, &secret));
    let by_invite = proof.and_then(|proof| open_secret(engine, &proof.invite).map(|secret| (proof, secret)));
    let by_invite = by_invite.is_some_and(|(proof, secret)| holds(proof, &secret));
    let knocks = proof.is_some_and(|proof| engine.strangers.is_knock(&proof.invite));
    let invited = by_invite || by_link;
    let frame = if by_invite && !knocks {
        Frame::Prekeys {
            device_list: engine.devices.own_list(),
            bundle: engine.devices.own_bundle(&mut engine.core, out),
        }
    } else if invited || contact.is_some() {
        Frame::Prekeys {
            device_list: engine.devices.own_list(),
            bundle: engine.devices.own_bundle_for_many(),
        }
    } else {
        if proof.is_some() {
            engine.core.stats.bad_proofs += 1;
            out.effect(Effect::Misbehaved { device, why: Misbehaviour::BadProof });
        }
        Frame::PrekeysRefused
    };
    out.effect(Effect::Send { device, frame });
}

/// The secret behind what somebody names who asks: an open invite, or our address if strangers may knock.
fn open_secret(engine: &Engine, invite: &InviteId) -> Option<InviteSecret> {
    if engine.strangers.is_knock(invite) {
        return engine.strangers.open_secret();
    }
    engine.contacts.open_invite(engine.core.now, invite)
}

/// Takes the prekeys we asked for.
fn take_prekeys(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    contact: ContactId,
    list: &DeviceListBytes,
    bundle: &BundleBytes,
) {
    let learned = engine.devices.learn_list(&mut engine.core, out, &contact, list);
    let learned =
        learned.and_then(|()| engine.devices.learn_bundle(&engine.core, out, &contact, device, bundle));
    let Ok(newer) = learned else {
        engine.core.stats.bad_proofs += 1;
        return out.effect(Effect::Misbehaved { device: *device, why: Misbehaviour::BadProof });
    };
    contents::match_devices(engine, rows, out, &contact);
    if engine.sessions.has(device) {
        if newer {
            engine.sessions.may_repair(device);
        }
        links::repair(engine, out, device);
    } else {
        links::pump(engine, out, device);
    }
}

/// An envelope of a device was found in a mailbox. Returns whether it may be deleted there: it is taken, or nothing will
/// ever come of it. `work_bits`: how much work was done to leave it there.
pub(crate) fn mail(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    envelope: &Envelope,
    work_bits: u8,
) -> bool {
    let state = engine.peers.contact_of(device).and_then(|contact| engine.contacts.state(&contact));
    if state == Some(ContactState::Blocked) {
        return true;
    }
    let before = out.effects.len();
    let done = put(engine, rows, out, device, envelope, Came::ByMail { work_bits });
    if done == Done::Again {
        // It was sealed anew, so our receipt is not there: lost on its way, or undone by a crash.
        leaving::receipt_is_lost(engine, out, device);
    }
    // Once it is deleted in the mailbox, nobody says it again.
    engine.core.only_receipts = false;
    // Whoever left it is not proved to be the device that it names: nobody is scored for mail.
    let effects = out.effects.split_off(before);
    out.effects.extend(effects.into_iter().filter(|effect| !matches!(effect, Effect::Misbehaved { .. })));
    done != Done::NotYet
}

/// How an envelope came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// On a connection.
    Live,
    /// By mailbox.
    ByMail {
        /// How much work was done to leave it there.
        work_bits: u8,
    },
}

/// What became of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    /// It is taken, or nothing will ever come of it.
    Yes,
    /// What it holds had been taken before.
    Again,
    /// It has to come again.
    NotYet,
}

/// An envelope of a device came in.
fn put(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    envelope: &Envelope,
    came: Came,
) -> Done {
    let live = came == Came::Live;
    let opened = match engine.sessions.open(&mut engine.core, &engine.devices, device, envelope) {
        Ok(opened) => opened,
        Err(NotOpened::Duplicate) => {
            engine.core.stats.duplicate_envelopes += 1;
            if engine.peers.get(device).is_some() {
                engine.inbox.owe(&mut engine.core, device);
            }
            return Done::Yes;
        }
        Err(NotOpened::Unreadable) => {
            unreadable(engine, out, device);
            return Done::Yes;
        }
    };
    let Ok(payload) = Payload::from_bytes(&opened.payload) else {
        engine.core.stats.bad_payloads += 1;
        out.effect(Effect::Misbehaved { device: *device, why: Misbehaviour::BadPayload });
        return Done::Yes;
    };
    engine.core.only_receipts = opened.introduction.is_none()
        && payload.position == 0
        && payload.contents.iter().all(|content| matches!(content, Content::Receipt(_)));
    if live && engine.core.only_receipts && engine.peers.get(device).is_some() {
        // A receipt is never kept: it was sealed just now.
        engine.clocks.said(engine.core.now, device, payload.sent_at);
    }
    let mut welcome = None;
    if let Some(introduction) = opened.introduction {
        match introduce(engine, rows, out, device, introduction, &payload, came) {
            Ok(admitted) => welcome = admitted,
            Err(NotBelieved::Forged) => {
                engine.core.stats.bad_proofs += 1;
                out.effect(Effect::Misbehaved { device: *device, why: Misbehaviour::BadProof });
                return Done::Yes;
            }
            Err(NotBelieved::NotLetIn(why)) => {
                engine.core.stats.not_let_in += 1;
                // Room may come: by mail it stays where it is until the owner has decided about others.
                return if why == NotLetIn::Full { Done::NotYet } else { Done::Yes };
            }
        }
    }
    let undecided = engine.peers.contact_of(device).and_then(|contact| engine.contacts.state(&contact));
    if undecided == Some(ContactState::Incoming)
        && payload.contents.iter().any(|content| matches!(content, Content::Text(_)))
    {
        // Not taken before the person has decided, and so not confirmed: it comes again.
        engine.core.stats.undecided += 1;
        return Done::NotYet;
    }
    let asks_again = welcome.is_none() && payload.contents.iter().any(Content::is_request);
    let in_channel = payload.position != 0;
    let taken = take(engine, out, device, payload, undecided);
    if taken == Taken::Full {
        engine.inbox.left_alone.extend((!live).then_some(*device));
        return Done::NotYet;
    }
    if engine.sessions.adopt(&mut engine.core, out, &mut engine.devices, device, opened) {
        links::reseal(engine, out, device);
        links::pump(engine, out, device);
    }
    if let Some(Admitted { account, before }) = welcome {
        greet_asker(engine, out, (device, &account), before);
    }
    let done = match taken {
        Taken::Now(payloads) => {
            payloads.into_iter().for_each(|payload| contents::take(engine, rows, out, device, payload, live));
            taking::say_what_is_unsaid(engine, out, device);
            is_filled(engine, out, device, in_channel);
            Done::Yes
        }
        Taken::Again => Done::Again,
        Taken::Held | Taken::Full => Done::Yes,
    };
    if asks_again {
        // After it was taken: it says where they read the answer.
        asked_again(engine, out, device, live);
    }
    done
}

/// Takes a payload at its place in the channel, or keeps it until what is before it is there.
fn take(
    engine: &mut Engine,
    out: &mut Output,
    device: &DeviceId,
    payload: Payload,
    undecided: Option<ContactState>,
) -> Taken {
    if payload.position == 0 {
        return Taken::Now(vec![payload]);
    }
    // Nothing is kept for later from somebody whom the person has not let in.
    let may_hold = undecided != Some(ContactState::Incoming)
        || engine.peers.contact_of(device).is_some_and(|contact| engine.groups.is_fellow(&contact));
    engine.inbox.take(&mut engine.core, &mut engine.peers, out, device, payload, may_hold)
}

/// Something of a device's channel was taken. What was left alone in mailboxes because too much waited for it is listed again.
fn is_filled(engine: &mut Engine, out: &mut Output, device: &DeviceId, in_channel: bool) {
    if in_channel && engine.inbox.left_alone.remove(device) {
        reading::read_again(engine, out);
    }
}

/// Somebody asks with whom a session goes on, and so does not introduce themselves: they have forgotten that we agreed, or both asked.
fn asked_again(engine: &mut Engine, out: &mut Output, device: &DeviceId, live: bool) {
    let Some(contact) = engine.peers.contact_of(device) else { return };
    match engine.contacts.state(&contact) {
        Some(ContactState::Requested) => contents::accepted(engine, out, &contact),
        Some(ContactState::Accepted) if live => contents::remind_once(engine, out, device),
        Some(ContactState::Accepted) => contents::remind(engine, out, device),
        _ => {}
    }
}

/// Somebody whose request was let in.
struct Admitted {
    account: AccountId,
    /// How they stood to us before.
    before: Option<ContactState>,
}

/// Answers a request that was let in: the person decides, or has decided already.
fn greet_asker(
    engine: &mut Engine,
    out: &mut Output,
    (device, account): (&DeviceId, &AccountId),
    before: Option<ContactState>,
) {
    match before {
        None => {
            if let Some(view) = engine.contact_view(account) {
                out.event(Event::ContactRequested(view));
            }
        }
        Some(ContactState::Requested) => contents::accepted(engine, out, account),
        // They have forgotten that: also where our mailboxes are, without which they answer nothing.
        Some(ContactState::Accepted) => contents::remind(engine, out, device),
        Some(_) => {}
    }
}

/// Nothing here opens it. From a contact that means one of us lost state; from a stranger it is noise.
fn unreadable(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    engine.core.stats.unopenable += 1;
    if engine.peers.get(device).is_some() {
        engine.presence.links.tried_in_vain(device);
        links::repair(engine, out, device);
    } else {
        out.effect(Effect::Misbehaved { device: *device, why: Misbehaviour::UnopenableEnvelope });
    }
}

/// Why a first envelope is not taken.
enum NotBelieved {
    /// It is not what it says.
    Forged,
    /// It is, and is not wanted or has no room.
    NotLetIn(NotLetIn),
}

/// Checks who a first envelope is from. The handshake proved that the sender holds `identity`; the signed device list
/// must say that `identity` is this device's and the device the account's. Returns who was let in when it carries a
/// request.
fn introduce(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    introduction: Introduction,
    payload: &Payload,
    came: Came,
) -> Result<Option<Admitted>, NotBelieved> {
    let Introduction { account, identity } = introduction;
    let request = payload.contents.iter().find_map(|content| match content {
        Content::ContactRequest(request) if request.account == account => Some(&**request),
        _ => None,
    });
    let joins = payload.contents.iter().find_map(|content| match content {
        Content::Group(GroupWord::Join(join)) => Some(&**join),
        _ => None,
    });
    // A device that another contact only claimed to have is nobody's.
    let known = engine.peers.contact_of(device);
    let known = known.filter(|owner| *owner == account || !contents::may_belong(engine, device, &account));
    match (known, request) {
        (Some(contact), _) if contact != account => Err(NotBelieved::Forged),
        (_, Some(request)) => {
            // Everything is checked before anything is kept: otherwise a stranger could fill the disk with lists.
            let shown = check(engine, device, introduction, request).ok_or(NotBelieved::Forged)?;
            admit(engine, rows, out, device, (request, shown), came).map(Some)
        }
        (None, None) if joins.is_some() => joins
            .is_some_and(|join| joining::introduce(engine, rows, out, device, introduction, join))
            .then_some(None)
            .ok_or(NotBelieved::Forged),
        (Some(_), None) => {
            let entry = engine.devices.entry(&account, device);
            entry.filter(|entry| entry.identity == identity).ok_or(NotBelieved::Forged)?;
            Ok(None)
        }
        (None, None) => Err(NotBelieved::Forged),
    }
}

/// What somebody who asks has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// The secret of an open invite.
    Link,
    /// That they know our address.
    Address,
    /// Nothing; they are known.
    Nothing,
}

/// Checks what a request shows, and that the device is its account's. `None` when it is not believed.
fn check(
    engine: &Engine,
    device: &DeviceId,
    introduction: Introduction,
    request: &ContactRequest,
) -> Option<Shown> {
    let Introduction { account, identity } = introduction;
    let own = engine.devices.account;
    let proven = open_secret(engine, &request.invite).is_some_and(|secret| {
        invite::proofs_equal(&invite::request_proof(&secret, &account, &own), &request.proof)
    });
    let shown = match proven {
        true if engine.strangers.is_knock(&request.invite) => Shown::Address,
        true => Shown::Link,
        false => Shown::Nothing,
    };
    if account == own || (shown == Shown::Nothing && engine.contacts.state(&account).is_none()) {
        return None;
    }
    let list = SignedDeviceList::from_bytes(&request.device_list).ok()?;
    let listed = list.verify(&account).ok()?.devices.iter().find(|entry| entry.device == *device)?;
    (listed.identity == identity).then_some(shown)
}

/// Lets somebody in who asks to be a contact: with the proof of an open invite, as a stranger, or because we asked them
/// too.
fn admit(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    (request, shown): (&ContactRequest, Shown),
    came: Came,
) -> Result<Admitted, NotBelieved> {
    let account = request.account;
    let before = engine.contacts.state(&account);
    if before.is_none() && shown == Shown::Address {
        // On a connection it would have cost no work: strangers come by mailbox.
        let Came::ByMail { work_bits } = came else {
            return Err(NotBelieved::NotLetIn(NotLetIn::Unwanted));
        };
        if engine.strangers.is_turned_away(&account) {
            return Err(NotBelieved::NotLetIn(NotLetIn::Unwanted));
        }
        if engine.waiting_strangers() >= engine.core.config.incoming_knocks
            && !strangers::make_room(engine, rows, out, work_bits)
        {
            return Err(NotBelieved::NotLetIn(NotLetIn::Full));
        }
    }
    let work_bits = if let Came::ByMail { work_bits } = came { work_bits } else { 0 };
    let (profile, greeting) = (request.profile.clone(), request.greeting.clone());
    let asked = engine.contacts.asked_by(&engine.core, out, &account, profile, greeting);
    asked.map_err(NotBelieved::NotLetIn)?;
    let learned = engine.devices.learn_list(&mut engine.core, out, &account, &request.device_list);
    learned.map_err(|_| NotBelieved::Forged)?;
    // An older bundle than the one we have is no lie: the request may have waited.
    let _ = engine.devices.learn_bundle(&engine.core, out, &account, device, &request.bundle);
    let was_stranger = engine.strangers.is_stranger(&account);
    match (before, shown) {
        (None, Shown::Address) => engine.strangers.asks(engine.core.now, out, &account, work_bits),
        (None, _) => {
            engine.strangers.forget(out, &account);
            engine.contacts.use_invite(engine.core.now, out, &request.invite);
        }
        (Some(ContactState::Incoming), Shown::Link) if was_stranger => {
            engine.strangers.forget(out, &account);
            engine.contacts.use_invite(engine.core.now, out, &request.invite);
            engine.contact_changed(out, &account);
        }
        _ => {}
    }
    contents::bind_device(engine, rows, out, *device, account);
    contents::match_devices(engine, rows, out, &account);
    engine.keep_connected(out);
    Ok(Admitted { account, before })
}
