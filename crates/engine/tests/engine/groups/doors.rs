//! Doors of groups under pressure: whoever knocks without end, lies, or left before keeps nobody else out.

use kith_crypto::invite;
use kith_engine::Command;
use kith_engine::Event;
use kith_engine::command::Answer;
use kith_engine::input::AddressRank;
use kith_engine::query;
use kith_engine::view::GroupState;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::frame::Frame;
use kith_proto::frame::InviteProof;
use kith_proto::group::GroupInvite;
use kith_proto::group::LinkHost;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::group::link_secret;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::rows::Table;
use kith_proto::time::Span;

use super::ANN;
use super::BOB;
use super::CAT;
use super::DAN;
use super::World;
use super::rows_of;
use crate::NetInput;
use crate::Side;

fn link(world: &mut World, group: GroupId, approval: bool, work: u8) -> GroupInvite {
    let role = Role::Member;
    let command = Command::CreateGroupLink { group, role, expires_secs: None, uses: 0, approval, work };
    match world.people[ANN].command(command) {
        Answer::GroupLink(link) => link.to_string().parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The link as it is if it names only these.
fn naming(world: &World, link: &GroupInvite, hosts: &[usize]) -> GroupInvite {
    let host = |who: &usize| LinkHost {
        account: world.people[*who].account,
        device: world.people[*who].device,
        addresses: BoundedVec::default(),
    };
    GroupInvite { hosts: BoundedVec::truncated(hosts.iter().map(host).collect()), ..link.clone() }
}

fn is_in(world: &World, who: usize, group: &GroupId) -> bool {
    let view = query::group(&world.people[who].disk, group).unwrap();
    view.is_some_and(|view| view.state == GroupState::Joined)
}

fn is_forgotten(side: &Side) -> bool {
    side.events.iter().any(|event| matches!(event, Event::GroupForgotten { .. }))
}

/// Somebody new comes to Ann by the link, and is in.
fn comes_in(world: &mut World, link: GroupInvite, group: &GroupId) {
    let last = world.stranger(9);
    world.people[last].command(Command::JoinGroup { link });
    world.connect(ANN, last);
    world.settle();
    assert!(is_in(world, last, group));
}

#[test]
fn who_came_and_left_keeps_no_stranger_out() {
    let mut world = World::of_friends(1);
    let group = world.group(&[], None);
    let link = link(&mut world, group, false, 0);
    for seed in 10..76 {
        let who = world.stranger(seed);
        world.people[who].command(Command::JoinGroup { link: link.clone() });
        world.connect(ANN, who);
        world.people[who].command(Command::LeaveGroup { group });
        world.carry();
        world.disconnect(ANN, who);
        world.people.truncate(1);
        world.people[ANN].pass(Span::from_secs(1));
    }
    comes_in(&mut world, link, &group);
}

#[test]
fn who_does_no_work_keeps_no_stranger_out() {
    let mut world = World::of_friends(1);
    let group = world.group(&[], None);
    let link = link(&mut world, group, false, 6);
    for seed in 10..80 {
        let who = world.stranger(seed);
        let lazy = GroupInvite { work: 0, ..link.clone() };
        world.people[who].command(Command::JoinGroup { link: lazy });
        let (ann, device) = (world.people[ANN].device, world.people[who].device);
        world.connected.insert((ANN, who));
        world.people[ANN].net(NetInput::Connected { device, dialled: None });
        world.people[who].net(NetInput::Connected { device: ann, dialled: None });
        // They do not want to hear what they are told.
        let deaf = |from: usize, _: usize, frame: &Frame| from == ANN && matches!(frame, Frame::Put(_));
        world.carry_but(deaf);
        world.disconnect(ANN, who);
        world.people.truncate(1);
    }
    let kept = rows_of(&world.people[ANN], Table::plain("contacts"), &[]);
    assert!(kept <= 70, "{kept} rows");
    comes_in(&mut world, link, &group);
}

/// Dan's group made Bob and Cat fellows. Cat adds Ann, whose friend Bob is, and Bob, who does not agree.
#[test]
fn nobody_is_told_where_somebody_is_who_did_not_agree() {
    let mut world = World::of_friends(3);
    assert_eq!(world.stranger(9), DAN);
    world.befriend(DAN, BOB);
    world.befriend(DAN, CAT);
    let members = [BOB, CAT].map(|who| world.people[who].account).to_vec();
    let command = Command::CreateGroup { name: "first".to_owned(), members, policy: None };
    world.people[DAN].command(command);
    world.gather();
    for (one, other) in [(BOB, CAT), (DAN, ANN), (DAN, BOB), (DAN, CAT)] {
        world.disconnect(one, other);
    }
    world.settle();
    // He moves, and Cat does not hear of it.
    let address = Multiaddress::new(vec![99]).unwrap();
    world.people[BOB].net(NetInput::Listening { address: address.clone(), rank: AddressRank::Global });
    world.settle();
    let members = [ANN, BOB].map(|who| world.people[who].account).to_vec();
    let command = Command::CreateGroup { name: "trap".to_owned(), members, policy: None };
    let Answer::Group(view) = world.people[CAT].command(command) else { panic!("a group") };
    world.settle();
    assert!(is_in(&world, ANN, &view.group), "she is Cat's friend");
    let to_bob = |world: &World| {
        let way = (world.people[BOB].device, address.clone());
        world.people[CAT].ways.iter().filter(|other| **other == way).count()
    };
    assert_eq!(to_bob(&world), 0, "Ann told nothing of Bob");
    for who in [CAT, BOB] {
        world.disconnect(ANN, who);
        world.connect(ANN, who);
        world.settle();
    }
    assert_eq!(to_bob(&world), 0, "nor later");
    // He agrees.
    world.people[BOB].command(Command::AcceptGroup { group: view.group });
    world.settle();
    assert_eq!(to_bob(&world), 1, "now she may know");
}

#[test]
fn an_account_that_comes_back_by_its_phrase_and_a_link_is_no_ghost() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let link = link(&mut world, group, false, 0);
    let cat = world.stranger(7);
    world.people[cat].command(Command::JoinGroup { link: link.clone() });
    world.connect(ANN, cat);
    world.gather();
    assert_eq!(world.members(BOB, &group), [ANN, BOB, cat]);
    for other in [ANN, BOB] {
        world.disconnect(cat, other);
    }
    let phrase = world.people[cat].phrase.clone();
    let mut again = Side::with_phrase(50, Some(&phrase));
    again.now = world.people[ANN].now + Span::from_secs(5);
    world.people[cat] = again;
    world.people[cat].command(Command::JoinGroup { link });
    world.connect(ANN, cat);
    world.settle();
    world.connect(BOB, cat);
    world.settle();
    assert!(is_in(&world, cat, &group));
    world.say(cat, &group, "I am back");
    world.settle();
    for who in [ANN, BOB] {
        assert_eq!(world.texts(who, &group), ["I am back"]);
    }
    world.say(BOB, &group, "welcome");
    world.settle();
    assert_eq!(world.texts(cat, &group), ["I am back", "welcome"]);
    world.people[cat].command(Command::LeaveGroup { group });
    world.settle();
    assert_eq!(world.members(BOB, &group), [ANN, BOB]);
}

#[test]
fn who_has_a_wrong_clock_comes_in_and_does_not_ask_without_end() {
    for (ahead, behind) in [(2, 0), (0, 20)] {
        let mut world = World::of_friends(1);
        let group = world.group(&[], None);
        world.people[ANN].pass(Span::from_days(30));
        let link = link(&mut world, group, false, 6);
        let cat = world.stranger(7);
        let now = world.people[ANN].now.0 + Span::from_days(ahead).0 - Span::from_days(behind).0;
        world.people[cat].now = kith_proto::time::Timestamp(now);
        world.people[cat].command(Command::JoinGroup { link });
        let device = world.people[cat].device;
        world.connected.insert((ANN, cat));
        let ann = world.people[ANN].device;
        world.people[ANN].net(NetInput::Connected { device, dialled: None });
        world.people[cat].net(NetInput::Connected { device: ann, dialled: None });
        let mut frames = 0;
        for _ in 0..400 {
            world.carry_but(|_, _, _| {
                frames += 1;
                frames > 500
            });
            world.people[cat].pass(Span(5));
        }
        assert!(frames < 100, "{frames} frames");
        assert!(is_in(&world, cat, &group), "{ahead} days ahead, {behind} behind");
    }
}

#[test]
fn a_host_who_left_does_not_end_the_request() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB], None);
    let link = link(&mut world, group, false, 0);
    assert_eq!(link.hosts.len(), 2);
    world.people[ANN].command(Command::LeaveGroup { group });
    world.settle();
    world.split(&[&[ANN, CAT], &[BOB]]);
    world.people[CAT].command(Command::JoinGroup { link });
    world.settle();
    assert!(!is_in(&world, CAT, &group) && !is_forgotten(&world.people[CAT]));
    world.gather();
    world.settle();
    assert!(is_in(&world, CAT, &group));
}

#[test]
fn who_is_not_let_in_again_keeps_the_chat_from_before() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    let link = link(&mut world, group, false, 0);
    world.say(BOB, &group, "hello");
    world.settle();
    world.people[BOB].command(Command::LeaveGroup { group });
    world.settle();
    let name = kith_proto::id::LinkId::of(&kith_crypto::operation::LinkSecret::from_seed(link.seed).public());
    world.people[ANN].command(Command::RevokeGroupLink { group, link: name });
    world.settle();
    world.people[BOB].events.clear();
    world.people[BOB].command(Command::JoinGroup { link });
    world.settle();
    assert!(!is_forgotten(&world.people[BOB]), "the chat is there");
    let told = world.people[BOB].events.iter().rev().find_map(|event| match event {
        Event::GroupChanged(view) => Some(view.state),
        _ => None,
    });
    assert_eq!(told, Some(GroupState::Left));
    assert_eq!(world.texts(BOB, &group), ["hello"]);
}

#[test]
fn one_member_passes_on_no_more_than_their_share_and_the_newest_stay() {
    let mut world = World::of_friends(2);
    let policy = Policy { invite: Role::Admin, ..Policy::default() };
    let group = world.group(&[BOB], Some(policy));
    let link = link(&mut world, group, true, 0);
    world.settle();
    let by_bob = naming(&world, &link, &[BOB]);
    let mut last = 0;
    for seed in 10..46 {
        last = world.stranger(seed);
        world.people[last].command(Command::JoinGroup { link: by_bob.clone() });
        world.connect(BOB, last);
        world.people.iter_mut().for_each(|side| side.pass(Span::from_secs(1)));
        world.carry();
    }
    let requests = world.view(ANN, &group).requests;
    assert_eq!(requests.len(), 32);
    let newest = world.people[last].account;
    assert!(requests.iter().any(|request| request.account == newest));
}

#[test]
fn nobody_waits_for_ever_for_a_decision() {
    let mut world = World::of_friends(1);
    let group = world.group(&[], None);
    let link = link(&mut world, group, true, 0);
    let cat = world.stranger(7);
    world.people[cat].command(Command::JoinGroup { link });
    world.connect(ANN, cat);
    world.settle();
    assert_eq!(world.view(ANN, &group).requests.len(), 1);
    for _ in 0..15 {
        world.people.iter_mut().for_each(|side| side.pass(Span::from_days(1)));
        world.settle();
    }
    assert!(world.view(ANN, &group).requests.is_empty());
    assert!(is_forgotten(&world.people[cat]), "and is told");
}

#[test]
fn whoever_passed_a_request_on_hears_what_was_decided_and_a_refusal_holds_for_all() {
    let mut world = World::of_friends(4);
    let policy = Policy { invite: Role::Admin, ..Policy::default() };
    let group = world.group(&[BOB, CAT, DAN], Some(policy));
    let link = link(&mut world, group, true, 0);
    world.settle();
    let link = naming(&world, &link, &[BOB, CAT, DAN]);
    let eve = world.stranger(7);
    let eves = world.people[eve].account;
    world.people[eve].command(Command::JoinGroup { link });
    for host in [BOB, CAT] {
        world.connect(host, eve);
        world.settle();
        world.people[eve].pass(Span::from_hours(2));
        world.settle();
    }
    let requests = Table::plain("group_requests");
    for host in [BOB, CAT] {
        assert_eq!(rows_of(&world.people[host], requests, &eves.0), 1);
    }
    world.people[ANN].command(Command::RefuseJoin { group, account: eves });
    world.settle();
    for host in [ANN, BOB, CAT] {
        assert_eq!(rows_of(&world.people[host], requests, &eves.0), 0, "{host}");
    }
    // The third asks no person again.
    world.connect(DAN, eve);
    world.people[eve].pass(Span::from_hours(2));
    world.settle();
    assert!(world.view(ANN, &group).requests.is_empty());
    assert!(is_forgotten(&world.people[eve]));
}

#[test]
fn what_somebody_sealed_with_goes_with_their_device() {
    let mut world = World::of_friends(1);
    let group = world.group(&[], None);
    let link = link(&mut world, group, false, 0);
    let cat = world.stranger(7);
    world.people[cat].command(Command::JoinGroup { link });
    world.connect(ANN, cat);
    world.settle();
    world.say(cat, &group, "hello");
    world.settle();
    let (chains, device) = (Table::shredded("group_chains"), world.people[cat].device);
    assert_eq!(rows_of(&world.people[ANN], chains, &device.0), 1);
    world.people[cat].command(Command::LeaveGroup { group });
    world.settle();
    for side in &mut world.people {
        side.pass(Span::from_hours(2));
    }
    world.settle();
    assert_eq!(rows_of(&world.people[ANN], chains, &device.0), 0);
    assert_eq!(world.texts(ANN, &group), ["hello"]);
}

#[test]
fn holders_of_a_link_use_up_no_prekeys() {
    let mut world = World::of_friends(1);
    let group = world.group(&[], None);
    let link = link(&mut world, group, false, 6);
    let ann = world.people[ANN].device;
    let secret = link_secret(&link.seed, &ann);
    let mut bundles = Vec::new();
    for number in 1..=2 {
        let device = DeviceId([number; 32]);
        world.people[ANN].net(NetInput::Connected { device, dialled: None });
        let invite =
            Some(InviteProof { invite: secret.id(), mac: invite::prekey_proof(&secret, &device, &ann) });
        world.people[ANN].sent.clear();
        world.people[ANN].net(NetInput::Frame { device, frame: Frame::PrekeyRequest { invite } });
        let sent = std::mem::take(&mut world.people[ANN].sent);
        bundles.extend(sent.into_iter().filter_map(|(_, frame)| match frame {
            Frame::Prekeys { bundle, .. } => Some(bundle),
            _ => None,
        }));
    }
    assert_eq!(bundles.len(), 2);
    assert_eq!(bundles[0], bundles[1], "the same for everybody");
}

/// Ann has a group with Bob and Cat, who are no friends of each other. Each hears from her where the other is, both dial at once,
/// and neither gets through.
#[test]
fn members_who_dial_each_other_in_vain_try_again_and_not_for_ever() {
    let mut world = World::of_friends(3);
    let members = [BOB, CAT].map(|who| world.people[who].account).to_vec();
    let command = Command::CreateGroup { name: "harbour".to_owned(), members, policy: None };
    let Answer::Group(view) = world.people[ANN].command(command) else { panic!("a group") };
    world.settle();
    assert!(is_in(&world, BOB, &view.group) && is_in(&world, CAT, &view.group));
    let cat = world.people[CAT].device;
    let bob = &mut world.people[BOB];
    // Without an address nobody is reached.
    let dials = |bob: &Side| bob.ways.iter().filter(|(device, _)| *device == cat).count();
    let before = dials(bob);
    assert!(before > 0);
    for tried in 0..4 {
        bob.net(NetInput::DialFailed { device: cat });
        assert_eq!(dials(bob), before + tried, "not in the same moment: the other side does the same");
        bob.pass(Span::from_secs(2 << tried));
        assert_eq!(dials(bob), before + tried + 1);
    }
    bob.net(NetInput::DialFailed { device: cat });
    bob.pass(Span::from_minutes(1));
    assert_eq!(dials(bob), before + 4, "who never answers is left alone until somebody else speaks of them");
    // A connection ends it, too.
    let bob = world.people[BOB].device;
    let cat = &mut world.people[CAT];
    let dials = |cat: &Side| cat.ways.iter().filter(|(device, _)| *device == bob).count();
    let before = dials(cat);
    cat.net(NetInput::DialFailed { device: bob });
    cat.net(NetInput::Connected { device: bob, dialled: None });
    cat.pass(Span::from_minutes(1));
    assert_eq!(dials(cat), before);
}
