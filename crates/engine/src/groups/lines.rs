//! What happened in a group, as lines of its chat. They follow from the log alone, so every member has the same; what turns
//! out not to count is taken out again.

use std::collections::BTreeSet;

use kith_proto::group::Add;
use kith_proto::group::Create;
use kith_proto::group::Kind;
use kith_proto::group::Link;
use kith_proto::group::Operation;
use kith_proto::group::Via;
use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::id::OperationId;
use kith_proto::rows::Rows;

use super::deletions;
use super::receiving;
use super::state::Group;
use super::view;
use crate::chats::Chats;
use crate::chats::NewEntry;
use crate::engine::Engine;
use crate::event::Event;
use crate::output::Output;
use crate::rows::groups::Entry;
use crate::rows::groups::LineEntry;
use crate::view::GroupLine;

/// More lines at once than this are history, not news.
const NEWS: usize = 8;

/// The operations that stand in the chat as lines.
pub(super) fn wanted(group: &mut Group) -> BTreeSet<OperationId> {
    let void: BTreeSet<OperationId> = group.log.roster().void.keys().copied().collect();
    let shown = |(id, operation): &(OperationId, &Operation)| {
        let silent = matches!(operation.kind, Kind::Devices { .. } | Kind::Merge | Kind::Unknown { .. });
        !silent && !void.contains(id)
    };
    group.log.operations().filter(shown).map(|(id, _)| id).collect()
}

/// Brings the lines of a chat and what was deleted in it up to date. `new` operations came just now.
pub(super) fn sync(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId, new: usize) {
    let own = engine.devices.account;
    let Engine { groups, chats, core, .. } = engine;
    let Some(group) = groups.get_mut(id) else { return };
    let chat = group.chat();
    let wanted = wanted(group);
    let mut shown_again = Vec::new();
    for gone in group.lines.difference(&wanted) {
        let message = gone.message();
        if let Some(Kind::DeleteForAll(deleted)) = group.log.operation(gone).map(|operation| &operation.kind)
        {
            shown_again.push(*deleted);
        }
        if chats.take_out(core, rows, out, &chat, &message) {
            out.event(Event::MessageDeleted { chat, message });
        }
    }
    let mut added = Vec::new();
    for id in wanted.difference(&group.lines) {
        let Some(operation) = group.log.operation(id) else { continue };
        let kind = without_devices(&operation.kind);
        let entry = NewEntry {
            message: id.message(),
            text: Default::default(),
            reply_to: None,
            outgoing: operation.author == own,
            news: false,
            time: operation.time,
            spread: id.0,
            expires_at: None,
            places: Vec::new(),
            entry: Entry::Line(LineEntry { by: operation.author, operation: *id, kind }),
        };
        if let Some(stored) = chats.store_in_group(core, rows, out, &chat, entry) {
            added.push(stored.index);
        }
    }
    group.lines = wanted;
    if new <= NEWS {
        for index in added {
            let row = Chats::history(rows, out, &chat, index);
            out.events.extend(row.map(|row| Event::MessageReceived(view::message(&own, chat, index, row))));
        }
    }
    deletions::sync(engine, rows, out, id);
    for message in shown_again {
        receiving::show_again(engine, rows, out, id, &message);
    }
}

/// An operation's kind without the device lists in it, which a line does not show.
fn without_devices(kind: &Kind) -> Kind {
    match kind {
        Kind::Create(create) => {
            Kind::Create(Create { devices: Default::default(), salt: [0; 16], ..create.clone() })
        }
        Kind::Add(add) => Kind::Add(Add { devices: Default::default(), ..add.clone() }),
        Kind::Link(link) => Kind::Link(Link { key: [0; 32], seed: [0; 32], ..*link }),
        other => other.clone(),
    }
}

/// What a line shows. `dropped` tells how many posts of somebody who was removed came too late.
pub(crate) fn line(kind: &Kind, dropped: impl Fn(&AccountId) -> u32) -> GroupLine {
    match kind {
        Kind::Create(create) => GroupLine::Created { name: create.name.to_string() },
        Kind::Add(add) => match add.via {
            Via::Invited => GroupLine::Added { whom: add.account },
            Via::Link { .. } => GroupLine::Joined { whom: add.account },
        },
        Kind::Remove(whom) => GroupLine::Removed { whom: *whom, dropped: dropped(whom) },
        Kind::Ban(whom) => GroupLine::Banned { whom: *whom, dropped: dropped(whom) },
        Kind::Unban(whom) => GroupLine::Unbanned { whom: *whom },
        Kind::Leave => GroupLine::Left,
        Kind::Role { account, role } => GroupLine::Role { whom: *account, role: *role },
        Kind::Profile(profile) => GroupLine::Profile { name: profile.name.to_string() },
        Kind::Mute { account, until } => GroupLine::Muted { whom: *account, until: *until },
        Kind::Link(_) => GroupLine::LinkMade,
        Kind::RevokeLink(_) => GroupLine::LinkRevoked,
        Kind::Pin(message) => GroupLine::Pinned { message: *message },
        Kind::Unpin(message) => GroupLine::Unpinned { message: *message },
        Kind::DeleteForAll(message) => GroupLine::Deleted { message: *message },
        Kind::Policy(_) | Kind::Devices { .. } | Kind::Merge | Kind::Unknown { .. } => GroupLine::Policy,
    }
}
