//! Carries out commands about groups.

use std::collections::BTreeMap;

use kith_crypto::operation::sign_operation;
use kith_proto::bounded::BoundedVec;
use kith_proto::group::Add;
use kith_proto::group::Create;
use kith_proto::group::GroupProfile;
use kith_proto::group::Kind;
use kith_proto::group::Operation;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::group::Via;
use kith_proto::group::word::GroupText;
use kith_proto::group::word::MAX_MENTIONS;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::rows::Rows;

use super::Log;
use super::asking;
use super::fellows;
use super::hosts;
use super::joining;
use super::joining::bounded;
use super::listings;
use super::lists;
use super::membership;
use super::mesh;
use super::reports;
use super::sending;
use super::state::MAX_GROUPS;
use super::view;
use crate::chats::Chats;
use crate::command::Answer;
use crate::command::Command;
use crate::command::Refusal;
use crate::engine::Engine;
use crate::event::Event;
use crate::output::Output;
use crate::registering;
use crate::rows::groups as rows;
use crate::rows::groups::With;
use crate::view::ContactState;
use crate::view::GroupState;

/// How much work it takes to come into a public room, in bits: a part of a second, more when many come.
const PUBLIC_WORK: u8 = 20;

/// Carries out one command.
pub(crate) fn run(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    command: Command,
) -> Result<Answer, Refusal> {
    let (id, kind) = match command {
        Command::PublishRoom { directory, room, language, tags } => {
            let about = listings::About { language, tags };
            return listings::publish(engine, rows, out, (directory, room), Some(about));
        }
        Command::UnpublishRoom { directory, room } => {
            return listings::publish(engine, rows, out, (directory, room), None);
        }
        Command::ReportMessage { chat, message, reason } => {
            let group = group_of(engine, &chat)?;
            return reports::report(engine, rows, out, (group, message), reason);
        }
        Command::DismissReport { group, by, message } => {
            return reports::dismiss(engine, out, (group, by, message));
        }
        Command::ShareRoom { group } => return share(engine, rows, out, &group),
        Command::CreateGroup { name, members, policy } => {
            return create(engine, rows, out, &name, &members, policy.unwrap_or_default());
        }
        Command::AddMembers { group, members, role } => return add(engine, rows, out, group, &members, role),
        Command::AcceptGroup { group } => return accept(engine, rows, out, group),
        Command::LeaveGroup { group } => return leave(engine, rows, out, group),
        Command::ForgetGroup { group } => return forget(engine, rows, out, group),
        Command::SetGroupProfile { group, name, topic } => {
            (group, profile(engine, group, name.as_deref(), topic)?)
        }
        Command::CreateGroupLink { group, role, expires_secs, uses, approval, work } => {
            let limits = (uses, approval, work);
            return joining::create_link(engine, rows, out, group, (role, expires_secs), limits);
        }
        Command::RevokeGroupLink { group, link } => {
            return joining::revoke_link(engine, rows, out, group, link);
        }
        Command::JoinGroup { link } => return asking::join(engine, rows, out, &link),
        Command::ShowGroup { group } => return answer(engine, &group),
        Command::ApproveJoin { group, account } => {
            return joining::decide(engine, rows, out, (group, account), true);
        }
        Command::RefuseJoin { group, account } => {
            return joining::decide(engine, rows, out, (group, account), false);
        }
        Command::SendToGroup { group, text, reply_to, expires_secs, mentions, mention_all } => {
            let mentions = BoundedVec::new(mentions).ok_or(Refusal::TooLong { limit: MAX_MENTIONS })?;
            let text = bounded(text)?;
            let text = GroupText { text, reply_to, mentions, mentions_all: mention_all, expires_secs };
            return sending::send(engine, rows, out, &group, text);
        }
        Command::RemoveMember { group, account } => (group, Kind::Remove(account)),
        Command::SetRole { group, account, role } => (group, Kind::Role { account, role }),
        Command::SetPolicy { group, policy } => (group, Kind::Policy(policy)),
        Command::BanMember { group, account } => (group, Kind::Ban(account)),
        Command::UnbanMember { group, account } => (group, Kind::Unban(account)),
        Command::MuteMember { group, account, until } => (group, Kind::Mute { account, until }),
        Command::PinMessage { chat, message } => {
            (known_message(engine, rows, out, &chat, &message)?, Kind::Pin(message))
        }
        Command::UnpinMessage { chat, message } => (group_of(engine, &chat)?, Kind::Unpin(message)),
        Command::DeleteForAll { chat, message } => {
            (known_message(engine, rows, out, &chat, &message)?, Kind::DeleteForAll(message))
        }
        _ => return Err(Refusal::UnknownGroup),
    };
    joined(engine, &id)?;
    membership::act(engine, rows, out, &id, kind)?;
    answer(engine, &id)
}

/// Writes a text without calling anybody.
pub(crate) fn send_text(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    group: &GroupId,
    (text, reply_to, expires_secs): (String, Option<MessageId>, Option<u32>),
) -> Result<Answer, Refusal> {
    let (text, mentions) = (bounded(text)?, BoundedVec::default());
    let text = GroupText { text, reply_to, mentions, mentions_all: false, expires_secs };
    sending::send(engine, rows, out, group, text)
}

fn answer(engine: &mut Engine, id: &GroupId) -> Result<Answer, Refusal> {
    view::of(engine, id).map(|view| Answer::Group(Box::new(view))).ok_or(Refusal::UnknownGroup)
}

/// That we are in a group, and have agreed to be.
fn joined(engine: &Engine, id: &GroupId) -> Result<(), Refusal> {
    match engine.groups.get(id).ok_or(Refusal::UnknownGroup)?.row().state() {
        GroupState::Joined => Ok(()),
        GroupState::Invited => Err(Refusal::NotAccepted),
        _ => Err(Refusal::NotInGroup),
    }
}

fn group_of(engine: &Engine, chat: &ChatId) -> Result<GroupId, Refusal> {
    match engine.chats.with(chat) {
        Some(With::Group(group)) => Ok(group),
        _ => Err(Refusal::UnknownChat),
    }
}

fn known_message(
    engine: &Engine,
    rows: &dyn Rows,
    out: &Output,
    chat: &ChatId,
    message: &MessageId,
) -> Result<GroupId, Refusal> {
    let group = group_of(engine, chat)?;
    let there = Chats::index_of(rows, out, chat, message).is_some() || listings::has(rows, &group, message);
    if there { Ok(group) } else { Err(Refusal::UnknownMessage) }
}

fn create(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    name: &str,
    members: &[AccountId],
    policy: Policy,
) -> Result<Answer, Refusal> {
    let name = checked_name(name)?;
    if engine.groups.by_id.len() >= MAX_GROUPS {
        return Err(Refusal::TooMany);
    }
    let adds = members.iter().map(|account| addition(engine, account, Role::Member));
    let adds = adds.collect::<Result<Vec<_>, _>>()?;
    let create = Create {
        name,
        policy,
        salt: engine.core.random(),
        devices: engine.devices.own_list(),
        called: engine.devices.profile.name.clone(),
    };
    let mut operation = Operation {
        group: GroupId([0; 32]),
        author: engine.devices.account,
        device: engine.devices.device(),
        sequence: 1,
        parents: BoundedVec::default(),
        time: engine.core.now,
        kind: Kind::Create(create),
        signature: [0; 64],
    };
    sign_operation(&engine.devices.secret, &mut operation);
    let log = Log::new(operation).map_err(|_| Refusal::UnknownGroup)?;
    let id = log.group();
    membership::adopt(engine, rows, out, log);
    if !adds.is_empty() {
        membership::act_all(engine, rows, out, &id, adds)?;
    }
    if policy.public {
        // Without an address nobody could come yet; the link is made when it is asked for.
        let _ = share(engine, rows, out, &id);
    }
    answer(engine, &id)
}

/// The one link of a public room, made if there is none; any member may pass it on.
fn share(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId) -> Result<Answer, Refusal> {
    joined(engine, id)?;
    let group = engine.groups.get_mut(id).ok_or(Refusal::UnknownGroup)?;
    let roster = group.log.roster();
    let policy = roster.policy;
    if !policy.public {
        return Err(Refusal::NotPublic);
    }
    if let Some(link) = roster.public_link() {
        return hosts::invite(engine, id, &link).map(Answer::GroupLink).ok_or(Refusal::NotPublic);
    }
    let limits = (0, false, PUBLIC_WORK);
    joining::create_link(engine, rows, out, *id, (policy.newcomers(), None), limits)
}

fn checked_name(
    name: &str,
) -> Result<kith_proto::bounded::BoundedStr<{ kith_proto::group::MAX_GROUP_NAME_BYTES }>, Refusal> {
    let name = name.trim();
    if !name.chars().any(|c| !c.is_whitespace() && !c.is_control()) {
        return Err(Refusal::EmptyName);
    }
    bounded(name.to_owned())
}

/// The operation that adds a person whose devices we know.
fn addition(engine: &Engine, account: &AccountId, role: Role) -> Result<Kind, Refusal> {
    let accepted = engine.contacts.state(account) == Some(ContactState::Accepted);
    if !accepted && !engine.groups.is_fellow(account) {
        return Err(Refusal::CannotAdd);
    }
    let devices = engine.devices.list_of(account).and_then(lists::bytes_of).ok_or(Refusal::CannotAdd)?;
    let called = engine.contacts.get(account).map(|row| row.profile.name.clone()).unwrap_or_default();
    Ok(Kind::Add(Add { account: *account, role, devices, called, via: Via::Invited }))
}

fn add(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: GroupId,
    members: &[AccountId],
    role: Role,
) -> Result<Answer, Refusal> {
    joined(engine, &id)?;
    let adds = members.iter().map(|account| addition(engine, account, role));
    let adds = adds.collect::<Result<Vec<_>, _>>()?;
    let own = engine.devices.account;
    for add in &adds {
        // All or nobody: what one addition changes denies no other but by the number of members.
        let group = engine.groups.get_mut(&id).ok_or(Refusal::UnknownGroup)?;
        group.log.allows(&own, add).map_err(Refusal::Denied)?;
    }
    if !adds.is_empty() {
        membership::act_all(engine, rows, out, &id, adds)?;
    }
    answer(engine, &id)
}

fn accept(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: GroupId) -> Result<Answer, Refusal> {
    let group = engine.groups.get_mut(&id).ok_or(Refusal::UnknownGroup)?;
    if group.row.state() == GroupState::Invited {
        group.row.set_state(GroupState::Joined);
        group.row.invited_by = None;
        group.save(out);
        fellows::changed(engine, rows, out, &id, &BTreeMap::new());
        mesh::stir(engine);
        fellows::file_own_list(engine, rows, out, &id);
        // The others hear now that we take part.
        membership::tell_soon(engine, &id);
        view::changed(engine, out, &id);
    }
    joined(engine, &id)?;
    answer(engine, &id)
}

fn leave(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: GroupId) -> Result<Answer, Refusal> {
    if engine.groups.asking.contains_key(&id) {
        asking::give_up(engine, out, &id);
        return Ok(Answer::Done);
    }
    let group = engine.groups.get_mut(&id).ok_or(Refusal::UnknownGroup)?;
    if !group.is_ours() {
        return Err(Refusal::NotInGroup);
    }
    let before = group.row.state();
    group.row.set_state(GroupState::Left);
    if let Err(refusal) = membership::act(engine, rows, out, &id, Kind::Leave) {
        if let Some(group) = engine.groups.get_mut(&id) {
            group.row.set_state(before);
        }
        return Err(refusal);
    }
    answer(engine, &id)
}

fn forget(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: GroupId) -> Result<Answer, Refusal> {
    mesh::stir(engine);
    let group = engine.groups.get(&id).ok_or(Refusal::UnknownGroup)?;
    if group.is_ours() {
        return Err(Refusal::StillMember);
    }
    let chat = group.chat();
    for table in rows::OF_ONE_GROUP {
        // Storage that cannot be read will fail the commit of this batch too.
        for (key, _) in super::history::rows::scan_group(rows, *table, &id).unwrap_or_default() {
            out.delete(*table, &key);
        }
    }
    out.delete(rows::GROUPS, &id.0);
    engine.groups.by_id.remove(&id);
    engine.chats.remove(rows, out, &chat);
    fellows::part(engine, out);
    engine.keep_connected(out);
    registering::queues_changed(engine, out);
    out.event(Event::GroupForgotten { group: id, chat });
    Ok(Answer::Done)
}

fn profile(
    engine: &mut Engine,
    id: GroupId,
    name: Option<&str>,
    topic: Option<String>,
) -> Result<Kind, Refusal> {
    let group = engine.groups.get_mut(&id).ok_or(Refusal::UnknownGroup)?;
    let old = group.log.roster().profile.clone();
    Ok(Kind::Profile(GroupProfile {
        name: name.map(checked_name).transpose()?.unwrap_or(old.name),
        topic: topic.map(bounded).transpose()?.unwrap_or(old.topic),
        avatar: old.avatar,
    }))
}
