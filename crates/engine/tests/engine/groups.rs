//! Groups between engines: people who know each other through one of them only, who come, go, lose things and lie.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Bound;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::command::Answer;
use kith_engine::command::Refusal;
use kith_engine::groups::Denial;
use kith_engine::input::NetInput;
use kith_engine::query;
use kith_engine::view::ContactState;
use kith_engine::view::GroupLine;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageState;
use kith_engine::view::Receipts;
use kith_proto::frame::Frame;
use kith_proto::group::History;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows as _;
use kith_proto::rows::Table;
use kith_proto::time::Span;

use crate::Side;
use crate::invite;

mod by_mail;
mod doors;
mod edges;
mod healing;
mod joining;
mod large;
mod random;
mod rooms;

pub(crate) const ANN: usize = 0;
pub(crate) const BOB: usize = 1;
pub(crate) const CAT: usize = 2;
pub(crate) const DAN: usize = 3;

/// Some people, and who is connected with whom.
pub(crate) struct World {
    pub(crate) people: Vec<Side>,
    pub(crate) connected: BTreeSet<(usize, usize)>,
}

impl World {
    /// Ann and so many others who are her friends, and nobody else's.
    pub(crate) fn of_friends(count: u8) -> Self {
        let people = (1..=count).map(Side::new).collect();
        let mut world = Self { people, connected: BTreeSet::new() };
        for other in 1..usize::from(count) {
            world.befriend(ANN, other);
        }
        world
    }

    /// Somebody else, who knows nobody. Returns who they are.
    pub(crate) fn stranger(&mut self, seed: u8) -> usize {
        let mut side = Side::new(seed);
        side.now = self.people[ANN].now;
        self.people.push(side);
        self.people.len() - 1
    }

    pub(crate) fn befriend(&mut self, one: usize, other: usize) {
        let invite = invite(&mut self.people[one]);
        self.people[other].command(Command::AddContact { invite, greeting: String::new() });
        self.connect(one, other);
        self.carry();
        let contact = self.people[other].account;
        self.people[one].command(Command::AcceptContact { contact });
        self.carry();
    }

    pub(crate) fn connect(&mut self, one: usize, other: usize) {
        if !self.connected.insert((one.min(other), one.max(other))) {
            return;
        }
        let (first, second) = (self.people[one].device, self.people[other].device);
        self.people[one].net(NetInput::Connected { device: second, dialled: None });
        self.people[other].net(NetInput::Connected { device: first, dialled: None });
        self.carry();
    }

    pub(crate) fn disconnect(&mut self, one: usize, other: usize) {
        if !self.connected.remove(&(one.min(other), one.max(other))) {
            return;
        }
        let (first, second) = (self.people[one].device, self.people[other].device);
        self.people[one].net(NetInput::Disconnected { device: second });
        self.people[other].net(NetInput::Disconnected { device: first });
    }

    /// Connects everybody with everybody, and lets them talk until nobody has anything to say.
    pub(crate) fn gather(&mut self) {
        for one in 0..self.people.len() {
            for other in one + 1..self.people.len() {
                self.connect(one, other);
            }
        }
        self.settle();
    }

    /// Only those in the same part stay connected.
    pub(crate) fn split(&mut self, parts: &[&[usize]]) {
        let part = |who: usize| parts.iter().position(|part| part.contains(&who));
        for (one, other) in self.connected.clone() {
            if part(one) != part(other) {
                self.disconnect(one, other);
            }
        }
        for part in parts {
            for (at, one) in part.iter().enumerate() {
                for other in part.iter().skip(at + 1) {
                    self.connect(*one, *other);
                }
            }
        }
        self.settle();
    }

    /// Some seconds pass, with everything said that is to be said.
    pub(crate) fn settle(&mut self) {
        for _ in 0..4 {
            self.carry();
            for side in &mut self.people {
                side.pass(Span::from_millis(500));
            }
        }
        self.carry();
        for _ in 0..2 {
            for side in &mut self.people {
                side.pass(Span::from_secs(16));
            }
            self.carry();
        }
    }

    pub(crate) fn carry(&mut self) {
        self.carry_but(|_, _, _| false);
    }

    /// Carries frames until all are silent. `lost` takes away those that it does not like: from, to, frame.
    pub(crate) fn carry_but(&mut self, mut lost: impl FnMut(usize, usize, &Frame) -> bool) {
        loop {
            let mut frames = Vec::new();
            for (from, side) in self.people.iter_mut().enumerate() {
                frames.extend(std::mem::take(&mut side.sent).into_iter().map(|frame| (from, frame)));
            }
            if frames.is_empty() {
                return;
            }
            for (from, (device, frame)) in frames {
                let Some(to) = self.people.iter().position(|side| side.device == device) else { continue };
                let linked = self.connected.contains(&(from.min(to), from.max(to)));
                if linked && !lost(from, to, &frame) {
                    let device = self.people[from].device;
                    self.people[to].net(NetInput::Frame { device, frame });
                }
            }
        }
    }

    pub(crate) fn names(&self, who: usize, group: &GroupId) -> Vec<String> {
        self.view(who, group).members.into_iter().map(|member| member.name).collect()
    }

    pub(crate) fn crash(&mut self, who: usize) {
        for other in 0..self.people.len() {
            if other != who {
                self.disconnect(who, other);
            }
        }
        self.people[who].crash();
    }

    /// Ann makes a group with some of them.
    pub(crate) fn group(&mut self, members: &[usize], policy: Option<Policy>) -> GroupId {
        let members = members.iter().map(|who| self.people[*who].account).collect();
        let command = Command::CreateGroup { name: "harbour".to_owned(), members, policy };
        let group = match self.people[ANN].command(command) {
            Answer::Group(view) => view.group,
            other => panic!("{other:?}"),
        };
        self.gather();
        group
    }

    pub(crate) fn view(&self, who: usize, group: &GroupId) -> GroupView {
        query::group(&self.people[who].disk, group).unwrap().unwrap()
    }

    pub(crate) fn members(&self, who: usize, group: &GroupId) -> Vec<usize> {
        let view = self.view(who, group);
        let who = |account| self.people.iter().position(|side| side.account == account).unwrap();
        let mut members: Vec<usize> = view.members.iter().map(|member| who(member.account)).collect();
        members.sort_unstable();
        members
    }

    pub(crate) fn say(&mut self, who: usize, group: &GroupId, text: &str) -> MessageId {
        self.people[who].send(ChatId::group(group), text)
    }

    /// What somebody sees: the texts as they are, what happened as a word.
    pub(crate) fn timeline(&self, who: usize, group: &GroupId) -> Vec<String> {
        let views = query::timeline(&self.people[who].disk, &ChatId::group(group), None, 10_000).unwrap();
        let shown = views.into_iter().map(|view| match view.kind {
            MessageKind::Text => view.text,
            MessageKind::System(line) => format!("* {}", word(&line)),
            MessageKind::Call(_) => "a call".to_owned(),
        });
        shown.collect()
    }

    pub(crate) fn texts(&self, who: usize, group: &GroupId) -> Vec<String> {
        self.timeline(who, group).into_iter().filter(|text| !text.starts_with("* ")).collect()
    }

    /// These people have the same members and the same timeline.
    pub(crate) fn agree(&self, who: &[usize], group: &GroupId) {
        let [first, others @ ..] = who else { return };
        for other in others {
            assert_eq!(self.members(*first, group), self.members(*other, group), "{first} and {other}");
            assert_eq!(self.timeline(*first, group), self.timeline(*other, group), "{first} and {other}");
        }
    }
}

fn word(line: &GroupLine) -> &'static str {
    match line {
        GroupLine::Created { .. } => "created",
        GroupLine::Added { .. } => "added",
        GroupLine::Joined { .. } => "joined",
        GroupLine::Left => "left",
        GroupLine::Removed { .. } => "removed",
        GroupLine::Banned { .. } => "banned",
        GroupLine::Unbanned { .. } => "unbanned",
        GroupLine::Role { .. } => "role",
        GroupLine::Profile { .. } => "profile",
        GroupLine::Policy => "policy",
        GroupLine::Muted { .. } => "muted",
        GroupLine::LinkMade => "link made",
        GroupLine::LinkRevoked => "link revoked",
        GroupLine::Pinned { .. } => "pinned",
        GroupLine::Unpinned { .. } => "unpinned",
        GroupLine::Deleted { .. } => "deleted",
    }
}

#[test]
fn members_who_never_met_have_names_and_hear_where_the_others_are() {
    let mut world = World::of_friends(3);
    let members = [BOB, CAT].map(|who| world.people[who].account).to_vec();
    let command = Command::CreateGroup { name: "harbour".to_owned(), members, policy: None };
    let Answer::Group(view) = world.people[ANN].command(command) else { panic!("a group") };
    world.settle();
    let ways = |world: &World, who: usize, other: usize| {
        let way = (world.people[other].device, world.people[other].address.clone());
        world.people[who].ways.iter().filter(|other| **other == way).count()
    };
    for (who, other) in [(BOB, CAT), (CAT, BOB)] {
        assert_eq!(world.names(who, &view.group), ["Somebody", "Somebody", "Somebody"], "Ann told the names");
        assert_eq!(ways(&world, who, other), 1);
    }
    for _ in 0..2 {
        world.disconnect(ANN, BOB);
        world.connect(ANN, BOB);
        assert_eq!(
            ways(&world, BOB, CAT),
            2,
            "once more, after more than ten seconds, and not again so soon"
        );
    }
}

#[test]
fn three_people_of_whom_two_do_not_know_each_other_talk() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    for who in [ANN, BOB, CAT] {
        assert_eq!(world.members(who, &group), [ANN, BOB, CAT]);
        let view = world.view(who, &group);
        assert_eq!((view.name.as_str(), view.state), ("harbour", GroupState::Joined));
    }
    assert_eq!(world.people[BOB].state_of(&world.people[CAT].account), None, "they are no contacts");
    let cat = world.people[CAT].account;
    let name = world.view(BOB, &group).members.into_iter().find(|member| member.account == cat).unwrap().name;
    assert_eq!(name, "Somebody", "and know what the other is called");

    let said = world.say(BOB, &group, "hello");
    world.settle();
    world.say(CAT, &group, "good morning");
    world.settle();
    world.say(ANN, &group, "you are early");
    world.settle();
    world.agree(&[ANN, BOB, CAT], &group);
    assert_eq!(
        world.timeline(CAT, &group),
        ["* created", "* added", "* added", "hello", "good morning", "you are early"]
    );
    let hello = query::message(&world.people[BOB].disk, &said).unwrap().unwrap();
    assert_eq!(hello.receipts, Some(Receipts { delivered: 2, read: 0, of: 2 }));
    assert_eq!(hello.state, MessageState::Delivered);

    let (ann, reached) = (world.people[ANN].account, |world: &World| {
        query::receipts(&world.people[BOB].disk, &said).unwrap().into_iter().collect::<BTreeMap<_, _>>()
    });
    assert_eq!(reached(&world), [(ann, MessageState::Delivered), (cat, MessageState::Delivered)].into());
    assert!(query::receipts(&world.people[ANN].disk, &said).unwrap().is_empty(), "only the author is told");
    for who in [ANN, CAT] {
        let chat = ChatId::group(&group);
        let unread = query::chat(&world.people[who].disk, &chat).unwrap().unwrap().unread;
        assert_eq!(unread, 2);
        world.people[who].command(Command::MarkRead { chat, message: said });
        assert_eq!(query::chat(&world.people[who].disk, &chat).unwrap().unwrap().unread, 1);
    }
    world.settle();
    let hello = query::message(&world.people[BOB].disk, &said).unwrap().unwrap();
    assert_eq!(hello.receipts, Some(Receipts { delivered: 2, read: 2, of: 2 }));
    assert_eq!(hello.state, MessageState::Read);
    assert_eq!(reached(&world), [(ann, MessageState::Read), (cat, MessageState::Read)].into());
    let told = |event: &Event| matches!(event, Event::MessageReceipts { receipts, .. } if receipts.read == 2);
    assert!(world.people[BOB].events.iter().any(told));
    let stats = world.people.iter().map(|side| side.engine.stats());
    assert!(stats.into_iter().all(|stats| stats.bad_posts == 0 && stats.bad_meetings == 0));
}

#[test]
fn a_member_adds_a_friend_of_theirs_whom_nobody_else_knows() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    world.say(ANN, &group, "before");
    world.settle();
    world.people.push(Side::new(9));
    world.people[DAN].now = world.people[ANN].now;
    world.befriend(BOB, DAN);
    let members = vec![world.people[DAN].account];
    world.people[BOB].command(Command::AddMembers { group, members, role: Role::Member });
    world.gather();
    world.say(DAN, &group, "after");
    world.settle();
    for who in [ANN, BOB, CAT, DAN] {
        assert_eq!(world.members(who, &group), [ANN, BOB, CAT, DAN]);
        assert_eq!(world.texts(who, &group).last().map(String::as_str), Some("after"));
    }
    world.agree(&[ANN, BOB, CAT], &group);
    assert_eq!(world.texts(DAN, &group), ["after"], "what was said before is not for newcomers here");
    world.say(CAT, &group, "welcome");
    world.settle();
    assert_eq!(world.texts(DAN, &group), ["after", "welcome"]);
}

#[test]
fn somebody_added_by_no_friend_of_theirs_decides_whether_to_stay() {
    let mut world = World::of_friends(4);
    let first = world.group(&[BOB, CAT], None);
    // Bob and Cat share a group, and are no contacts.
    let (bobs, cat) = (world.people[BOB].account, world.people[CAT].account);
    let command = Command::CreateGroup { name: "pier".to_owned(), members: vec![cat], policy: None };
    let Answer::Group(view) = world.people[BOB].command(command) else { panic!("a group") };
    world.settle();
    let seen = world.view(CAT, &view.group);
    assert_eq!((seen.state, seen.invited_by), (GroupState::Invited, Some(bobs)));
    let chat = ChatId::group(&view.group);
    let send = Command::SendMessage { chat, text: "hm".to_owned(), reply_to: None, expires_secs: None };
    assert_eq!(world.people[CAT].try_command(send.clone()).err(), Some(Refusal::NotAccepted));
    world.people[CAT].command(Command::AcceptGroup { group: view.group });
    world.people[CAT].command(send);
    world.settle();
    assert_eq!(world.texts(BOB, &view.group), ["hm"]);
    world.people[CAT].command(Command::LeaveGroup { group: view.group });
    world.settle();
    assert_eq!(world.members(BOB, &view.group), [BOB]);
    assert_eq!(world.view(CAT, &view.group).state, GroupState::Left);
    world.people[CAT].command(Command::ForgetGroup { group: view.group });
    assert_eq!(query::groups(&world.people[CAT].disk).unwrap().len(), 1);
    assert_eq!(world.members(CAT, &first), [ANN, BOB, CAT]);
    let dan = vec![world.people[DAN].account];
    let add = Command::AddMembers { group: first, members: dan, role: Role::Member };
    assert_eq!(world.people[BOB].try_command(add).err(), Some(Refusal::CannotAdd));
}

#[test]
fn rules_are_changed_kept_and_told_in_words() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    let (bob, cat) = (world.people[BOB].account, world.people[CAT].account);
    let chat = ChatId::group(&group);
    let remove = Command::RemoveMember { group, account: cat };
    let denied = world.people[BOB].try_command(remove).err();
    assert_eq!(denied, Some(Refusal::Denied(Denial::RoleTooLow)));
    assert_eq!(denied.unwrap().to_string(), "your role in this group does not allow that");
    world.people[ANN].command(Command::SetRole { group, account: bob, role: Role::Admin });
    let profile = Command::SetGroupProfile { group, name: Some("pier".to_owned()), topic: None };
    world.people[ANN].command(profile);
    world.settle();
    let policy = Policy { post: Role::Moderator, ..Policy::default() };
    world.people[BOB].command(Command::SetPolicy { group, policy });
    world.settle();
    let send = Command::SendMessage { chat, text: "me?".to_owned(), reply_to: None, expires_secs: None };
    assert_eq!(world.people[CAT].try_command(send).err(), Some(Refusal::MayNotPost));
    let said = world.say(BOB, &group, "only us");
    world.settle();
    world.people[ANN].command(Command::PinMessage { chat, message: said });
    world.settle();
    assert_eq!(world.view(CAT, &group).pins, [said]);
    assert_eq!(query::chat(&world.people[CAT].disk, &chat).unwrap().unwrap().name, "pier");
    world.people[ANN].command(Command::DeleteForAll { chat, message: said });
    world.settle();
    for who in [ANN, BOB, CAT] {
        assert!(world.texts(who, &group).is_empty());
    }
    world.agree(&[ANN, BOB, CAT], &group);
    let slow = Policy { slow_mode_secs: 60, ..Policy::default() };
    world.people[BOB].command(Command::SetPolicy { group, policy: slow });
    world.settle();
    world.say(CAT, &group, "one");
    let send = Command::SendMessage { chat, text: "two".to_owned(), reply_to: None, expires_secs: None };
    assert_eq!(world.people[CAT].try_command(send).err(), Some(Refusal::SlowMode { wait_secs: 60 }));
}

#[test]
fn messages_disappear_everywhere_and_calls_by_name_arrive() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let bob = world.people[BOB].account;
    world.people[ANN].command(Command::SendToGroup {
        group,
        text: "look @Bob".to_owned(),
        reply_to: None,
        expires_secs: Some(3_600),
        mentions: vec![bob],
        mention_all: true,
    });
    world.settle();
    let chat = ChatId::group(&group);
    let seen = query::timeline(&world.people[BOB].disk, &chat, None, 9).unwrap().pop().unwrap();
    assert_eq!(
        (seen.mentions.as_slice(), seen.mentions_all, seen.text.as_str()),
        (&[bob][..], true, "look @Bob")
    );
    for side in &mut world.people {
        side.pass(Span::from_hours(2));
    }
    assert!(world.texts(ANN, &group).is_empty() && world.texts(BOB, &group).is_empty());
}

#[test]
fn newcomers_get_as_much_of_the_history_as_the_rules_say() {
    for (given, expected) in [
        (History::Nothing, vec!["welcome"]),
        (History::Last(2), vec!["two", "three", "welcome"]),
        (History::Everything, vec!["one", "two", "three", "welcome"]),
    ] {
        let mut world = World::of_friends(4);
        let group = world.group(&[BOB, CAT], Some(Policy { history: given, ..Policy::default() }));
        for (who, text) in [(ANN, "one"), (BOB, "two"), (CAT, "three")] {
            world.say(who, &group, text);
            world.settle();
        }
        let members = vec![world.people[DAN].account];
        world.people[ANN].command(Command::AddMembers { group, members, role: Role::Member });
        world.gather();
        world.say(BOB, &group, "welcome");
        world.settle();
        // A new connection, and with it a meeting.
        world.split(&[&[ANN, BOB, CAT], &[DAN]]);
        world.gather();
        assert_eq!(world.texts(DAN, &group), expected, "{given:?}");
        let stats = world.people[DAN].engine.stats();
        assert_eq!((stats.bad_meetings, stats.bad_posts), (0, 0));
        let unread = query::chat(&world.people[DAN].disk, &ChatId::group(&group)).unwrap().unwrap().unread;
        assert_eq!(unread, 1, "what was said before is no news");
    }
}

#[test]
fn a_contact_who_is_also_a_fellow_stays_one_when_the_contact_ends() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    let bob = world.people[BOB].account;
    world.people[ANN].command(Command::RemoveContact { contact: bob });
    world.disconnect(ANN, BOB);
    world.gather();
    assert_eq!(world.people[ANN].state_of(&bob), None);
    world.say(ANN, &group, "still here");
    world.settle();
    world.say(BOB, &group, "so am I");
    world.settle();
    assert_eq!(world.texts(ANN, &group), ["still here", "so am I"]);
    world.agree(&[ANN, BOB, CAT], &group);
    // And a fellow becomes a contact.
    world.befriend(CAT, BOB);
    assert_eq!(world.people[CAT].state_of(&bob), Some(ContactState::Accepted));
    world.say(CAT, &group, "and friends now");
    world.settle();
    world.agree(&[ANN, BOB, CAT], &group);
}

/// Rows of a table whose key has this device.
pub(crate) fn rows_of(side: &Side, table: Table, part: &[u8]) -> usize {
    let (from, to) = (Bound::Unbounded, Bound::Unbounded);
    let mut found = 0;
    let scanned = side.disk.scan(table, from, to, Direction::Up, &mut |key, _| {
        found += usize::from(part.is_empty() || key.windows(part.len()).any(|window| window == part));
        true
    });
    scanned.unwrap();
    found
}
