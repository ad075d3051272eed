//! Writing in a group: one post, signed by this device, sealed once with its chain, and kept for every device of every
//! member. Whoever does not have the chain gets it in the same payload, before the post.

use std::collections::BTreeSet;

use kith_crypto::group::SendingChain;
use kith_crypto::group::must_rotate;
use kith_crypto::group::sign_post;
use kith_proto::bounded::BoundedBytes;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::group::Role;
use kith_proto::group::word::GroupText;
use kith_proto::group::word::GroupWord;
use kith_proto::group::word::PostBody;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::payload::Content;
use kith_proto::payload::Position;
use kith_proto::rows::Rows;

use super::Denial;
use super::Permission;
use super::gossip;
use super::membership;
use super::receiving;
use super::receiving::Origin;
use super::state::Group;
use super::state::Own;
use super::view;
use crate::chats::Chats;
use crate::command::Answer;
use crate::command::Refusal;
use crate::core::Core;
use crate::engine::Engine;
use crate::event::Event;
use crate::links;
use crate::output::Output;
use crate::view::ContactState;
use crate::view::GroupState;

/// So many chains may wait for one device before it is given no more of them.
const MAX_CHAINS_WAITING: u32 = 8;

/// Writes a post.
pub(crate) fn send(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    text: GroupText,
) -> Result<Answer, Refusal> {
    if text.text.trim().is_empty() {
        return Err(Refusal::EmptyMessage);
    }
    may_write(engine, id, text.mentions_all)?;
    let message = send_body(engine, rows, out, id, &PostBody::Text(text))?;
    let (account, chat) = (engine.devices.account, kith_proto::id::ChatId::group(id));
    engine.chat_changed(out, &chat);
    let index = Chats::index_of(rows, out, &chat, &message).ok_or(Refusal::UnknownChat)?;
    let row = Chats::history(rows, out, &chat, index).ok_or(Refusal::UnknownChat)?;
    let view = view::message(&account, chat, index, row);
    out.event(Event::MessageWritten(view.clone()));
    Ok(Answer::Message(view))
}

/// Posts something, whatever it is. Returns its name.
pub(super) fn send_body(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    body: &PostBody,
) -> Result<MessageId, Refusal> {
    may_write(engine, id, false)?;
    if engine.groups.get(id).is_some_and(Group::is_meshed) {
        // What a chain's maker knew is named, so that others may pass it on.
        membership::merge(engine, rows, out, id);
    }
    let (own, account, now) = (engine.devices.device(), engine.devices.account, engine.core.now);
    let Engine { groups, devices, core, .. } = engine;
    let group = groups.get_mut(id).ok_or(Refusal::UnknownGroup)?;
    let body = BoundedBytes::new(body.to_bytes())
        .ok_or(Refusal::TooLong { limit: kith_proto::group::word::MAX_GROUP_TEXT_BYTES })?;
    let draft = group.history.compose(account, own, group.view(), now, body);
    // Only a draft of another device, or one without its form, is refused.
    let post = sign_post(&devices.secret, draft).map_err(|_| Refusal::UnknownGroup)?;
    let message = post.id().message();
    let targets = if group.is_direct() { group.devices_but(&own) } else { group.holders() };
    let Some((envelope, strangers)) = seal(group, core, &own, &targets, &post.to_bytes()) else {
        return Err(Refusal::OutboxFull);
    };
    group.row.wrote_at = now;
    group.save(out);
    let direct = group.is_direct();
    let places = match direct {
        true => hand_out(engine, out, id, &targets, &strangers, (&envelope, message)),
        false => Vec::new(),
    };
    receiving::insert(engine, rows, out, id, &post, Origin::Here(places));
    if direct {
        for device in &targets {
            links::pump(engine, out, device);
        }
    } else {
        gossip::publish(engine, out, id, &envelope);
        membership::tell_soon(engine, id);
    }
    Ok(message)
}

/// Whether this account may write now.
fn may_write(engine: &mut Engine, id: &GroupId, mentions_all: bool) -> Result<(), Refusal> {
    let (account, now) = (engine.devices.account, engine.core.now);
    let group = engine.groups.get_mut(id).ok_or(Refusal::UnknownGroup)?;
    match group.row.state() {
        GroupState::Joined => {}
        GroupState::Invited => return Err(Refusal::NotAccepted),
        _ => return Err(Refusal::NotInGroup),
    }
    let wrote_at = group.row.wrote_at;
    let roster = group.log.roster();
    let member = roster.members.get(&account).ok_or(Refusal::NotInGroup)?;
    if !roster.permits(&account, Permission::Post) || member.muted_until.is_some_and(|until| until > now) {
        return Err(Refusal::MayNotPost);
    }
    if mentions_all && !roster.permits(&account, Permission::MentionAll) {
        return Err(Refusal::Denied(Denial::RoleTooLow));
    }
    let pause = roster.policy.slow_mode().0;
    let since = now.since(wrote_at).0;
    if member.standing.role < Role::Moderator && since < pause {
        let wait_secs = u32::try_from((pause - since).div_ceil(1_000)).unwrap_or(u32::MAX);
        return Err(Refusal::SlowMode { wait_secs });
    }
    Ok(())
}

/// Seals a post with the own chain, a new one if the old one must not be used. Returns who does not have it.
fn seal(
    group: &mut Group,
    core: &mut Core,
    own: &DeviceId,
    targets: &BTreeSet<DeviceId>,
    post: &[u8],
) -> Option<(Envelope, BTreeSet<DeviceId>)> {
    let old = group.own.take();
    // After a start there is none: the state on an old disk would use keys a second time, and nobody could read that.
    let kept = old.filter(|own| must_rotate(&own.chain, &own.holders, targets, core.now, false).is_none());
    let mut own_chain = kept.unwrap_or_else(|| {
        let chain = SendingChain::generate(&mut core.rng, group.id(), group.view(), core.now);
        Own { first: chain.hand_out(), heads: group.log.heads(), chain, holders: BTreeSet::new() }
    });
    let strangers = targets.difference(&own_chain.holders).copied().collect();
    // Who gets the chain now opens what follows it, so they are told before it moves.
    let share = own_chain.chain.hand_out();
    let envelope = own_chain.chain.seal(&mut core.rng, core.now, post, &own.0).ok()?;
    if group.is_direct() {
        own_chain.holders = targets.clone();
    }
    group.shared = Some(share);
    group.own = Some(own_chain);
    Some((envelope, strangers))
}

/// Keeps a sealed post for every device. Returns its places in their channels.
fn hand_out(
    engine: &mut Engine,
    out: &mut Output,
    id: &GroupId,
    targets: &BTreeSet<DeviceId>,
    strangers: &BTreeSet<DeviceId>,
    (envelope, message): (&Envelope, MessageId),
) -> Vec<(DeviceId, Position)> {
    let mut places = Vec::new();
    let Some(group) = engine.groups.get_mut(id) else { return places };
    let chat = group.chat();
    let share = group.shared.take().and_then(|share| BoundedBytes::new(share.to_bytes().to_vec()));
    for device in targets {
        let chain = share.clone().filter(|_| strangers.contains(device));
        let mut contents: Vec<Content> =
            chain.map(|share| Content::Group(GroupWord::Chain(share))).into_iter().collect();
        contents.push(Content::Group(GroupWord::Post { group: *id, envelope: envelope.clone() }));
        let blocked = engine.peers.contact_of(device).and_then(|contact| engine.contacts.state(&contact));
        if blocked == Some(ContactState::Blocked) {
            // They have it from others.
            continue;
        }
        if engine.peers.get(device).is_some() {
            if engine.outbox.waiting(device) >= engine.core.config.outbox_items {
                // It comes to them by a meeting.
                continue;
            }
            let carries = Some((chat, message));
            let (core, peers) = (&mut engine.core, &mut engine.peers);
            places.push((*device, engine.outbox.enqueue(core, peers, out, device, contents, carries)));
        }
    }
    places
}

/// Gives a member's device the own chain as it is now.
pub(super) fn give_chain(engine: &mut Engine, out: &mut Output, id: &GroupId, device: &DeviceId) {
    // One that waits may be an older one; many are a flood.
    let waiting = std::cell::Cell::new(0);
    let too_many = |content: &Content| {
        waiting.set(waiting.get() + u32::from(matches!(content, Content::Group(GroupWord::Chain(_)))));
        waiting.get() > MAX_CHAINS_WAITING
    };
    if !engine.groups.may_give(engine.core.now, device) || engine.outbox.is_waiting(device, too_many) {
        return;
    }
    let Some(group) = engine.groups.get_mut(id).filter(|group| group.has_device(device)) else { return };
    let Some(own) = &mut group.own else { return };
    let share = own.chain.hand_out();
    own.holders.insert(*device);
    if let Some(share) = BoundedBytes::new(share.to_bytes().to_vec()) {
        let content = Content::Group(GroupWord::Chain(share));
        engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, device, vec![content], None);
        links::pump(engine, out, device);
    }
}
