//! Devices that come, go and are claimed, and contacts who come back.

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::command::Refusal;
use kith_engine::input::NetInput;
use kith_engine::query;
use kith_engine::view::ContactState;
use kith_engine::view::MessageState;
use kith_proto::invite::Invite;
use kith_proto::rows::Rows as _;
use kith_proto::rows::Table;
use kith_proto::time::Span;

use crate::Side;
use crate::ask;
use crate::carry;
use crate::connect;
use crate::disconnect;
use crate::friends;
use crate::invite;

#[test]
fn what_was_written_to_a_lost_device_goes_to_the_one_that_the_phrase_brought_back() {
    let (mut ann, mut bob, chat) = friends();
    disconnect(&mut ann, &mut bob);
    ann.send(chat, "one");
    ann.send(chat, "two");
    let mut again = Side::with_phrase(7, Some(&bob.phrase));
    assert_eq!(again.account, bob.account);
    assert_ne!(again.device, bob.device);
    ask(&mut again, &mut ann);
    carry(&mut ann, &mut again);
    assert_eq!(again.texts(&chat), ["one", "two"]);
    assert_eq!(ann.states(&chat), [MessageState::Delivered, MessageState::Delivered]);
    assert_eq!(again.state_of(&ann.account), Some(ContactState::Accepted), "nobody has to accept again");
    again.send(chat, "it is me");
    carry(&mut ann, &mut again);
    assert!(ann.texts(&chat).contains(&"it is me".to_owned()));
    // The lost device was found by somebody: it is nobody to Ann.
    ann.sent.clear();
    connect(&mut ann, &mut bob);
    bob.send(chat, "from the lost device");
    carry(&mut ann, &mut bob);
    assert!(!ann.texts(&chat).contains(&"from the lost device".to_owned()));
}

#[test]
fn the_other_way_round_a_link_of_the_one_who_came_back_is_enough() {
    let (mut ann, bob, chat) = friends();
    ann.send(chat, "one");
    let mut again = Side::with_phrase(7, Some(&bob.phrase));
    let link = invite(&mut again);
    ann.command(Command::AddContact { invite: link, greeting: String::new() });
    connect(&mut ann, &mut again);
    again.command(Command::AcceptContact { contact: ann.account });
    carry(&mut ann, &mut again);
    ann.pass(Span::from_minutes(1));
    carry(&mut ann, &mut again);
    assert_eq!(again.texts(&chat), ["one"]);
    assert_eq!(ann.states(&chat), [MessageState::Delivered]);
}

#[test]
fn what_was_meant_for_somebody_never_goes_to_the_device_that_a_forged_link_named() {
    let (mut ann, mut mallory, xenia) = (Side::new(1), Side::new(2), Side::new(3));
    // Mallory makes a link with Xenia's account and her own device, and Ann falls for it.
    let genuine = invite(&mut mallory);
    let forged = Invite { account: xenia.account, ..genuine };
    ann.command(Command::AddContact { invite: forged, greeting: String::new() });
    let to_xenia = ann.chat_with(&xenia);
    ann.send(to_xenia, "for Xenia only");
    // Then Mallory becomes a contact as herself, from that device.
    ask(&mut mallory, &mut ann);
    ann.command(Command::AcceptContact { contact: mallory.account });
    carry(&mut ann, &mut mallory);
    let chat = ann.chat_with(&mallory);
    assert_eq!(mallory.state_of(&ann.account), Some(ContactState::Accepted));
    assert_eq!(mallory.texts(&chat), Vec::<String>::new());
    assert_eq!(ann.states(&to_xenia), [MessageState::Failed], "and Ann sees that it did not go");
}

#[test]
fn an_invite_that_was_used_up_says_so_to_the_second_who_tries() {
    let (mut ann, mut bob, mut cleo) = (Side::new(1), Side::new(2), Side::new(3));
    let link = invite(&mut ann);
    bob.command(Command::AddContact { invite: link.clone(), greeting: String::new() });
    connect(&mut ann, &mut bob);
    cleo.command(Command::AddContact { invite: link, greeting: String::new() });
    connect(&mut ann, &mut cleo);
    let refused = |side: &Side| query::contacts(&side.disk).unwrap().iter().any(|view| view.refused);
    assert!(!refused(&bob) && refused(&cleo));
    assert!(cleo.events.iter().any(|event| matches!(event, Event::ContactChanged(view) if view.refused)));
    // A new link goes on where the old one stopped.
    let chat = cleo.chat_with(&ann);
    cleo.send(chat, "finally");
    let link = invite(&mut ann);
    cleo.command(Command::AddContact { invite: link, greeting: String::new() });
    carry(&mut ann, &mut cleo);
    ann.command(Command::AcceptContact { contact: cleo.account });
    carry(&mut ann, &mut cleo);
    assert!(!refused(&cleo));
    assert_eq!(ann.texts(&chat), ["finally"]);
}

#[test]
fn somebody_who_was_removed_comes_back_by_a_link_of_the_remover() {
    let (mut ann, mut bob, chat) = friends();
    ann.command(Command::RemoveContact { contact: bob.account });
    disconnect(&mut ann, &mut bob);
    bob.send(chat, "are you still there?");
    ask(&mut bob, &mut ann);
    assert_eq!(ann.state_of(&bob.account), Some(ContactState::Incoming));
    ann.command(Command::AcceptContact { contact: bob.account });
    carry(&mut ann, &mut bob);
    bob.pass(Span::from_minutes(1));
    carry(&mut ann, &mut bob);
    assert_eq!(ann.texts(&chat), ["are you still there?"]);
    assert_eq!(bob.texts(&chat), Vec::<String>::new());
}

#[test]
fn an_address_that_the_local_network_tells_is_dialled_and_not_kept() {
    let (mut ann, mut bob, _) = friends();
    disconnect(&mut ann, &mut bob);
    let addresses =
        (0..20).map(|byte| kith_proto::address::Multiaddress::new(vec![99, byte]).unwrap()).collect();
    ann.pass(Span::from_minutes(5));
    let before = ann.disk.get(Table::plain("peers"), &bob.device.0).unwrap().unwrap();
    let dials = ann.dials;
    ann.net(NetInput::Discovered { device: bob.device, addresses });
    assert!(ann.dials > dials);
    let kept = ann.disk.get(Table::plain("peers"), &bob.device.0).unwrap().unwrap();
    assert!(kept == before, "anybody nearby can say anything");
}

#[test]
fn a_phrase_that_is_none_makes_no_account() {
    let made =
        kith_engine::account::create([1; 32], "Ann", Some("twelve words are not enough"), crate::BEGIN);
    assert!(made.unwrap_err().to_string().contains("24 words"));
    let none = kith_engine::account::create([1; 32], " ", None, crate::BEGIN);
    assert_eq!(none.unwrap_err(), Refusal::EmptyName.into());
}
