//! Links into a group.

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::command::Answer;
use kith_engine::query;
use kith_engine::view::GroupState;
use kith_proto::group::GroupInvite;
use kith_proto::group::Role;
use kith_proto::id::GroupId;

use super::ANN;
use super::BOB;
use super::CAT;
use super::World;
use crate::Side;

fn link(world: &mut World, group: GroupId, uses: u32, approval: bool) -> GroupInvite {
    let command =
        Command::CreateGroupLink { group, role: Role::Member, expires_secs: Some(3_600), uses, approval };
    match world.people[ANN].command(command) {
        Answer::GroupLink(link) => link.to_string().parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn stranger(world: &mut World, seed: u8) -> usize {
    let mut side = Side::new(seed);
    side.now = world.people[ANN].now;
    world.people.push(side);
    world.people.len() - 1
}

#[test]
fn a_stranger_comes_in_by_a_link() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let link = link(&mut world, group, 1, false);
    let cat = stranger(&mut world, 7);
    world.people[cat].command(Command::JoinGroup { link: link.clone() });
    assert_eq!(query::group(&world.people[cat].disk, &group).unwrap().unwrap().state, GroupState::Asking);
    world.connect(ANN, cat);
    world.gather();
    assert_eq!(world.members(BOB, &group), [ANN, BOB, cat]);
    assert_eq!(world.view(cat, &group).state, GroupState::Joined);
    world.say(cat, &group, "hello");
    world.settle();
    assert_eq!(world.texts(BOB, &group), ["hello"]);
    assert!(query::contacts(&world.people[ANN].disk).unwrap().len() == 1, "nobody became a contact");
    // It was for one.
    let dan = stranger(&mut world, 8);
    world.people[dan].command(Command::JoinGroup { link });
    world.connect(ANN, dan);
    world.settle();
    assert_eq!(world.members(ANN, &group), [ANN, BOB, cat]);
    assert_eq!(query::group(&world.people[dan].disk, &group).unwrap(), None);
}

#[test]
fn somebody_decides_who_comes_by_a_link_with_approval() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let link = link(&mut world, group, 0, true);
    let (cat, dan) = (stranger(&mut world, 7), stranger(&mut world, 8));
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
    let cat = stranger(&mut world, 7);
    world.people[cat].command(Command::JoinGroup { link: first });
    world.connect(ANN, cat);
    world.settle();
    let dan = stranger(&mut world, 8);
    for side in &mut world.people {
        side.pass(kith_proto::time::Span::from_hours(2));
    }
    world.people[dan].now = world.people[ANN].now;
    world.people[dan].command(Command::JoinGroup { link: second });
    world.connect(ANN, dan);
    world.settle();
    assert_eq!(world.members(ANN, &group), [ANN, BOB]);
    let _ = CAT;
}
