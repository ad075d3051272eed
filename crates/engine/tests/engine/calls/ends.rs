//! How calls end, and what is left of them.

use kith_engine::Command;
use kith_engine::command::MediaChange;
use kith_engine::command::Refusal;
use kith_engine::query;
use kith_engine::view::CallEnd;
use kith_engine::view::CallState;
use kith_engine::view::MessageState;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::PathState;
use kith_proto::id::CallId;
use kith_proto::time::Span;

use super::callers;
use super::find_way;
use super::pass;
use super::talking;
use crate::carry;
use crate::connect;
use crate::disconnect;

#[test]
fn a_call_leaves_a_line_with_its_length_on_both_sides() {
    let (mut ann, mut bob, chat) = talking();
    pass(&mut ann, &mut bob, Span::from_secs(90));
    let call = ann.now_in().unwrap().call;
    bob.hang_up();
    carry(&mut ann, &mut bob);
    for (side, outgoing) in [(&ann, true), (&bob, false)] {
        let lines = side.calls_in(&chat);
        let [(began_here, line)] = lines.as_slice() else { panic!("{} lines", lines.len()) };
        assert_eq!((*began_here, line.end, line.call), (outgoing, CallEnd::Finished, call));
        assert!(line.talked >= Span::from_secs(90) && line.talked < Span::from_secs(95));
        let last = query::chats(&side.disk).unwrap().remove(0).last.unwrap();
        assert_eq!((last.outgoing, last.state), (outgoing, MessageState::Read));
        let log = query::calls(&side.disk, None, 10).unwrap();
        assert_eq!(log.len(), 1);
        assert!(query::calls(&side.disk, Some((log[0].sent_at, call)), 10).unwrap().is_empty());
        assert!(side.now_in().is_none());
    }
    assert_eq!(bob.unread(&chat), 0);
    let leg = LegId { call, device: bob.device };
    assert!(ann.media.contains(&MediaCommand::Close { leg }));
}

#[test]
fn a_crash_during_a_call_is_said_with_the_time_it_had() {
    let (mut ann, mut bob, chat) = talking();
    pass(&mut ann, &mut bob, Span::from_secs(60));
    bob.crash();
    let lines = bob.calls_in(&chat);
    let [(false, line)] = lines.as_slice() else { panic!("{} lines", lines.len()) };
    assert_eq!(line.end, CallEnd::Interrupted);
    assert!(line.talked >= Span::from_secs(50) && line.talked <= Span::from_secs(61), "{:?}", line.talked);
    bob.able();
    connect(&mut ann, &mut bob);
    pass(&mut ann, &mut bob, Span::from_secs(3));
    assert_eq!((ann.state(), ann.last_end(&chat)), (None, Some(CallEnd::Lost)));
    assert_eq!(bob.rang(), 1, "a call that is over does not ring again");

    // While it rings: on one side a missed call, on the other one that was not finished.
    let (mut ann, mut bob, chat) = callers();
    ann.call(chat);
    carry(&mut ann, &mut bob);
    bob.crash();
    assert_eq!((bob.last_end(&chat), bob.unread(&chat)), (Some(CallEnd::Missed), 1));
    ann.crash();
    assert_eq!(ann.last_end(&chat), Some(CallEnd::Interrupted));
    bob.restart();
    assert_eq!(bob.calls_in(&chat).len(), 1, "it is said once");
}

#[test]
fn a_lost_connection_is_looked_for_and_then_given_up() {
    let (mut ann, mut bob, chat) = talking();
    disconnect(&mut ann, &mut bob);
    ann.path(&bob, PathState::Interrupted);
    bob.path(&ann, PathState::Interrupted);
    assert_eq!(ann.state(), Some(CallState::Reconnecting));
    ann.pass(Span::from_secs(5));
    bob.pass(Span::from_secs(5));
    connect(&mut ann, &mut bob);
    pass(&mut ann, &mut bob, Span::from_secs(3));
    assert!(ann.media.iter().any(|order| matches!(order, MediaCommand::Restart { epoch: 2, .. })));
    find_way(&mut ann, &mut bob);
    assert_eq!((ann.state(), bob.state()), (Some(CallState::Live), Some(CallState::Live)));
    disconnect(&mut ann, &mut bob);
    ann.path(&bob, PathState::Interrupted);
    bob.path(&ann, PathState::Interrupted);
    for _ in 0..46 {
        ann.pass(Span::from_secs(1));
        bob.pass(Span::from_secs(1));
    }
    assert_eq!((ann.state(), bob.state()), (None, None));
    assert_eq!((ann.last_end(&chat), bob.last_end(&chat)), (Some(CallEnd::Lost), Some(CallEnd::Lost)));
}

#[test]
fn muting_showing_and_holding_are_told() {
    let (mut ann, mut bob, _) = talking();
    let call = bob.now_in().unwrap().call;
    let change = MediaChange { microphone: Some(false), screen: Some(true), ..MediaChange::default() };
    bob.command(Command::SetCallMedia { call, change });
    carry(&mut ann, &mut bob);
    let theirs = ann.now_in().unwrap().theirs;
    assert!(!theirs.microphone && theirs.screen && !theirs.hold);
    let change = MediaChange { hold: Some(true), ..MediaChange::default() };
    bob.command(Command::SetCallMedia { call, change });
    carry(&mut ann, &mut bob);
    assert!(ann.now_in().unwrap().theirs.hold);
    let unknown = Command::SetCallMedia { call: CallId([1; 16]), change };
    assert_eq!(bob.try_command(unknown).err(), Some(Refusal::UnknownCall));
}

#[test]
fn a_declined_call_and_a_cancelled_one_say_so() {
    let (mut ann, mut bob, chat) = callers();
    ann.call(chat);
    carry(&mut ann, &mut bob);
    bob.hang_up();
    carry(&mut ann, &mut bob);
    assert_eq!(
        (ann.last_end(&chat), bob.last_end(&chat)),
        (Some(CallEnd::Declined), Some(CallEnd::Declined))
    );
    assert_eq!(bob.unread(&chat), 0, "who declines has not missed it");
    ann.call(chat);
    carry(&mut ann, &mut bob);
    ann.hang_up();
    carry(&mut ann, &mut bob);
    assert_eq!((ann.last_end(&chat), bob.last_end(&chat)), (Some(CallEnd::Cancelled), Some(CallEnd::Missed)));
    assert_eq!(bob.unread(&chat), 1);
    bob.restart();
    assert_eq!(bob.unread(&chat), 1, "also after a start");
}

#[test]
fn a_contact_who_is_removed_takes_the_calls_along() {
    let (mut ann, mut bob, chat) = talking();
    ann.command(Command::RemoveContact { contact: bob.account });
    assert!(ann.now_in().is_none());
    carry(&mut ann, &mut bob);
    assert!(query::calls(&ann.disk, None, 10).unwrap().is_empty());
    ann.restart();
    assert_eq!(ann.disk.rows_in("call_log"), 0);
    assert_eq!(ann.calls_in(&chat).len(), 0);
    pass(&mut ann, &mut bob, Span::from_secs(1));
}
