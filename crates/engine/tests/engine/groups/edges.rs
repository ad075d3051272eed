//! Groups at their edges: who leaves or is removed hears of it, newcomers get no more than the rules say, old disks undo
//! nothing, and what was to disappear does.

use std::ops::Bound;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::command::Answer;
use kith_engine::query;
use kith_engine::view::GroupState;
use kith_proto::group::History;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows as _;
use kith_proto::rows::Table;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::ANN;
use super::BOB;
use super::CAT;
use super::DAN;
use super::World;
use super::rows_of;
use crate::Side;

const EVE: usize = 4;

fn keeping_history_from_newcomers() -> Option<Policy> {
    Some(Policy { history: History::Nothing, ..Policy::default() })
}

#[test]
fn members_who_are_no_contacts_hear_that_somebody_left() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    world.say(BOB, &group, "hi");
    world.settle();
    world.split(&[&[ANN], &[BOB, CAT]]);
    world.people[CAT].command(Command::LeaveGroup { group });
    world.settle();
    assert_eq!(world.members(BOB, &group), [ANN, BOB]);
}

#[test]
fn a_member_who_is_no_contact_hears_of_being_removed() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    let (bob, cat) = (world.people[BOB].account, world.people[CAT].account);
    world.people[ANN].command(Command::SetRole { group, account: bob, role: Role::Admin });
    world.settle();
    world.split(&[&[ANN], &[BOB, CAT]]);
    world.people[BOB].command(Command::RemoveMember { group, account: cat });
    world.settle();
    assert_eq!(world.view(CAT, &group).state, GroupState::Removed);
}

#[test]
fn whoever_was_away_gives_newcomers_nothing_from_before_they_came() {
    let mut world = World::of_friends(4);
    let group = world.group(&[BOB, CAT], keeping_history_from_newcomers());
    world.split(&[&[ANN, CAT], &[BOB], &[DAN]]);
    for number in 0..5 {
        world.say(ANN, &group, &format!("ann's {number}"));
        world.say(CAT, &group, &format!("cat's {number}"));
        world.settle();
    }
    for side in &mut world.people {
        side.pass(Span::from_days(3));
    }
    let members = vec![world.people[DAN].account];
    world.people[ANN].command(Command::AddMembers { group, members, role: Role::Member });
    world.settle();
    // Bob hears that Dan came before he hears what was said before that.
    world.split(&[&[ANN], &[CAT, BOB], &[DAN]]);
    assert_eq!(world.texts(BOB, &group).len(), 10);
    world.gather();
    world.settle();
    assert!(world.texts(DAN, &group).is_empty(), "{:?}", world.texts(DAN, &group));
    world.say(CAT, &group, "welcome");
    world.settle();
    assert_eq!(world.texts(DAN, &group), ["welcome"]);
}

#[test]
fn what_was_said_while_somebody_was_out_is_not_given_to_them() {
    let mut world = World::of_friends(4);
    let group = world.group(&[BOB, CAT, DAN], keeping_history_from_newcomers());
    world.split(&[&[ANN, CAT, DAN], &[BOB]]);
    let dan = world.people[DAN].account;
    world.people[ANN].command(Command::RemoveMember { group, account: dan });
    world.settle();
    for number in 0..3 {
        world.say(CAT, &group, &format!("about dan {number}"));
        world.settle();
    }
    world.people[ANN].command(Command::AddMembers { group, members: vec![dan], role: Role::Member });
    world.settle();
    world.split(&[&[ANN], &[CAT, BOB], &[DAN]]);
    world.split(&[&[ANN], &[CAT], &[DAN, BOB]]);
    world.settle();
    assert_eq!(world.texts(BOB, &group).len(), 3);
    assert!(world.texts(DAN, &group).is_empty(), "{:?}", world.texts(DAN, &group));
}

#[test]
fn an_own_post_is_no_echo_though_nobody_else_is_there() {
    let mut world = World::of_friends(2);
    let group = world.group(&[], None);
    world.people[ANN].events.clear();
    world.say(ANN, &group, "note to self");
    let came = |event: &Event| matches!(event, Event::MessageReceived(view) if view.outgoing);
    assert!(!world.people[ANN].events.iter().any(came));
    assert_eq!(world.people[ANN].engine.stats().set_back, 0);
}

#[test]
fn what_has_disappeared_is_in_no_row() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let text = "burn after reading".to_owned();
    world.people[ANN].command(Command::SendToGroup {
        group,
        text: text.clone(),
        reply_to: None,
        expires_secs: Some(60),
        mentions: vec![],
        mention_all: false,
    });
    world.settle();
    assert_eq!(world.texts(BOB, &group), [text.as_str()]);
    for side in &mut world.people {
        side.pass(Span::from_hours(2));
    }
    for who in [ANN, BOB] {
        assert!(world.texts(who, &group).is_empty());
        let mut found = 0;
        let posts = Table::shredded("group_posts");
        let (from, to) = (Bound::Unbounded, Bound::Unbounded);
        let scanned = world.people[who].disk.scan(posts, from, to, Direction::Up, &mut |_, value| {
            found += usize::from(value.windows(text.len()).any(|part| part == text.as_bytes()));
            true
        });
        scanned.unwrap();
        assert_eq!(found, 0);
    }
}

#[test]
fn an_old_disk_undoes_no_ban() {
    let mut world = World::of_friends(4);
    let group = world.group(&[BOB, CAT, DAN], None);
    let old = world.people[ANN].disk.clone();
    let dan = world.people[DAN].account;
    world.people[ANN].command(Command::BanMember { group, account: dan });
    world.settle();
    world.crash(ANN);
    world.people[ANN].disk = old;
    world.people[ANN].restart();
    // The same number under which she banned him.
    let name = Some("pier".to_owned());
    world.people[ANN].command(Command::SetGroupProfile { group, name, topic: None });
    world.gather();
    world.settle();
    assert_eq!(world.members(BOB, &group), [ANN, BOB, CAT]);
    assert_eq!(world.members(ANN, &group), [ANN, BOB, CAT]);
    world.say(BOB, &group, "is he gone?");
    world.settle();
    assert!(world.texts(DAN, &group).is_empty());
}

#[test]
fn what_the_muted_say_by_a_clock_of_their_own_is_not_shown_later() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    let (bob, until) = (world.people[BOB].account, world.people[ANN].now + Span::from_hours(1));
    world.people[ANN].command(Command::MuteMember { group, account: bob, until });
    world.settle();
    world.people[BOB].pass(Span::from_hours(2));
    world.say(BOB, &group, "I am muted");
    world.settle();
    for who in [ANN, CAT] {
        world.people[who].pass(Span::from_minutes(70));
    }
    let name = Some("pier".to_owned());
    world.people[ANN].command(Command::SetGroupProfile { group, name, topic: None });
    world.settle();
    assert!(world.people[ANN].engine.stats().dropped_posts > 0);
}

#[test]
fn somebody_who_was_removed_hears_that_and_no_more() {
    let mut world = World::of_friends(4);
    let group = world.group(&[BOB, CAT], None);
    let cat = world.people[CAT].account;
    world.people[ANN].command(Command::BanMember { group, account: cat });
    world.settle();
    let name = Some("without cat".to_owned());
    world.people[ANN].command(Command::SetGroupProfile { group, name, topic: None });
    let members = vec![world.people[DAN].account];
    world.people[ANN].command(Command::AddMembers { group, members, role: Role::Member });
    world.settle();
    world.disconnect(ANN, CAT);
    world.connect(ANN, CAT);
    world.settle();
    let seen = world.view(CAT, &group);
    assert_eq!((seen.name.as_str(), seen.state), ("harbour", GroupState::Removed));
    assert_eq!(world.members(CAT, &group), [ANN, BOB]);
}

/// How many posts somebody has with what they say.
fn bodies(side: &Side) -> usize {
    rows_of(side, Table::shredded("group_posts"), &[])
}

/// Bob deletes what Ann said, away from her, while she removes him; in between there is this.
fn delete_in_vain(between: impl FnOnce(&mut World, &GroupId), clock: Option<Timestamp>) -> (World, GroupId) {
    let mut world = World::of_friends(4);
    let group = world.group(&[BOB, CAT, DAN], None);
    let bob = world.people[BOB].account;
    world.people[ANN].command(Command::SetRole { group, account: bob, role: Role::Moderator });
    world.settle();
    let said = world.say(ANN, &group, "keep this");
    world.settle();
    world.split(&[&[ANN, DAN], &[BOB, CAT]]);
    world.people[BOB].now = clock.unwrap_or(world.people[BOB].now);
    world.people[BOB].command(Command::DeleteForAll { chat: ChatId::group(&group), message: said });
    world.settle();
    between(&mut world, &group);
    world.people[ANN].command(Command::RemoveMember { group, account: bob });
    world.settle();
    world.gather();
    world.settle();
    assert_eq!(world.texts(CAT, &group), ["keep this"]);
    (world, group)
}

#[test]
fn a_deletion_that_turns_out_void_deletes_for_nobody() {
    let gone = |world: &mut World, group: &GroupId| assert!(world.texts(CAT, group).is_empty());
    let (world, group) = delete_in_vain(gone, None);
    world.agree(&[ANN, CAT, DAN], &group);
}

#[test]
fn a_deletion_that_counts_leaves_nothing_after_a_day() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let said = world.say(ANN, &group, "forget this");
    world.settle();
    world.people[ANN].command(Command::DeleteForAll { chat: ChatId::group(&group), message: said });
    world.settle();
    for who in [ANN, BOB] {
        assert_eq!(bodies(&world.people[who]), 1, "it may turn out that it was not deleted");
        // A start in between changes nothing.
        world.crash(who);
        world.people[who].pass(Span::from_days(2));
        assert_eq!(bodies(&world.people[who]), 0);
    }
}

#[test]
fn a_deleter_whose_clock_is_years_behind_deletes_no_sooner() {
    let later = |world: &mut World, group: &GroupId| {
        world.people[CAT].pass(Span::from_minutes(5));
        assert_eq!((world.texts(CAT, group).len(), bodies(&world.people[CAT])), (0, 1));
    };
    delete_in_vain(later, Some(Timestamp(1_000)));
}

#[test]
fn nobody_comes_to_what_was_deleted_by_coming_later() {
    let mut world = World::of_friends(3);
    let policy = Policy { history: History::Everything, ..Policy::default() };
    let group = world.group(&[BOB], Some(policy));
    let said = world.say(ANN, &group, "forget this");
    world.say(ANN, &group, "this stays");
    world.settle();
    world.people[ANN].command(Command::DeleteForAll { chat: ChatId::group(&group), message: said });
    world.settle();
    let members = vec![world.people[CAT].account];
    world.people[ANN].command(Command::AddMembers { group, members, role: Role::Member });
    world.settle();
    assert_eq!(world.texts(CAT, &group), ["this stays"]);
    assert_eq!(bodies(&world.people[CAT]), 1);
}

#[test]
fn who_was_added_and_has_not_agreed_talks_to_nobody_but_who_added_them() {
    let mut world = World::of_friends(3);
    world.group(&[BOB, CAT], None);
    assert_eq!(world.stranger(9), DAN);
    world.befriend(BOB, DAN);
    let members = vec![world.people[CAT].account, world.people[DAN].account];
    let command = Command::CreateGroup { name: "spam".to_owned(), members, policy: None };
    let Answer::Group(view) = world.people[BOB].command(command) else { panic!("a group") };
    world.settle();
    assert_eq!(world.view(CAT, &view.group).state, GroupState::Invited);
    let dans = world.people[DAN].device;
    assert!(world.people[CAT].ways.iter().all(|(device, _)| *device != dans), "nobody else is dialled");
    let dan = world.people[DAN].account;
    assert_eq!(world.people[CAT].state_of(&dan), None);
    world.people[CAT].command(Command::AcceptGroup { group: view.group });
    world.gather();
    world.say(DAN, &view.group, "welcome");
    world.settle();
    assert_eq!(world.texts(CAT, &view.group), ["welcome"]);
}

/// Bob adds Eve while Ann, who knows nothing of that, removes Dan: somebody keeps the removal for Eve.
#[test]
fn a_newcomer_hears_of_a_removal_whose_author_did_not_know_them() {
    let mut world = World::of_friends(5);
    let group = world.group(&[BOB, CAT, DAN], None);
    let (dan, eve) = (world.people[DAN].account, world.people[EVE].account);
    world.befriend(BOB, EVE);
    world.split(&[&[ANN], &[BOB], &[CAT], &[DAN], &[EVE]]);
    world.people[BOB].command(Command::AddMembers { group, members: vec![eve], role: Role::Member });
    world.people[ANN].command(Command::RemoveMember { group, account: dan });
    world.split(&[&[ANN, BOB], &[CAT], &[DAN], &[EVE]]);
    let waiting = |world: &World, who: usize| {
        let eves = world.people[EVE].device;
        let outboxes = [Table::plain("outbox"), Table::shredded("outbox")];
        outboxes.map(|table| rows_of(&world.people[who], table, &eves.0)).iter().sum::<usize>()
    };
    assert!(waiting(&world, BOB) > 1, "the log, and the removal");
    world.split(&[&[ANN], &[BOB, EVE], &[CAT], &[DAN]]);
    assert_eq!(world.members(EVE, &group), [ANN, BOB, CAT, EVE]);
    assert_eq!(query::groups(&world.people[EVE].disk).unwrap().len(), 1);
}

/// Cat lost her phone and comes back by her phrase on another one.
#[test]
fn a_member_who_comes_back_on_another_device_is_in_the_group_and_the_old_device_reads_nothing() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    world.say(BOB, &group, "before");
    world.settle();
    let phrase = world.people[CAT].phrase.clone();
    for other in [ANN, BOB] {
        world.disconnect(CAT, other);
    }
    let mut again = Side::with_phrase(50, Some(&phrase));
    again.now = world.people[ANN].now + Span::from_secs(5);
    world.people.push(again);
    let new = world.people.len() - 1;
    let invite = crate::invite(&mut world.people[ANN]);
    world.people[new].command(Command::AddContact { invite, greeting: String::new() });
    world.connect(ANN, new);
    world.settle();
    world.connect(BOB, new);
    world.settle();
    assert_eq!(world.view(new, &group).members.len(), 3);
    world.say(BOB, &group, "bob, after");
    world.say(ANN, &group, "ann, after");
    world.settle();
    let texts = world.texts(new, &group);
    assert!(texts.iter().any(|text| text == "bob, after") && texts.iter().any(|text| text == "ann, after"));
    // Whoever has the old device.
    for other in [ANN, BOB] {
        world.connect(other, CAT);
    }
    world.settle();
    assert_eq!(world.texts(CAT, &group), ["before"]);
}

#[test]
fn who_is_let_in_beside_stricter_rules_is_out_when_both_sides_meet() {
    let mut world = World::of_friends(4);
    let group = world.group(&[BOB, CAT], None);
    let (ann, bob, dan) = (world.people[ANN].account, world.people[BOB].account, world.people[DAN].account);
    world.people[ANN].command(Command::SetRole { group, account: bob, role: Role::Owner });
    world.people[ANN].command(Command::SetRole { group, account: ann, role: Role::Member });
    world.settle();
    world.split(&[&[BOB, CAT], &[ANN, DAN]]);
    let policy = Policy { invite: Role::Admin, ..Policy::default() };
    world.people[BOB].command(Command::SetPolicy { group, policy });
    world.people[ANN].command(Command::AddMembers { group, members: vec![dan], role: Role::Member });
    world.settle();
    assert_eq!(world.members(ANN, &group).len(), 4, "Ann does not know better");
    world.gather();
    world.settle();
    world.agree(&[ANN, BOB, CAT], &group);
    assert_eq!(world.members(ANN, &group), [ANN, BOB, CAT]);
    assert_eq!(world.view(DAN, &group).state, GroupState::Removed);
}
