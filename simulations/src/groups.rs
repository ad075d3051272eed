//! Groups in a world: which there are, what people do in them, and what the world does for people who are asked something.
//!
//! Who should have what is in [`ledger`], choices of scenarios are in [`acts`], members who do not keep to the rules in [`liars`].

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::command::Answer;
use kith_engine::query;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageView;
use kith_proto::group::GroupInvite;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::ChatId;
use kith_proto::id::CommandId;
use kith_proto::id::GroupId;
use kith_proto::time::Span;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Which;
use crate::action::Who;
use crate::counts::Delay;
use crate::oracle;
use crate::world::BEGIN;
use crate::world::World;

pub mod acts;
pub mod ledger;
pub mod liars;

use ledger::Ledger;
use liars::Lie;

/// Something that somebody does in a group. Messages are named by how many newer texts the person sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Makes the group, with these friends.
    Create(Vec<Who>, Option<Policy>),
    /// Adds somebody.
    Add(Who, Role),
    /// Removes somebody.
    Remove(Who),
    /// Bans somebody.
    Ban(Who),
    /// Lifts a ban.
    Unban(Who),
    /// Leaves.
    Leave,
    /// Gives somebody a role.
    Role(Who, Role),
    /// Takes somebody's word for so many seconds.
    Mute(Who, u64),
    /// Gives the group another name.
    Rename(u64),
    /// Gives the group other rules.
    Policy(Policy),
    /// Makes a link: as what, how often, with approval.
    Link(Role, u32, bool),
    /// Asks to come in by the newest link that somebody made.
    Join(Who),
    /// Lets all in who ask, or nobody.
    Decide(bool),
    /// Writes.
    Post,
    /// Pins a message.
    Pin(usize),
    /// Takes a pin away.
    Unpin(usize),
    /// Deletes a message for everybody.
    Delete(usize),
    /// Reads everything.
    Read,
    /// Does what nobody should.
    Lie(Lie),
}

/// The groups of a world.
#[derive(Default)]
pub struct Groups {
    made: BTreeMap<Which, GroupId>,
    links: BTreeMap<(Which, Who), GroupInvite>,
    wanted: BTreeMap<(Who, CommandId), Which>,
    /// What should be true of them.
    pub ledger: Ledger,
    /// How long posts took from being written to being shown.
    pub delays: Vec<Delay>,
}

impl Groups {
    /// The name of a group, once it is made.
    pub fn id(&self, which: Which) -> Option<GroupId> {
        self.made.get(&which).copied()
    }

    /// All groups that were made.
    pub fn all(&self) -> Vec<GroupId> {
        self.made.values().copied().collect()
    }

    fn which(&self, chat: &ChatId) -> Option<GroupId> {
        self.made.values().find(|id| ChatId::group(id) == *chat).copied()
    }
}

/// What somebody has of a group.
pub fn view(world: &World, who: Who, which: Which) -> Option<GroupView> {
    query::group(&world.people[who].disk, &world.groups.id(which)?).expect("groups can be read")
}

/// Whether somebody is a member, as far as they know.
pub fn is_in(world: &World, who: Who, which: Which) -> bool {
    view(world, who, which).is_some_and(|view| is_ours(&view))
}

fn is_ours(view: &GroupView) -> bool {
    matches!(view.state, GroupState::Joined | GroupState::Invited)
}

/// Whether two are both in some group, as far as each knows.
pub fn have_one_in_common(world: &World, one: Who, other: Who) -> bool {
    world.groups.made.keys().any(|which| is_in(world, one, *which) && is_in(world, other, *which))
}

/// Somebody does something. What the rules refuse does not happen.
pub(crate) fn act(world: &mut World, who: Who, which: Which, deed: &Deed) {
    if world.people[who].engine.is_none() {
        return;
    }
    if let Deed::Create(members, policy) = deed {
        let members = members.iter().map(|other| world.people[*other].account).collect();
        let command = Command::CreateGroup { name: format!("group {which}"), members, policy: *policy };
        let id = world.command(who, command);
        world.groups.wanted.insert((who, id), which);
        return;
    }
    let Some(group) = world.groups.id(which) else { return };
    if let Deed::Lie(lie) = deed {
        return liars::act(world, who, &group, *lie);
    }
    let Some(command) = command(world, who, (which, group), deed) else { return };
    let is_link = matches!(command, Command::CreateGroupLink { .. });
    let id = world.command(who, command);
    if is_link {
        world.groups.wanted.insert((who, id), which);
    }
}

fn command(world: &mut World, who: Who, (which, group): (Which, GroupId), deed: &Deed) -> Option<Command> {
    let account = |other: Who| world.people[other].account;
    let chat = ChatId::group(&group);
    Some(match *deed {
        Deed::Create(..) | Deed::Lie(_) => return None,
        Deed::Add(whom, role) => Command::AddMembers { group, members: vec![account(whom)], role },
        Deed::Remove(whom) => Command::RemoveMember { group, account: account(whom) },
        Deed::Ban(whom) => Command::BanMember { group, account: account(whom) },
        Deed::Unban(whom) => Command::UnbanMember { group, account: account(whom) },
        Deed::Leave => Command::LeaveGroup { group },
        Deed::Role(whom, role) => Command::SetRole { group, account: account(whom), role },
        Deed::Mute(whom, secs) => {
            Command::MuteMember { group, account: account(whom), until: world.now() + Span::from_secs(secs) }
        }
        Deed::Rename(number) => {
            Command::SetGroupProfile { group, name: Some(format!("group {which}.{number}")), topic: None }
        }
        Deed::Policy(policy) => Command::SetPolicy { group, policy },
        Deed::Link(role, uses, approval) => {
            Command::CreateGroupLink { group, role, expires_secs: None, uses, approval, work: 0 }
        }
        Deed::Join(maker) => Command::JoinGroup { link: world.groups.links.get(&(which, maker)).cloned()? },
        Deed::Decide(let_in) => {
            let asking = view(world, who, which)?.requests.into_iter().next()?.account;
            match let_in {
                true => Command::ApproveJoin { group, account: asking },
                false => Command::RefuseJoin { group, account: asking },
            }
        }
        Deed::Post => {
            let sender = &mut world.people[who];
            sender.written += 1;
            let number = (world.now.0 - BEGIN.0) * 1_000 + sender.written % 1_000;
            let text = world.groups.ledger.write(who, number);
            Command::SendMessage { chat, text, reply_to: None, expires_secs: None }
        }
        Deed::Pin(newer) => Command::PinMessage { chat, message: text(world, who, &chat, newer)?.message },
        Deed::Unpin(newer) => {
            Command::UnpinMessage { chat, message: text(world, who, &chat, newer)?.message }
        }
        Deed::Delete(newer) => {
            let message = text(world, who, &chat, newer)?.message;
            world.groups.ledger.deletes(message);
            Command::DeleteForAll { chat, message }
        }
        Deed::Read => {
            let last = text(world, who, &chat, 0)?;
            let seen = oracle::timeline(&world.people[who].disk, &chat);
            world.groups.ledger.reads(who, seen.iter().map(|view| view.message));
            Command::MarkRead { chat, message: last.message }
        }
    })
}

/// A text that somebody sees, with so many newer ones below it.
fn text(world: &World, who: Who, chat: &ChatId, newer: usize) -> Option<MessageView> {
    let seen = query::timeline(&world.people[who].disk, chat, None, 100).expect("history can be read");
    seen.into_iter().rev().filter(|view| view.kind == MessageKind::Text).nth(newer)
}

/// Something was shown to somebody. Returns whether it was about a group.
pub(crate) fn shown(world: &mut World, who: Who, event: &Event) -> bool {
    match event {
        Event::Answered { id, answer: Ok(Answer::Group(view)) } => {
            if let Some(which) = world.groups.wanted.remove(&(who, *id)) {
                world.groups.made.insert(which, view.group);
            }
            true
        }
        Event::Answered { id, answer: Ok(Answer::GroupLink(link)) } => {
            if let Some(which) = world.groups.wanted.remove(&(who, *id)) {
                world.groups.links.insert((which, who), link.clone());
            }
            true
        }
        Event::MessageReceived(view) if view.kind != MessageKind::Text => true,
        Event::MessageReceived(view) if world.groups.which(&view.chat).is_some() => {
            if let Some(from) = world.groups.ledger.shown(&world.people, who, view) {
                let millis = world.now.since(view.sent_at).0;
                world.groups.delays.push(Delay { from, to: who, millis });
            }
            true
        }
        Event::MessageReceipts { chat, message, receipts } => {
            if let Some(group) = world.groups.which(chat) {
                world.groups.ledger.receipts(&world.people, who, &group, (message, receipts));
            }
            true
        }
        Event::GroupChanged(view) => {
            world.groups.ledger.changed(&world.people, who, &view.group);
            if view.state == GroupState::Invited {
                world.command(who, Command::AcceptGroup { group: view.group });
            }
            view.state == GroupState::Invited
        }
        _ => false,
    }
}

/// Whoever was asked something before the computer stopped answers now, and whoever asks to come in is let in.
pub(crate) fn answer_all(world: &mut World) {
    for who in 0..world.people.len() {
        for group in world.groups.all() {
            if world.people[who].engine.is_none() {
                continue;
            }
            let found = query::group(&world.people[who].disk, &group).expect("groups can be read");
            let Some(view) = found else { continue };
            if view.state == GroupState::Invited {
                world.command(who, Command::AcceptGroup { group });
            }
            for request in view.requests {
                world.command(who, Command::ApproveJoin { group, account: request.account });
            }
        }
    }
}

/// Notes what somebody knows after a step, if the log of a group has grown.
pub(crate) fn note(world: &mut World, who: Who) {
    let person = &world.people[who];
    world.groups.ledger.note(who, &person.disk, || world.groups.made.values().copied().collect());
}

/// Whether everybody who is in a group has the same of it.
pub fn agree(world: &World) -> bool {
    world.groups.all().iter().all(|group| {
        let mut digests = BTreeSet::new();
        for person in &world.people {
            let view = query::group(&person.disk, group).expect("groups can be read");
            if view.is_some_and(|view| is_ours(&view)) {
                digests.insert(ledger::operations(&person.disk, group).into_keys().collect::<Vec<_>>());
            }
        }
        digests.len() <= 1
    })
}
