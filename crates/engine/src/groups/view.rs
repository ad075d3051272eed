//! Groups as front ends see them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;

use super::Log;
use super::hosts;
use super::lines;
use crate::engine::Engine;
use crate::event::Event;
use crate::output::Output;
use crate::rows::HistoryRow;
use crate::rows::groups::AskingRow;
use crate::rows::groups::Entry;
use crate::rows::groups::GroupRow;
use crate::rows::groups::ReportRow;
use crate::rows::groups::RequestRow;
use crate::view::ChatWith;
use crate::view::GroupState;
use crate::view::GroupSummary;
use crate::view::GroupView;
use crate::view::JoinRequestView;
use crate::view::LinkView;
use crate::view::MemberView;
use crate::view::MessageKind;
use crate::view::MessageState;
use crate::view::MessageView;
use crate::view::ReportView;

/// The group of a chat.
pub(crate) fn summary(group: &GroupId, row: &GroupRow) -> ChatWith {
    ChatWith::Group(GroupSummary { group: *group, members: row.members, role: row.role, state: row.state() })
}

/// What was reported, by whom.
pub(crate) type Reports = BTreeMap<(AccountId, MessageId), ReportRow>;

/// A whole group. `person` tells what somebody is called and whether they are online.
pub(crate) fn whole(
    log: &mut Log,
    row: &GroupRow,
    (requests, reports): (&BTreeMap<AccountId, RequestRow>, &Reports),
    person: impl Fn(&AccountId) -> (String, bool),
) -> GroupView {
    let group = log.group();
    log.roster();
    let roster = log.roster().clone();
    let time = |id| log.operation(id).map_or(Timestamp(0), |operation| operation.time);
    let mut members: Vec<_> = roster.members.iter().collect();
    members.sort_by_key(|(_, member)| Reverse(member.standing));
    let members = members.into_iter().map(|(account, member)| {
        let (name, online) = person(account);
        let (role, since) = (member.standing.role, time(&member.standing.by));
        MemberView { account: *account, name, role, online, muted_until: member.muted_until, since }
    });
    let members = members.collect();
    let links = roster.links.iter().map(|(link, open)| LinkView {
        link: *link,
        made_by: open.made_by,
        role: open.link.role,
        expires: open.link.expires,
        uses: open.link.uses,
        used: open.used,
        approval: open.link.approval,
        work: open.link.work,
        invite: None,
    });
    let decides = row.role.is_some_and(|role| role >= roster.policy.invite);
    let requests = requests.iter().filter(|_| decides).map(|(account, row)| JoinRequestView {
        account: *account,
        name: row.request.profile.name.to_string(),
        link: row.request.link,
        since: row.since,
    });
    let keeps = row.role.is_some_and(|role| role >= Role::Moderator);
    let reports = reports.iter().filter(|_| keeps).map(|((by, message), row)| ReportView {
        by: *by,
        message: *message,
        author: row.author,
        said_at: row.said_at,
        text: row.text.to_string(),
        reason: row.reason.to_string(),
        since: row.since,
    });
    let reports = reports.collect();
    let created = log.operations().next().map_or(Timestamp(0), |(_, create)| create.time);
    GroupView {
        group,
        chat: ChatId::group(&group),
        name: roster.profile.name.to_string(),
        topic: roster.profile.topic.to_string(),
        policy: roster.policy,
        state: row.state(),
        role: row.role,
        invited_by: row.invited_by,
        members,
        banned: roster.banned.iter().copied().collect(),
        links: links.collect(),
        pins: roster.pins.clone(),
        requests: requests.collect(),
        reports,
        created,
        asked: false,
    }
}

/// A group that we ask to come into: nothing is known of it yet.
pub(crate) fn asking(group: &GroupId, row: &AskingRow) -> GroupView {
    GroupView {
        group: *group,
        chat: ChatId::group(group),
        name: String::new(),
        topic: String::new(),
        policy: Default::default(),
        state: GroupState::Asking,
        role: None,
        invited_by: None,
        members: Vec::new(),
        banned: Vec::new(),
        links: Vec::new(),
        pins: Vec::new(),
        requests: Vec::new(),
        reports: Vec::new(),
        created: row.since,
        asked: row.asked,
    }
}

/// A message of a group as it was just written. How far it is, is told later.
pub(crate) fn message(own: &AccountId, chat: ChatId, index: u64, row: HistoryRow) -> MessageView {
    let text = row.text.map(|text| text.into_inner()).unwrap_or_default();
    let (kind, mentions, mentions_all) = kind(&row.entry, |_| 0);
    MessageView {
        message: row.message,
        chat,
        index,
        sender: row.entry.author().unwrap_or(*own),
        outgoing: row.outgoing,
        kind,
        text,
        reply_to: row.reply_to,
        mentions,
        mentions_all,
        sent_at: row.sent_at,
        stored_at: row.stored_at,
        state: if row.outgoing { MessageState::Queued } else { MessageState::Delivered },
        expires_at: row.expires_at,
        receipts: None,
        copies: None,
    }
}

/// What kind of thing a message is, and whom it calls.
pub(crate) fn kind(
    entry: &Entry,
    dropped: impl Fn(&AccountId) -> u32,
) -> (MessageKind, Vec<AccountId>, bool) {
    match entry {
        Entry::Direct => (MessageKind::Text, Vec::new(), false),
        Entry::Post(post) => (MessageKind::Text, post.mentions.to_vec(), post.mentions_all),
        Entry::Call(call) => (MessageKind::Call(call.line()), Vec::new(), false),
        Entry::Line(line) => (MessageKind::System(lines::line(&line.kind, dropped)), Vec::new(), false),
    }
}

/// How many posts of somebody came too late.
pub(crate) fn dropped(row: &GroupRow, whom: &AccountId) -> u32 {
    row.dropped.iter().find(|(account, _)| account == whom).map_or(0, |(_, count)| *count)
}

/// A group as the engine has it.
pub(crate) fn of(engine: &mut Engine, id: &GroupId) -> Option<GroupView> {
    let own = engine.devices.account;
    let Engine { groups, contacts, peers, presence, devices, .. } = engine;
    if let Some(row) = groups.asking.get(id).filter(|_| groups.get(id).is_none()) {
        return Some(asking(id, row));
    }
    let group = groups.get_mut(id)?;
    let person = |account: &AccountId| {
        if *account == own {
            return (devices.profile.name.to_string(), true);
        }
        let name = contacts.get(account).map(|row| row.profile.name.to_string()).unwrap_or_default();
        (name, peers.devices_of(account).iter().any(|device| presence.links.is_up(device)))
    };
    let mut view = whole(&mut group.log, &group.row, (&group.requests, &group.reports), person);
    if view.role.is_some_and(|role| role >= view.policy.invite) {
        let open: Vec<_> = group.log.roster().links.values().copied().collect();
        let mut invites = hosts::invites(engine, id, &open);
        for link in &mut view.links {
            link.invite = invites.remove(&link.link);
        }
    }
    Some(view)
}

/// Publishes a group and its chat as they are now.
pub(crate) fn changed(engine: &mut Engine, out: &mut Output, id: &GroupId) {
    if let Some(view) = of(engine, id) {
        out.event(Event::GroupChanged(Box::new(view)));
    }
    engine.chat_changed(out, &ChatId::group(id));
}

/// Publishes the groups in which somebody is, after their name or presence changed.
pub(crate) fn person_changed(engine: &mut Engine, out: &mut Output, account: &AccountId) {
    for id in engine.groups.common(account) {
        changed(engine, out, &id);
    }
}
