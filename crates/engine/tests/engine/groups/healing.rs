//! Removal, partitions, crashes, lost things.

use kith_engine::Command;
use kith_engine::query;
use kith_engine::view::GroupState;
use kith_proto::frame::Frame;
use kith_proto::group::History;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::ChatId;
use kith_proto::time::Span;

use super::ANN;
use super::BOB;
use super::CAT;
use super::DAN;
use super::World;

#[test]
fn whoever_was_removed_reads_nothing_that_is_said_later() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    world.say(ANN, &group, "for all three");
    world.settle();
    let cat = world.people[CAT].account;
    world.people[ANN].command(Command::RemoveMember { group, account: cat });
    world.settle();
    assert_eq!(world.view(CAT, &group).state, GroupState::Removed);
    assert_eq!(world.members(BOB, &group), [ANN, BOB]);
    // Cat sees everything that passes between the others, as if it had been sent to her.
    world.say(ANN, &group, "for two");
    world.say(BOB, &group, "only");
    let (anns, bobs) = (world.people[ANN].device, world.people[BOB].device);
    let mut overheard = Vec::new();
    world.carry_but(|from, _, frame| {
        if matches!(frame, Frame::Put(_)) {
            overheard.push((if from == ANN { anns } else { bobs }, frame.clone()));
        }
        false
    });
    assert!(!overheard.is_empty());
    for (device, frame) in overheard {
        world.people[CAT].net(kith_engine::input::NetInput::Frame { device, frame });
    }
    world.settle();
    let mut texts = world.texts(BOB, &group);
    texts.sort();
    assert_eq!(texts, ["for all three", "for two", "only"]);
    assert_eq!(world.texts(CAT, &group), ["for all three"]);
    assert_eq!(world.people[BOB].state_of(&cat), None);
    // Bob and Cat have nothing in common any more, and forget each other.
    world.people[BOB].pass(Span::from_days(1));
    let chat = ChatId::group(&group);
    let command = Command::SendMessage { chat, text: "hey".to_owned(), reply_to: None, expires_secs: None };
    assert!(world.people[CAT].try_command(command).is_err());
    let back = Command::AddMembers { group, members: vec![cat], role: Role::Member };
    world.people[ANN].command(back);
    world.settle();
    world.gather();
    world.say(CAT, &group, "back again");
    world.settle();
    assert_eq!(world.texts(BOB, &group).last().map(String::as_str), Some("back again"));
}

#[test]
fn parts_that_changed_different_things_come_to_the_same() {
    let mut world = World::of_friends(5);
    let group = world.group(&[BOB, CAT, DAN], None);
    let (bob, dan) = (world.people[BOB].account, world.people[DAN].account);
    world.people[ANN].command(Command::SetRole { group, account: bob, role: Role::Admin });
    world.settle();
    world.split(&[&[ANN, CAT], &[BOB, DAN], &[4]]);
    let eve = world.people[4].account;
    world.people[ANN].command(Command::AddMembers { group, members: vec![eve], role: Role::Member });
    world.say(ANN, &group, "ann's part");
    world.say(CAT, &group, "cat's too");
    assert_eq!(world.view(BOB, &group).role, Some(Role::Admin), "{:?}", world.timeline(BOB, &group));
    world.people[BOB].command(Command::RemoveMember { group, account: dan });
    world.say(BOB, &group, "bob's part");
    world.settle();
    world.gather();
    world.agree(&[ANN, BOB, CAT], &group);
    assert_eq!(world.members(ANN, &group), [ANN, BOB, CAT, 4]);
    let mut texts = world.texts(ANN, &group);
    texts.sort();
    assert_eq!(texts, ["ann's part", "bob's part", "cat's too"]);
    assert_eq!(world.view(DAN, &group).state, GroupState::Removed);
    assert_eq!(world.members(4, &group), [ANN, BOB, CAT, 4]);
    world.say(4, &group, "hello all");
    world.settle();
    world.agree(&[ANN, BOB, CAT], &group);
}

#[test]
fn what_somebody_wrote_while_being_removed_is_the_same_on_all_who_stay() {
    let mut world = World::of_friends(4);
    let group = world.group(&[BOB, CAT, DAN], None);
    // Bob knows Dan otherwise too, so that he does not forget him.
    world.befriend(BOB, DAN);
    let dan = world.people[DAN].account;
    world.split(&[&[ANN, BOB], &[CAT, DAN]]);
    world.people[ANN].command(Command::RemoveMember { group, account: dan });
    world.say(DAN, &group, "do you hear me?");
    world.settle();
    assert_eq!(world.texts(CAT, &group), ["do you hear me?"]);
    // Dan meets Bob first, who knows already; Cat took it before.
    world.split(&[&[ANN], &[CAT], &[BOB, DAN]]);
    assert_eq!(world.people[BOB].engine.stats().dropped_posts, 1);
    world.gather();
    world.agree(&[ANN, BOB, CAT], &group);
    assert_eq!(world.texts(ANN, &group), ["do you hear me?"], "it stays, since Cat had taken it");

    world.split(&[&[ANN, BOB, CAT], &[DAN]]);
    assert_eq!(world.view(DAN, &group).state, GroupState::Removed);
}

#[test]
fn a_chain_and_posts_that_got_lost_are_healed() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    world.say(BOB, &group, "one");
    world.settle();
    // Cat puts back a disk from before Bob's chain came; her receipts say that she has it.
    let old = world.people[CAT].disk.clone();
    world.split(&[&[ANN, BOB, CAT]]);
    world.people[BOB].restart();
    world.crash(BOB);
    world.gather();
    world.say(BOB, &group, "two");
    world.settle();
    world.crash(CAT);
    world.people[CAT].disk = old;
    world.people[CAT].restart();
    world.gather();
    world.say(BOB, &group, "three");
    world.settle();
    world.settle();
    world.split(&[&[ANN, BOB], &[CAT]]);
    world.gather();
    assert_eq!(world.texts(CAT, &group), ["one", "two", "three"]);
    world.agree(&[ANN, BOB, CAT], &group);
}

#[test]
fn a_crash_at_any_point_loses_nothing() {
    let mut world = World::of_friends(4);
    let group = world.group(&[BOB, CAT], None);
    for round in 0..4 {
        for who in [ANN, BOB, CAT] {
            world.say(who, &group, &format!("{who} in {round}"));
            let mut left = 3 * round + who;
            world.carry_but(|_, _, _| {
                left = left.saturating_sub(1);
                left == 0
            });
            world.crash((who + round) % 3);
            world.gather();
        }
    }
    let dan = vec![world.people[DAN].account];
    world.people[ANN].command(Command::AddMembers { group, members: dan, role: Role::Member });
    world.crash(ANN);
    world.crash(DAN);
    world.gather();
    world.settle();
    world.agree(&[ANN, BOB, CAT], &group);
    assert_eq!(world.texts(ANN, &group).len(), 12);
    assert_eq!(world.members(DAN, &group), [ANN, BOB, CAT, DAN]);
}

#[test]
fn an_old_disk_in_a_group_is_brought_up_to_date_by_anybody() {
    let mut world = World::of_friends(4);
    let group = world.group(&[BOB, CAT], None);
    world.say(BOB, &group, "one");
    world.settle();
    let old = world.people[BOB].disk.clone();
    world.say(BOB, &group, "two");
    let dan = vec![world.people[DAN].account];
    world.people[ANN].command(Command::AddMembers { group, members: dan, role: Role::Member });
    world.gather();
    world.crash(BOB);
    world.people[BOB].disk = old;
    world.people[BOB].restart();
    // Only Cat is there.
    world.split(&[&[BOB, CAT], &[ANN, DAN]]);
    assert_eq!(world.members(BOB, &group), [ANN, BOB, CAT, DAN]);
    assert_eq!(world.texts(BOB, &group), ["one", "two"], "the own post, from somebody else");
    world.say(BOB, &group, "three");
    world.settle();
    world.gather();
    world.settle();
    world.agree(&[ANN, BOB, CAT], &group);
    assert_eq!(world.texts(ANN, &group), ["one", "two", "three"]);
    let flagged = query::groups(&world.people[ANN].disk).unwrap();
    assert_eq!(flagged.len(), 1);
}

#[test]
fn what_somebody_wrote_before_they_heard_that_they_may_not_is_the_same_on_all() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    let cat = world.people[CAT].account;
    world.split(&[&[ANN, BOB], &[CAT]]);
    world.people[ANN].command(Command::SetRole { group, account: cat, role: Role::Observer });
    world.say(CAT, &group, "do I still have a say?");
    world.settle();
    world.gather();
    world.settle();
    world.agree(&[ANN, BOB, CAT], &group);
    assert_eq!(world.texts(ANN, &group), ["do I still have a say?"]);
    let chat = ChatId::group(&group);
    let command = Command::SendMessage { chat, text: "no".to_owned(), reply_to: None, expires_secs: None };
    assert!(world.people[CAT].try_command(command).is_err());
}

#[test]
fn somebody_who_is_removed_by_no_friend_of_theirs_hears_of_it() {
    let mut world = World::of_friends(4);
    let group = world.group(&[BOB, CAT, DAN], None);
    let (bob, cat) = (world.people[BOB].account, world.people[CAT].account);
    world.people[ANN].command(Command::SetRole { group, account: bob, role: Role::Admin });
    world.settle();
    // Nobody but Bob, who is no contact of Cat's, could tell her.
    world.split(&[&[BOB, CAT], &[ANN], &[DAN]]);
    world.people[BOB].command(Command::RemoveMember { group, account: cat });
    world.settle();
    assert_eq!(world.view(CAT, &group).state, GroupState::Removed);

    // And whoever leaves says so to all.
    world.gather();
    world.split(&[&[BOB, DAN], &[ANN], &[CAT]]);
    world.people[DAN].command(Command::LeaveGroup { group });
    world.settle();
    assert_eq!(world.members(BOB, &group), [ANN, BOB]);
}

#[test]
fn a_word_of_a_meeting_may_be_cut_anywhere() {
    let mut world = World::of_friends(3);
    let policy = Policy { history: History::Everything, ..Policy::default() };
    let group = world.group(&[BOB], Some(policy));
    for number in 0..8 {
        // What follows the cut begins like the first word of a meeting.
        world.say(ANN, &group, &format!("{number}{}", "\0".repeat(12_000)));
    }
    world.settle();
    let members = vec![world.people[CAT].account];
    world.people[ANN].command(Command::AddMembers { group, members, role: Role::Member });
    world.gather();
    world.settle();
    assert_eq!(world.texts(CAT, &group).len(), 8);
    assert!(world.people.iter().all(|side| side.engine.stats().bad_meetings == 0));
}

#[test]
fn a_group_whose_maker_and_admins_are_gone_for_good_goes_on_and_lets_people_in() {
    const EVE: usize = 4;
    let mut world = World::of_friends(4);
    let policy = Policy { history: History::Everything, ..Policy::default() };
    let group = world.group(&[BOB, CAT, DAN], Some(policy));
    let bob = world.people[BOB].account;
    world.people[ANN].command(Command::SetRole { group, account: bob, role: Role::Admin });
    world.settle();
    let mut texts = vec!["from the beginning"];
    world.say(ANN, &group, texts[0]);
    world.settle();
    assert_eq!(world.stranger(9), EVE);
    world.split(&[&[ANN], &[BOB], &[CAT, DAN, EVE]]);
    world.people[CAT].pass(Span::from_days(30));
    world.people[DAN].pass(Span::from_days(30));
    world.people[EVE].pass(Span::from_days(30));
    world.befriend(DAN, EVE);
    texts.push("is anybody there?");
    world.say(CAT, &group, texts[1]);
    world.settle();
    let members = vec![world.people[EVE].account];
    world.people[DAN].command(Command::AddMembers { group, members, role: Role::Member });
    world.settle();
    texts.push("welcome");
    world.say(CAT, &group, texts[2]);
    world.settle();
    texts.push("glad to be here");
    world.say(EVE, &group, texts[3]);
    world.settle();
    for who in [CAT, DAN, EVE] {
        assert_eq!(world.texts(who, &group), texts, "{who}");
        assert_eq!(world.members(who, &group), [ANN, BOB, CAT, DAN, EVE]);
    }
    world.agree(&[CAT, DAN, EVE], &group);
}
