//! Links into a group.

use std::collections::BTreeMap;

use kith_engine::Command;
use kith_engine::Effect;
use kith_engine::Event;
use kith_engine::command::Answer;
use kith_engine::input::NetInput;
use kith_engine::query;
use kith_engine::view::GroupLine;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageView;
use kith_proto::bounded::BoundedVec;
use kith_proto::group::GroupInvite;
use kith_proto::group::LinkHost;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::RecordKey;
use kith_proto::record::Record;
use kith_proto::record::RecordKind;
use kith_proto::time::Span;

use super::ANN;
use super::BOB;
use super::CAT;
use super::World;
use crate::mailboxes::node;

/// A link of Ann's for an hour.
fn link(world: &mut World, group: GroupId, uses: u32, approval: bool) -> GroupInvite {
    link_of(world, group, Some(3_600), (uses, approval, 0))
}

fn link_of(
    world: &mut World,
    group: GroupId,
    expires_secs: Option<u64>,
    (uses, approval, work): (u32, bool, u8),
) -> GroupInvite {
    let role = Role::Member;
    let command = Command::CreateGroupLink { group, role, expires_secs, uses, approval, work };
    match world.people[ANN].command(command) {
        Answer::GroupLink(link) => link.to_string().parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stranger_comes_in_by_a_link() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let link = link(&mut world, group, 1, false);
    let cat = world.stranger(7);
    world.people[cat].command(Command::JoinGroup { link: link.clone() });
    assert_eq!(query::group(&world.people[cat].disk, &group).unwrap().unwrap().state, GroupState::Asking);
    let ann = world.people[ANN].device;
    assert!(world.people[cat].kept.contains(&ann) && world.people[cat].known.is_empty(), "Ann is only asked");
    world.connect(ANN, cat);
    world.gather();
    assert_eq!(world.members(BOB, &group), [ANN, BOB, cat]);
    assert_eq!(world.view(cat, &group).state, GroupState::Joined);
    for (who, other) in [(ANN, cat), (BOB, cat), (cat, ANN), (cat, BOB)] {
        let other = world.people[other].device;
        assert!(world.people[who].known.contains(&other), "members may come together directly");
    }
    world.say(cat, &group, "hello");
    world.settle();
    assert_eq!(world.texts(BOB, &group), ["hello"]);
    assert!(query::contacts(&world.people[ANN].disk).unwrap().len() == 1, "nobody became a contact");
    // It was for one.
    let dan = world.stranger(8);
    world.people[dan].command(Command::JoinGroup { link });
    world.connect(ANN, dan);
    world.settle();
    assert!(query::group(&world.people[dan].disk, &group).unwrap().is_some(), "Bob may know better");
    world.connect(BOB, dan);
    world.settle();
    assert_eq!(world.members(ANN, &group), [ANN, BOB, cat]);
    assert_eq!(query::group(&world.people[dan].disk, &group).unwrap(), None);
}

#[test]
fn somebody_decides_who_comes_by_a_link_with_approval() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let link = link(&mut world, group, 0, true);
    let (cat, dan) = (world.stranger(7), world.stranger(8));
    for who in [cat, dan] {
        world.people[who].command(Command::JoinGroup { link: link.clone() });
        world.connect(ANN, who);
    }
    world.settle();
    let requests = world.view(ANN, &group).requests;
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].name, "Somebody");
    world.crash(ANN);
    world.gather();
    let (cats, dans) = (world.people[cat].account, world.people[dan].account);
    world.people[ANN].command(Command::ApproveJoin { group, account: cats });
    world.people[ANN].command(Command::RefuseJoin { group, account: dans });
    world.settle();
    world.gather();
    assert_eq!(world.members(BOB, &group), [ANN, BOB, cat]);
    let forgotten = |event: &Event| matches!(event, Event::GroupForgotten { .. });
    assert!(world.people[dan].events.iter().any(forgotten));
    assert!(world.view(ANN, &group).requests.is_empty());
}

#[test]
fn a_link_that_was_taken_back_or_is_over_admits_nobody() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let first = link(&mut world, group, 0, false);
    let second = link(&mut world, group, 0, false);
    let revoked = world.view(ANN, &group).links.iter().map(|link| link.link).collect::<Vec<_>>();
    assert_eq!(revoked.len(), 2);
    let name =
        kith_proto::id::LinkId::of(&kith_crypto::operation::LinkSecret::from_seed(first.seed).public());
    world.people[ANN].command(Command::RevokeGroupLink { group, link: name });
    let cat = world.stranger(7);
    world.people[cat].command(Command::JoinGroup { link: first });
    world.connect(ANN, cat);
    world.settle();
    let dan = world.stranger(8);
    for side in &mut world.people {
        side.pass(Span::from_hours(2));
    }
    world.people[dan].now = world.people[ANN].now;
    world.people[dan].command(Command::JoinGroup { link: second });
    world.connect(ANN, dan);
    world.settle();
    assert_eq!(world.members(ANN, &group), [ANN, BOB]);
}

/// Everything that is published, and what is looked for in it.
#[derive(Default)]
struct Dht(BTreeMap<RecordKey, Record>);

impl Dht {
    fn carry(&mut self, world: &mut World) {
        for side in &mut world.people {
            for effect in std::mem::take(&mut side.dht) {
                match effect {
                    Effect::Publish { record } => _ = self.0.insert(record.key(), record),
                    Effect::LookUp { key } => {
                        if let Some(record) = self.0.get(&key).cloned() {
                            side.net(NetInput::Found { key, record });
                        }
                        side.net(NetInput::LookUpDone { key });
                    }
                    _ => {}
                }
            }
        }
    }

    /// So many seconds pass.
    fn live(&mut self, world: &mut World, seconds: u64) {
        for _ in 0..seconds {
            for side in &mut world.people {
                side.pass(Span::from_secs(1));
            }
            world.carry();
            self.carry(world);
        }
    }
}

fn is_let_in(world: &World, who: usize, group: &GroupId) -> bool {
    let view = query::group(&world.people[who].disk, group).unwrap();
    view.is_some_and(|view| view.state == GroupState::Joined)
}

fn show(world: &mut World, who: usize, group: GroupId) -> GroupView {
    match world.people[who].command(Command::ShowGroup { group }) {
        Answer::Group(view) => *view,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_link_whose_maker_is_gone_is_answered_by_another_member() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    let link = link(&mut world, group, 0, false);
    assert_eq!(link.hosts.len(), 3, "the maker and those who are connected");
    assert_eq!(link.hosts[0].account, world.people[ANN].account);
    world.settle();
    world.split(&[&[ANN], &[BOB, CAT]]);
    let dan = world.stranger(7);
    world.people[dan].command(Command::JoinGroup { link });
    world.connect(BOB, dan);
    world.settle();
    assert!(is_let_in(&world, dan, &group));
    assert_eq!(world.members(CAT, &group), [ANN, BOB, CAT, dan]);
    // Only one of them let Dan in, and everybody hears of it.
    world.gather();
    assert_eq!(world.members(ANN, &group), [ANN, BOB, CAT, dan]);
    let joined = |view: &MessageView| matches!(view.kind, MessageKind::System(GroupLine::Joined { .. }));
    let lines = query::timeline(&world.people[CAT].disk, &ChatId::group(&group), None, 100).unwrap();
    assert_eq!(lines.iter().filter(|view| joined(view)).count(), 1);
}

#[test]
fn every_member_who_may_invite_can_show_a_link_again_and_it_names_who_is_there() {
    let mut world = World::of_friends(3);
    let policy = Policy { invite: Role::Moderator, ..Policy::default() };
    let group = world.group(&[BOB, CAT], Some(policy));
    let (bob, role) = (world.people[BOB].account, Role::Moderator);
    world.people[ANN].command(Command::SetRole { group, account: bob, role });
    let made = link(&mut world, group, 0, false);
    world.settle();
    world.split(&[&[ANN], &[BOB, CAT]]);
    let view = show(&mut world, BOB, group);
    let shown = view.links[0].invite.clone().unwrap();
    assert_eq!(shown.seed, made.seed);
    let named: Vec<_> = shown.hosts.iter().map(|host| host.account).collect();
    let [ann, cat] = [ANN, CAT].map(|who| world.people[who].account);
    assert_eq!(
        named,
        [ann, bob, cat],
        "the maker, who shows it, who is there: every member may let somebody in"
    );
    assert_eq!(show(&mut world, CAT, group).links[0].invite, None, "Cat may not invite");
}

#[test]
fn who_answers_is_found_in_the_dht_when_those_whom_the_link_names_are_gone() {
    let mut world = World::of_friends(2);
    let mut dht = Dht::default();
    let group = world.group(&[], None);
    let link = link_of(&mut world, group, None, (0, false, 0));
    assert_eq!(link.hosts.len(), 1);
    let bob = world.people[BOB].account;
    world.people[ANN].command(Command::AddMembers { group, members: vec![bob], role: Role::Member });
    world.gather();
    // Ann goes for good; Bob is in a DHT.
    world.split(&[&[ANN], &[BOB]]);
    world.people[BOB].net(NetInput::BootstrapConnected { node: node(50) });
    dht.live(&mut world, 70);
    let records = dht.0.values().filter(|record| record.kind == RecordKind::Hosts).count();
    assert_eq!(records, 2, "today's and tomorrow's");
    let cat = world.stranger(7);
    world.people[cat].net(NetInput::BootstrapConnected { node: node(50) });
    world.people[cat].command(Command::JoinGroup { link });
    dht.live(&mut world, 5);
    let device = world.people[BOB].device;
    let dialled = world.people[cat].ways.iter().any(|(whom, _)| *whom == device);
    assert!(dialled, "Bob was found");
    world.connect(BOB, cat);
    dht.live(&mut world, 20);
    assert!(is_let_in(&world, cat, &group));
    // It is cheap: a record for two days, about hourly in a group of two.
    let before = world.people[BOB].now;
    let mut published = 0;
    while world.people[BOB].now < before + Span::from_hours(24) {
        world.people[BOB].pass(Span::from_minutes(1));
        let hosts = |effect: &&Effect| matches!(effect, Effect::Publish { record } if record.kind == RecordKind::Hosts);
        published += world.people[BOB].dht.iter().filter(hosts).count();
        world.people[BOB].dht.clear();
    }
    assert!((16..=100).contains(&published), "{published} records in a day");
}

#[test]
fn who_was_removed_does_not_come_back_by_a_link_alone() {
    let mut world = World::of_friends(3);
    let policy = Policy { invite: Role::Admin, ..Policy::default() };
    let group = world.group(&[BOB, CAT], Some(policy));
    let link = link(&mut world, group, 0, false);
    let (bobs, cats) = (world.people[BOB].account, world.people[CAT].account);
    world.people[ANN].command(Command::RemoveMember { group, account: cats });
    world.gather();
    assert_eq!(world.view(CAT, &group).state, GroupState::Removed);
    // Cat asks Bob, who may let anybody else in; it is for Ann to decide.
    world.split(&[&[ANN, BOB], &[BOB, CAT]]);
    world.disconnect(ANN, CAT);
    world.people[CAT].command(Command::JoinGroup { link: link.clone() });
    world.connect(BOB, CAT);
    world.settle();
    assert_eq!(world.members(BOB, &group), [ANN, BOB]);
    assert!(world.view(BOB, &group).requests.is_empty(), "it is not Bob's to decide");
    let requests = world.view(ANN, &group).requests;
    assert_eq!(requests.iter().map(|request| request.account).collect::<Vec<_>>(), [cats]);
    world.people[ANN].command(Command::ApproveJoin { group, account: cats });
    world.settle();
    assert_eq!(world.members(BOB, &group), [ANN, BOB, CAT]);
    assert!(is_let_in(&world, CAT, &group), "Bob told her");
    // Who left comes back as they like.
    world.people[CAT].command(Command::LeaveGroup { group });
    world.gather();
    world.people[CAT].command(Command::JoinGroup { link });
    world.settle();
    assert_eq!(world.members(ANN, &group), [ANN, BOB, CAT]);
    assert_eq!(world.view(BOB, &group).members.iter().filter(|member| member.account == bobs).count(), 1);
}

#[test]
fn a_refusal_reaches_whoever_asked_another_member() {
    let mut world = World::of_friends(2);
    let policy = Policy { invite: Role::Admin, ..Policy::default() };
    let group = world.group(&[BOB], Some(policy));
    let link = link(&mut world, group, 0, true);
    world.settle();
    let cat = world.stranger(7);
    let cats = world.people[cat].account;
    // Bob is not named, as he may not decide; but he is found.
    let bob = LinkHost {
        account: world.people[BOB].account,
        device: world.people[BOB].device,
        addresses: BoundedVec::default(),
    };
    assert_eq!(link.hosts.len(), 1);
    let link = GroupInvite { hosts: BoundedVec::truncated(vec![bob]), ..link };
    world.people[cat].command(Command::JoinGroup { link });
    world.connect(BOB, cat);
    world.settle();
    assert!(show(&mut world, cat, group).asked);
    assert_eq!(world.view(ANN, &group).requests.len(), 1);
    world.people[ANN].command(Command::RefuseJoin { group, account: cats });
    world.settle();
    let forgotten = |event: &Event| matches!(event, Event::GroupForgotten { .. });
    assert!(world.people[cat].events.iter().any(forgotten));
    assert!(world.view(ANN, &group).requests.is_empty());
}

#[test]
fn a_link_for_one_lets_one_in_though_two_members_let_two_in_at_once() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let link = link(&mut world, group, 1, false);
    world.settle();
    let (cat, dan) = (world.stranger(7), world.stranger(8));
    world.split(&[&[ANN, cat], &[BOB, dan]]);
    for who in [cat, dan] {
        world.people[who].command(Command::JoinGroup { link: link.clone() });
    }
    world.settle();
    assert!(is_let_in(&world, cat, &group) && is_let_in(&world, dan, &group), "nobody knows of the other");
    world.gather();
    let members = world.members(ANN, &group);
    assert_eq!(members.len(), 3, "one of them stays: {members:?}");
    for who in [BOB, cat, dan] {
        assert_eq!(world.members(who, &group), members);
    }
    let out = if members.contains(&cat) { dan } else { cat };
    assert_eq!(world.view(out, &group).state, GroupState::Removed);
    // Nobody comes by it any more.
    let eve = world.stranger(9);
    world.people[eve].command(Command::JoinGroup { link });
    world.connect(BOB, eve);
    world.settle();
    assert!(!is_let_in(&world, eve, &group));
}

#[test]
fn a_link_that_asks_for_work_gets_it_and_more_when_many_come() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let link = link_of(&mut world, group, None, (0, false, 6));
    assert_eq!(link.work, 6);
    let lazy = world.stranger(7);
    world.people[lazy].command(Command::JoinGroup { link: GroupInvite { work: 0, ..link.clone() } });
    world.connect(ANN, lazy);
    world.settle();
    assert!(is_let_in(&world, lazy, &group), "who was told of no work does it when asked");
    let mut wanted = Vec::new();
    for seed in 10..30 {
        let who = world.stranger(seed);
        world.people[who].command(Command::JoinGroup { link: link.clone() });
        world.connect(ANN, who);
        world.settle();
        assert!(is_let_in(&world, who, &group), "number {seed}");
        wanted.push(show(&mut world, ANN, group).members.len());
    }
    assert_eq!(*wanted.last().unwrap(), 23);
}
