//! Who may ring, when, and how often.

use kith_engine::Command;
use kith_engine::command::Refusal;
use kith_engine::input::NetInput;
use kith_engine::query;
use kith_engine::view::CallEnd;
use kith_engine::view::CallState;
use kith_engine::view::HideAddress;
use kith_proto::call::Media;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::Ways;
use kith_proto::frame::Frame;
use kith_proto::time::Span;

use super::callers;
use super::pass;
use super::talking;
use crate::Side;
use crate::ask;
use crate::carry;
use crate::carry_but;
use crate::connect;
use crate::disconnect;
use crate::friends;
use crate::input_frame;

#[test]
fn a_friend_rings_and_somebody_blocked_does_not() {
    let (mut ann, mut bob, chat) = callers();
    ann.call(chat);
    carry(&mut ann, &mut bob);
    assert_eq!((bob.rang(), bob.state()), (1, Some(CallState::Incoming)));
    assert_eq!(ann.state(), Some(CallState::Ringing));
    bob.command(Command::BlockContact { contact: ann.account });
    assert_eq!(bob.state(), None, "it stops when they are blocked");
    ann.pass(Span::from_secs(1));
    ann.hang_up();
    connect(&mut ann, &mut bob);
    ann.call(chat);
    carry(&mut ann, &mut bob);
    assert_eq!((bob.rang(), bob.state()), (1, None));
    assert_eq!(
        bob.try_command(Command::StartCall { chat, media: Media::AUDIO }).err(),
        Some(Refusal::Blocked)
    );
}

#[test]
fn who_has_not_agreed_cannot_be_called() {
    let (mut ann, mut bob) = (Side::new(1), Side::new(2));
    ask(&mut bob, &mut ann);
    ann.able();
    bob.able();
    let chat = bob.chat_with(&ann);
    let call = Command::StartCall { chat, media: Media::VIDEO };
    assert_eq!(bob.try_command(call.clone()).err(), Some(Refusal::NotAnswered));
    // Whoever is asked has no chat yet, or one in which they have to accept first.
    assert!(matches!(ann.try_command(call).err(), Some(Refusal::NotAccepted | Refusal::UnknownChat)));
}

#[test]
fn without_sound_nothing_rings_and_it_is_said() {
    let (mut ann, mut bob, chat) = friends();
    let call = Command::StartCall { chat, media: Media::AUDIO };
    assert_eq!(ann.try_command(call).err(), Some(Refusal::NoMedia));
    ann.able();
    ann.call(chat);
    carry(&mut ann, &mut bob);
    assert_eq!((ann.state(), bob.rang()), (None, 0));
    assert_eq!(ann.last_end(&chat), Some(CallEnd::Unsupported));
    assert_eq!((bob.last_end(&chat), bob.unread(&chat)), (Some(CallEnd::Unsupported), 1));
}

#[test]
fn a_second_call_meets_a_busy_line() {
    let (mut ann, mut bob, chat) = talking();
    let mut cat = Side::new(3);
    ask(&mut cat, &mut bob);
    bob.command(Command::AcceptContact { contact: cat.account });
    carry(&mut bob, &mut cat);
    cat.able();
    let others = cat.chat_with(&bob);
    assert_eq!(
        bob.try_command(Command::StartCall { chat: others, media: Media::AUDIO }).err(),
        Some(Refusal::InCall)
    );
    cat.call(others);
    carry(&mut bob, &mut cat);
    assert_eq!((cat.state(), cat.last_end(&others)), (None, Some(CallEnd::Busy)));
    assert_eq!((bob.last_end(&others), bob.unread(&others)), (Some(CallEnd::Busy), 1));
    carry(&mut ann, &mut bob);
    assert_eq!((ann.state(), bob.state()), (Some(CallState::Live), Some(CallState::Live)));
    assert_eq!(bob.rang(), 1);
    assert_eq!(bob.last_end(&chat), None);
}

#[test]
fn both_call_at_once_and_are_in_one_call() {
    for seed in 0..6 {
        let (mut ann, mut bob, chat) = callers();
        for _ in 0..seed {
            // Other names for both calls.
            ann.give(kith_engine::Input::Entropy([seed; 32]));
        }
        let (first, second) = (ann.call(chat).call, bob.call(chat).call);
        carry(&mut ann, &mut bob);
        let (one, other) = (ann.now_in().unwrap(), bob.now_in().unwrap());
        assert_eq!((one.call, other.call), (first.min(second), first.min(second)));
        assert_eq!((one.state, other.state), (CallState::Connecting, CallState::Connecting));
        assert_eq!(ann.rang() + bob.rang(), 0, "nobody has to answer");
        super::find_way(&mut ann, &mut bob);
        ann.hang_up();
        carry(&mut ann, &mut bob);
        assert_eq!((ann.calls_in(&chat).len(), bob.calls_in(&chat).len()), (1, 1));
    }
}

#[test]
fn who_calls_without_a_voice_has_none_whoever_else_calls() {
    let silent = Media { microphone: false, ..Media::AUDIO };
    for seed in 0..6 {
        let (mut ann, mut bob, chat) = callers();
        for _ in 0..seed {
            ann.give(kith_engine::Input::Entropy([seed; 32]));
        }
        bob.command(Command::StartCall { chat, media: silent });
        ann.call(chat);
        carry(&mut ann, &mut bob);
        assert_eq!(bob.state(), Some(CallState::Connecting));
        assert_eq!((bob.now_in().unwrap().own, ann.now_in().unwrap().theirs), (silent, silent));
        let heard = |order: &MediaCommand| match order {
            MediaCommand::Open(opening) => opening.media.microphone,
            MediaCommand::SetMedia { media, .. } => media.microphone,
            _ => false,
        };
        assert!(!bob.media.iter().any(heard), "not for a moment");
    }
}

#[test]
fn calling_somebody_who_calls_is_answering() {
    let (mut ann, mut bob, chat) = callers();
    let call = ann.call(chat).call;
    carry(&mut ann, &mut bob);
    assert_eq!(bob.call(chat).call, call);
    assert_eq!(bob.state(), Some(CallState::Connecting));
}

#[test]
fn an_invite_that_was_under_way_for_too_long_is_a_missed_call() {
    let (mut ann, mut bob, chat) = callers();
    ann.call(chat);
    let late = std::mem::take(&mut ann.sent);
    ann.pass(Span::from_minutes(2));
    bob.pass(Span::from_minutes(2));
    for (_, frame) in late {
        input_frame(&mut bob, ann.device, frame);
    }
    assert_eq!((bob.rang(), bob.state()), (0, None));
    assert_eq!((bob.last_end(&chat), bob.unread(&chat)), (Some(CallEnd::Missed), 1));
}

#[test]
fn who_was_away_sees_a_missed_call_and_hears_no_ring() {
    let (mut ann, mut bob, chat) = callers();
    disconnect(&mut ann, &mut bob);
    ann.call(chat);
    assert_eq!(ann.state(), Some(CallState::Calling));
    ann.pass(Span::from_secs(46));
    assert_eq!(ann.last_end(&chat), Some(CallEnd::Unreachable));
    bob.pass(Span::from_secs(46));
    connect(&mut ann, &mut bob);
    assert_eq!((bob.rang(), bob.calls_in(&chat).len()), (0, 1));
    assert_eq!((bob.last_end(&chat), bob.unread(&chat)), (Some(CallEnd::Missed), 1));
    let message = query::timeline(&bob.disk, &chat, None, 1).unwrap().pop().unwrap().message;
    bob.command(Command::MarkRead { chat, message });
    assert_eq!(bob.unread(&chat), 0);
    // Whoever comes while it still rings hears it.
    disconnect(&mut ann, &mut bob);
    ann.call(chat);
    pass(&mut ann, &mut bob, Span::from_secs(20));
    connect(&mut ann, &mut bob);
    assert_eq!((bob.rang(), bob.state()), (1, Some(CallState::Incoming)));
    pass(&mut ann, &mut bob, Span::from_secs(24));
    assert_eq!(bob.state(), Some(CallState::Incoming));
    pass(&mut ann, &mut bob, Span::from_secs(2));
    assert_eq!((ann.state(), bob.state()), (None, None));
}

#[test]
fn missed_calls_without_end_are_not_written_down() {
    let (mut ann, mut bob, chat) = callers();
    disconnect(&mut ann, &mut bob);
    for _ in 0..40 {
        ann.call(chat);
        ann.hang_up();
    }
    connect(&mut ann, &mut bob);
    carry(&mut ann, &mut bob);
    assert_eq!((bob.calls_in(&chat).len(), bob.unread(&chat)), (24, 24));
    assert_eq!(bob.engine.stats().call_floods, 16);
}

#[test]
fn somebody_who_rings_and_rings_is_not_heard_any_more() {
    let (mut ann, mut bob, chat) = callers();
    for _ in 0..30 {
        ann.call(chat);
        carry(&mut ann, &mut bob);
        ann.hang_up();
        carry(&mut ann, &mut bob);
        pass(&mut ann, &mut bob, Span::from_secs(1));
    }
    assert!(bob.rang() <= 8, "it rang {} times", bob.rang());
    assert!(bob.engine.stats().call_floods > 0);
    pass(&mut ann, &mut bob, Span::from_minutes(6));
    ann.call(chat);
    carry(&mut ann, &mut bob);
    assert_eq!(bob.state(), Some(CallState::Incoming), "later they may");
}

#[test]
fn the_address_is_hidden_from_whom_the_owner_says() {
    let ways = |side: &Side| {
        let opened = side.media.iter().rev().find_map(|order| match order {
            MediaCommand::Open(opening) => Some(opening.ways),
            _ => None,
        });
        opened.unwrap()
    };
    let (mut ann, mut bob, chat) = callers();
    let opened = |ann: &mut Side, bob: &mut Side| {
        ann.call(chat);
        carry(ann, bob);
        bob.pick_up();
        carry(ann, bob);
        let hidden = ann.now_in().unwrap().address_hidden;
        let direct = ann.media.iter().any(|order| matches!(order, MediaCommand::AllowDirect { .. }));
        ann.hang_up();
        carry(ann, bob);
        pass(ann, bob, Span::from_minutes(1));
        ann.media.clear();
        (hidden, direct, ways(bob))
    };
    assert_eq!(
        opened(&mut ann, &mut bob),
        (false, true, Ways::Any),
        "their devices are connected directly: each has the other's address"
    );
    ann.net(NetInput::Path { device: bob.device, relayed: true });
    bob.net(NetInput::Path { device: ann.device, relayed: true });
    assert_eq!(opened(&mut ann, &mut bob), (true, false, Ways::RelayOnly), "nobody has compared numbers");
    ann.command(Command::HideAddress { from: HideAddress::Nobody });
    assert_eq!(
        opened(&mut ann, &mut bob),
        (false, true, Ways::RelayOnly),
        "the other side decides for itself"
    );
    let contact = query::contacts(&ann.disk).unwrap()[0].contact;
    ann.command(Command::HideAddressFrom { contact, hide: Some(true) });
    assert_eq!(opened(&mut ann, &mut bob), (true, false, Ways::RelayOnly));
    ann.restart();
    ann.able();
    let settings = query::call_settings(&ann.disk).unwrap();
    assert_eq!((settings.hide_address, settings.contacts), (HideAddress::Nobody, vec![(contact, true)]));
    ann.command(Command::HideAddressFrom { contact, hide: None });
    ann.command(Command::HideAddress { from: HideAddress::Unverified });
    ann.command(Command::VerifyContact { contact, verified: true });
    assert!(query::call_settings(&ann.disk).unwrap().contacts.is_empty());
}

#[test]
fn words_of_a_call_never_wait_in_an_outbox() {
    let (mut ann, mut bob, chat) = callers();
    ann.call(chat);
    // Everything that Ann says is lost; nothing is kept for Bob.
    carry_but(&mut ann, &mut bob, |frame| matches!(frame, Frame::Put(_)));
    assert_eq!(ann.engine.stats().waiting, 0);
    ann.hang_up();
    assert_eq!(ann.engine.stats().waiting, 1, "but for the note that they called");
}
