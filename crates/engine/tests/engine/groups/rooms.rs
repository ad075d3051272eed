//! Public rooms, directories of them, reports, and what receivers enforce.

use kith_engine::Command;
use kith_engine::command::Answer;
use kith_engine::command::Refusal;
use kith_engine::query;
use kith_engine::view::ContactState;
use kith_engine::view::GroupLine;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_engine::view::MessageKind;
use kith_proto::group::GroupInvite;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::time::Span;

use super::ANN;
use super::BOB;
use super::CAT;
use super::World;
use crate::Side;

fn make(world: &mut World, who: usize, name: &str, policy: Policy) -> GroupId {
    let command = Command::CreateGroup { name: name.to_owned(), members: Vec::new(), policy: Some(policy) };
    match world.people[who].command(command) {
        Answer::Group(view) => view.group,
        other => panic!("{other:?}"),
    }
}

fn share(world: &mut World, who: usize, group: GroupId) -> GroupInvite {
    match world.people[who].command(Command::ShareRoom { group }) {
        Answer::GroupLink(link) => link,
        other => panic!("{other:?}"),
    }
}

fn come(world: &mut World, who: usize, link: GroupInvite) {
    world.people[who].command(Command::JoinGroup { link });
    world.gather();
    // The work is done in slices, between which time passes.
    for _ in 0..2_000 {
        if world.people[who].engine.next_wake().is_none_or(|at| at > world.people[who].now + Span(2)) {
            break;
        }
        world.people[who].pass(Span(1));
    }
    world.settle();
    world.settle();
}

fn show(world: &mut World, who: usize, group: GroupId) -> GroupView {
    match world.people[who].command(Command::ShowGroup { group }) {
        Answer::Group(view) => *view,
        other => panic!("{other:?}"),
    }
}

fn rooms(side: &Side, words: &str) -> Vec<String> {
    query::rooms(&side.disk, words, None).unwrap().into_iter().map(|room| room.name).collect()
}

#[test]
fn anybody_comes_into_a_public_room_by_its_one_link_and_reads_first_if_the_room_wants_that() {
    let mut world = World::of_friends(3);
    let room = make(&mut world, ANN, "sailing", Policy { observers_first: true, ..Policy::public_room() });
    let link = share(&mut world, ANN, room);
    assert_eq!(share(&mut world, ANN, room).seed, link.seed, "there is one");
    assert_eq!(link.work, 20);
    world.say(ANN, &room, "welcome");
    come(&mut world, BOB, link);
    let view = show(&mut world, BOB, room);
    assert_eq!((view.state, view.role, view.policy.public), (GroupState::Joined, Some(Role::Observer), true));
    assert_eq!(world.texts(BOB, &room), ["welcome"], "newcomers see what was said");
    let refused = world.people[BOB].try_command(Command::SendMessage {
        chat: ChatId::group(&room),
        text: "hi".to_owned(),
        reply_to: None,
        expires_secs: None,
    });
    assert_eq!(refused.err(), Some(Refusal::MayNotPost));
    // Everybody may pass the link on, though not everybody may make one.
    assert_eq!(share(&mut world, BOB, room).seed, view_seed(&mut world, room));
    assert_eq!(view.links[0].invite, None);
}

fn view_seed(world: &mut World, room: GroupId) -> [u8; 32] {
    show(world, ANN, room).links[0].invite.clone().unwrap().seed
}

#[test]
fn a_room_is_found_in_a_directory_until_it_is_taken_back_or_deleted() {
    let mut world = World::of_friends(3);
    let policy = Policy { directory: true, ..Policy::default() };
    let directory = world.group(&[BOB, CAT], Some(policy));
    let room = make(&mut world, BOB, "Sailing", Policy::public_room());
    let publish = |tags: &[&str]| Command::PublishRoom {
        directory,
        room,
        language: "de".to_owned(),
        tags: tags.iter().map(ToString::to_string).collect(),
    };
    world.people[BOB].command(publish(&["Boats"]));
    world.settle();
    assert_eq!(rooms(&world.people[CAT], "boats DE"), ["Sailing"]);
    assert_eq!(rooms(&world.people[CAT], "trains"), [""; 0]);
    assert!(world.texts(CAT, &directory).is_empty(), "it is no message");
    let listed = query::rooms(&world.people[CAT].disk, "", Some(&directory)).unwrap();
    assert_eq!(listed[0].listed_by, world.people[BOB].account);
    // The last word counts.
    world.people[BOB].pass(Span::from_secs(1));
    world.people[BOB].command(publish(&["ships"]));
    world.settle();
    assert_eq!(rooms(&world.people[CAT], "boats"), [""; 0]);
    let again = query::rooms(&world.people[CAT].disk, "ships", None).unwrap();
    assert_eq!(again.len(), 1);
    // Those who keep order delete it; it does not come back by a meeting.
    let chat = ChatId::group(&directory);
    world.people[ANN].command(Command::DeleteForAll { chat, message: again[0].message });
    world.gather();
    for who in [ANN, BOB, CAT] {
        assert!(rooms(&world.people[who], "").is_empty());
    }
    world.people[BOB].pass(Span::from_secs(1));
    world.people[BOB].command(publish(&[]));
    world.settle();
    world.crash(CAT);
    world.gather();
    assert_eq!(rooms(&world.people[CAT], ""), ["Sailing"]);
    world.people[BOB].pass(Span::from_secs(1));
    world.people[BOB].command(Command::UnpublishRoom { directory, room });
    world.settle();
    assert!(rooms(&world.people[CAT], "").is_empty());
    let again = world.people[BOB].try_command(Command::UnpublishRoom { directory, room });
    assert_eq!(again.err(), Some(Refusal::NotListed));
    // A group that is no room is not listed, and not everywhere.
    let other =
        Command::PublishRoom { directory, room: directory, language: String::new(), tags: Vec::new() };
    assert_eq!(world.people[ANN].try_command(other).err(), Some(Refusal::NotPublic));
}

#[test]
fn who_left_a_room_comes_back_by_a_member_who_may_not_invite() {
    let mut world = World::of_friends(3);
    let room = make(&mut world, ANN, "sailing", Policy::public_room());
    let link = share(&mut world, ANN, room);
    come(&mut world, BOB, link.clone());
    come(&mut world, CAT, link);
    let link = share(&mut world, BOB, room);
    world.people[CAT].command(Command::LeaveGroup { group: room });
    world.gather();
    assert_eq!(world.members(BOB, &room), [ANN, BOB]);
    // Only Bob is there.
    world.split(&[&[ANN], &[BOB, CAT]]);
    world.people[CAT].command(Command::JoinGroup { link });
    for _ in 0..2_000 {
        world.people[CAT].pass(Span(1));
        if world.people[CAT].engine.next_wake().is_none_or(|at| at > world.people[CAT].now + Span(2)) {
            break;
        }
    }
    world.settle();
    assert_eq!(show(&mut world, CAT, room).state, GroupState::Left, "Bob may not say so alone");
    // Ann, who may, is asked by Bob, and no person has to.
    world.split(&[&[ANN, BOB], &[CAT]]);
    world.settle();
    world.split(&[&[ANN], &[BOB, CAT]]);
    world.settle();
    assert_eq!(world.members(ANN, &room), [ANN, BOB, CAT]);
    assert_eq!(show(&mut world, CAT, room).state, GroupState::Joined);
}

fn report(chat: ChatId, message: MessageId) -> Command {
    Command::ReportMessage { chat, message, reason: "rude".to_owned() }
}

#[test]
fn a_report_reaches_those_who_keep_order_and_nobody_else() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    let chat = ChatId::group(&group);
    let said = world.say(BOB, &group, "you fool");
    world.settle();
    world.people[CAT].command(report(chat, said));
    world.settle();
    let reports = world.view(ANN, &group).reports;
    assert_eq!(reports.len(), 1);
    assert_eq!((&*reports[0].text, &*reports[0].reason), ("you fool", "rude"));
    let [bob, cat] = [BOB, CAT].map(|who| world.people[who].account);
    assert_eq!((reports[0].author, reports[0].by), (bob, cat));
    assert!(world.view(BOB, &group).reports.is_empty() && world.view(CAT, &group).reports.is_empty());
    world.crash(ANN);
    assert_eq!(world.view(ANN, &group).reports.len(), 1, "it is kept");
    let other = world.say(BOB, &group, "sorry");
    world.gather();
    world.people[CAT].command(report(chat, other));
    world.settle();
    world.people[ANN].command(Command::DismissReport { group, by: cat, message: other });
    world.people[ANN].command(Command::DeleteForAll { chat, message: said });
    assert!(world.view(ANN, &group).reports.is_empty());
    let unknown = world.people[CAT].try_command(report(chat, MessageId([9; 16])));
    assert_eq!(unknown.err(), Some(Refusal::UnknownMessage));
}

#[test]
fn what_is_undone_is_a_line_with_who_did_it() {
    let mut world = World::of_friends(3);
    let group = world.group(&[BOB, CAT], None);
    let (chat, cat) = (ChatId::group(&group), world.people[CAT].account);
    let message = world.say(BOB, &group, "remember this");
    world.settle();
    let until = world.people[ANN].now + Span::from_hours(1);
    let early = kith_proto::time::Timestamp(0);
    for command in [
        Command::PinMessage { chat, message },
        Command::UnpinMessage { chat, message },
        Command::MuteMember { group, account: cat, until },
        Command::MuteMember { group, account: cat, until: early },
        Command::BanMember { group, account: cat },
        Command::UnbanMember { group, account: cat },
    ] {
        world.people[ANN].command(command);
    }
    world.settle();
    let lines = query::timeline(&world.people[BOB].disk, &chat, None, 100).unwrap();
    let ann = world.people[ANN].account;
    let of_ann = lines.into_iter().filter(|view| view.sender == ann).filter_map(|view| match view.kind {
        MessageKind::System(line) => Some(line),
        MessageKind::Text | MessageKind::Call(_) => None,
    });
    let of_ann: Vec<GroupLine> = of_ann.collect();
    assert!(of_ann.contains(&GroupLine::Unpinned { message }));
    assert!(of_ann.contains(&GroupLine::Muted { whom: cat, until: early }));
    assert!(of_ann.contains(&GroupLine::Unbanned { whom: cat }));
}

#[test]
fn a_list_of_blocked_people_blocks_those_who_are_known_and_those_who_are_not() {
    let mut world = World::of_friends(2);
    let (bob, own) = (world.people[BOB].account, world.people[ANN].account);
    let stranger = AccountId([9; 32]);
    world.people[ANN].command(Command::BlockAll { accounts: vec![bob, stranger, own] });
    for account in [bob, stranger] {
        assert_eq!(world.people[ANN].state_of(&account), Some(ContactState::Blocked));
    }
    assert_eq!(world.people[ANN].state_of(&own), None);
    world.people[ANN].command(Command::UnblockContact { contact: bob });
    assert_eq!(world.people[ANN].state_of(&bob), Some(ContactState::Accepted), "as before");
    world.people[ANN].command(Command::SetFilters { filters: vec!["SPAM".to_owned(), " ".to_owned()] });
    assert_eq!(query::filters(&world.people[ANN].disk).unwrap(), ["spam"]);
}

#[test]
fn what_was_written_before_slow_mode_was_heard_of_is_lost_nowhere() {
    let mut world = World::of_friends(2);
    let group = world.group(&[BOB], None);
    world.split(&[&[ANN], &[BOB]]);
    // Bob does not hear of the rule, and Ann does not hear Bob.
    let policy = Policy { slow_mode_secs: 3_600, ..Policy::default() };
    world.people[ANN].command(Command::SetPolicy { group, policy });
    for text in ["one", "two", "three"] {
        world.say(BOB, &group, text);
    }
    world.gather();
    assert_eq!(world.texts(ANN, &group), ["one", "two", "three"]);
    world.agree(&[ANN, BOB], &group);
}
