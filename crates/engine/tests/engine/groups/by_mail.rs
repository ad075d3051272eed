//! Links into a group where nobody is there at the same time: requests, and those who are let in, come by mailboxes.

use kith_engine::Command;
use kith_engine::command::Answer;
use kith_engine::query;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_proto::group::GroupInvite;
use kith_proto::group::Role;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;

use crate::connect;
use crate::disconnect;
use crate::knocking::Person;
use crate::knocking::Town;

fn group_of(person: &mut Person, command: Command) -> GroupView {
    match person.side.command(command) {
        Answer::Group(view) => *view,
        other => panic!("{other:?}"),
    }
}

fn state(person: &Person, group: &GroupId) -> Option<(GroupState, bool)> {
    query::group(&person.side.disk, group).unwrap().map(|view| (view.state, view.asked))
}

/// Ann and Bob are in a group, and have a link into it that Ann made; both are away.
fn a_group(town: &mut Town) -> ([Person; 2], GroupId, GroupInvite) {
    let (mut ann, mut bob) = (town.person(1), town.person(2));
    town.come(&mut ann);
    town.come(&mut bob);
    crate::ask(&mut bob.side, &mut ann.side);
    let account = bob.side.account;
    ann.side.command(Command::AcceptContact { contact: account });
    crate::carry(&mut ann.side, &mut bob.side);
    let (name, members) = ("harbour".to_owned(), vec![account]);
    let group = group_of(&mut ann, Command::CreateGroup { name, members, policy: None }).group;
    let (role, expires_secs, uses, approval, work) = (Role::Member, None, 0, false, 0);
    let command = Command::CreateGroupLink { group, role, expires_secs, uses, approval, work };
    let Answer::GroupLink(link) = ann.side.command(command) else { panic!("a link") };
    for _ in 0..8 {
        town.live(&mut ann, 1);
        town.live(&mut bob, 1);
        crate::carry(&mut ann.side, &mut bob.side);
    }
    assert_eq!(state(&bob, &group), Some((GroupState::Joined, false)));
    disconnect(&mut ann.side, &mut bob.side);
    for person in [&mut ann, &mut bob] {
        // Long enough to tell the DHT how mail reaches them.
        town.live(person, 70);
        town.go(person);
    }
    ([ann, bob], group, link)
}

#[test]
fn a_request_waits_in_mailboxes_until_one_of_all_comes_back() {
    let mut town = Town::new();
    let ([mut ann, mut bob], group, link) = a_group(&mut town);
    let mut cat = town.person(3);
    town.come(&mut cat);
    cat.side.command(Command::JoinGroup { link });
    town.live(&mut cat, 40);
    assert_eq!(state(&cat, &group), Some((GroupState::Asking, true)), "it is kept for somebody");
    town.go(&cat);
    // Bob did not make the link.
    town.visit(&mut bob, 10);
    let members = query::group(&bob.side.disk, &group).unwrap().unwrap().members;
    assert_eq!(members.len(), 3);
    town.visit(&mut cat, 10);
    assert_eq!(state(&cat, &group), Some((GroupState::Joined, false)));
    town.come(&mut cat);
    cat.side.send(ChatId::group(&group), "hello");
    town.live(&mut cat, 90);
    town.go(&cat);
    town.visit(&mut bob, 90);
    town.visit(&mut cat, 90);
    town.visit(&mut bob, 90);
    let said = bob.side.texts(&ChatId::group(&group));
    assert!(said.contains(&"hello".to_owned()), "{said:?}");
    // Ann finds the request as well, and that it was granted.
    town.visit(&mut ann, 20);
    town.visit(&mut bob, 20);
    town.visit(&mut ann, 20);
    assert_eq!(query::group(&ann.side.disk, &group).unwrap().unwrap().members.len(), 3);
}

#[test]
fn a_member_who_is_there_answers_though_the_maker_is_not() {
    let mut town = Town::new();
    let ([_ann, mut bob], group, link) = a_group(&mut town);
    let mut cat = town.person(3);
    town.come(&mut cat);
    town.come(&mut bob);
    cat.side.command(Command::JoinGroup { link });
    connect(&mut bob.side, &mut cat.side);
    for _ in 0..10 {
        town.live(&mut cat, 1);
        town.live(&mut bob, 1);
        crate::carry(&mut bob.side, &mut cat.side);
    }
    assert_eq!(state(&cat, &group), Some((GroupState::Joined, false)));
}
