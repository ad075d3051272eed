//! What a call does when everything arrives: each way to begin and to end.

use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Media;
use kith_proto::call::Signal;
use kith_proto::call::Step;
use kith_proto::call::media::IceServer;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Ways;
use kith_proto::time::Span;

use super::wire::CALL;
use super::wire::Wire;
use super::wire::device;
use crate::view::CallEnd;
use crate::view::CallState;

/// Ann and Bob, who talk.
fn talking(devices: u8) -> Wire {
    let mut wire = Wire::new(devices);
    wire.start();
    wire.pass(Span::from_secs(3));
    wire.accept(2);
    wire.pass(Span::from_secs(1));
    assert_eq!((wire.state(1), wire.state(2)), (Some(CallState::Live), Some(CallState::Live)));
    wire
}

#[test]
fn a_call_rings_is_answered_and_ended() {
    let mut wire = Wire::new(1);
    wire.start();
    assert_eq!(wire.state(1), Some(CallState::Calling));
    wire.pass(Span::from_secs(1));
    assert_eq!((wire.state(1), wire.state(2)), (Some(CallState::Ringing), Some(CallState::Incoming)));
    wire.accept(2);
    wire.pass(Span::from_millis(200));
    assert_eq!((wire.state(1), wire.state(2)), (Some(CallState::Live), Some(CallState::Live)));
    assert_eq!(wire.end(1).call.as_ref().unwrap().media(), (Media::AUDIO, Media::VIDEO));
    wire.pass(Span::from_minutes(10));
    assert_eq!((wire.state(1), wire.state(2)), (Some(CallState::Live), Some(CallState::Live)));
    wire.hang_up(1);
    wire.pass(Span::from_secs(1));
    assert_eq!((wire.ended(1), wire.ended(2)), (Some(CallEnd::Finished), Some(CallEnd::Finished)));
    assert!(wire.end(1).legs.is_empty() && wire.end(2).legs.is_empty());
    let now = wire.now;
    let talked = wire.end(2).over.as_ref().unwrap().talked(now);
    assert!(talked >= Span::from_minutes(10) && talked < Span::from_minutes(11));
}

#[test]
fn declining_cancelling_and_not_answering_are_told_apart() {
    let mut wire = Wire::new(1);
    wire.start();
    wire.pass(Span::from_secs(1));
    wire.hang_up(2);
    wire.pass(Span::from_secs(1));
    assert_eq!((wire.ended(1), wire.ended(2)), (Some(CallEnd::Declined), Some(CallEnd::Declined)));

    let mut wire = Wire::new(1);
    wire.start();
    wire.pass(Span::from_secs(1));
    wire.hang_up(1);
    wire.pass(Span::from_secs(1));
    assert_eq!((wire.ended(1), wire.ended(2)), (Some(CallEnd::Cancelled), Some(CallEnd::Missed)));

    let mut wire = Wire::new(1);
    wire.start();
    wire.pass(Span::from_secs(44));
    assert_eq!(wire.state(2), Some(CallState::Incoming));
    wire.pass(Span::from_secs(2));
    assert_eq!((wire.ended(1), wire.ended(2)), (Some(CallEnd::NoAnswer), Some(CallEnd::Missed)));

    let mut wire = Wire::new(1);
    wire.cut = true;
    wire.start();
    wire.pass(Span::from_secs(46));
    assert_eq!((wire.ended(1), wire.state(2)), (Some(CallEnd::Unreachable), None));
    assert_eq!(wire.end(1).over.as_ref().unwrap().never_rang(), [device(2)]);
}

#[test]
fn it_rings_on_all_devices_and_the_first_to_answer_has_it() {
    let mut wire = Wire::new(3);
    wire.start();
    wire.pass(Span::from_secs(1));
    for who in 2..5 {
        assert_eq!(wire.state(who), Some(CallState::Incoming));
    }
    wire.accept(3);
    wire.pass(Span::from_secs(1));
    assert_eq!((wire.state(1), wire.state(3)), (Some(CallState::Live), Some(CallState::Live)));
    for who in [2, 4] {
        assert_eq!(wire.ended(who), Some(CallEnd::AnsweredElsewhere));
    }
    assert_eq!(wire.end(1).legs.len(), 1, "the legs to the others are closed");
    wire.pass(Span::from_minutes(2));
    assert_eq!((2..5).map(|who| wire.end(who).rang).collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn two_devices_that_answer_at_once_do_not_both_have_it() {
    let mut wire = Wire::new(2);
    wire.start();
    wire.pass(Span::from_secs(1));
    wire.accept(2);
    wire.accept(3);
    wire.pass(Span::from_secs(1));
    assert_eq!((wire.state(1), wire.state(2)), (Some(CallState::Live), Some(CallState::Live)));
    assert_eq!(wire.ended(3), Some(CallEnd::AnsweredElsewhere));
}

#[test]
fn declining_on_one_device_ends_it_on_all() {
    let mut wire = Wire::new(2);
    wire.start();
    wire.pass(Span::from_secs(1));
    wire.hang_up(2);
    wire.pass(Span::from_secs(1));
    assert_eq!((wire.ended(1), wire.ended(2)), (Some(CallEnd::Declined), Some(CallEnd::Declined)));
    assert_eq!(wire.ended(3), Some(CallEnd::DeclinedElsewhere));
}

#[test]
fn a_caller_who_disappears_does_not_let_it_ring_on() {
    let mut wire = Wire::new(1);
    wire.start();
    wire.pass(Span::from_secs(1));
    wire.crash(1);
    wire.pass(Span::from_secs(3));
    assert_eq!(wire.ended(2), Some(CallEnd::Missed), "whoever comes back says that there is no call");

    let mut wire = Wire::new(1);
    wire.start();
    wire.pass(Span::from_secs(1));
    wire.cut = true;
    wire.pass(Span::from_secs(11));
    assert_eq!(wire.ended(2), Some(CallEnd::Missed));
}

#[test]
fn whoever_disappears_before_they_talk_is_noticed_within_ten_seconds() {
    let mut wire = Wire::new(1);
    wire.start();
    wire.pass(Span::from_secs(5));
    assert_eq!(wire.state(1), Some(CallState::Ringing));
    wire.cut = true;
    wire.pass(Span::from_secs(11));
    assert_eq!(wire.state(1), Some(CallState::Calling), "it does not ring there any more");
    assert!(wire.end(1).legs.is_empty(), "and nothing waits at a relay");
    wire.pass(Span::from_secs(30));
    assert_eq!(wire.ended(1), Some(CallEnd::NoAnswer));

    // Back in time, without memory: it rings again.
    let mut wire = Wire::new(1);
    wire.start();
    wire.pass(Span::from_secs(5));
    wire.cut = true;
    wire.pass(Span::from_millis(100));
    wire.crash(2);
    wire.pass(Span::from_secs(11));
    wire.heal();
    wire.pass(Span::from_secs(1));
    assert_eq!((wire.state(1), wire.state(2)), (Some(CallState::Ringing), Some(CallState::Incoming)));

    for silent in [1, 2] {
        let mut wire = Wire::accepted_without_media();
        wire.cut = true;
        wire.crash(silent);
        wire.pass(Span::from_secs(11));
        assert_eq!(wire.ended(3 - silent), Some(CallEnd::NoConnection));
    }
}

#[test]
fn a_partner_who_comes_back_without_memory_ends_it_and_one_who_stays_away_too() {
    let mut wire = talking(1);
    wire.crash(2);
    wire.pass(Span::from_secs(3));
    assert_eq!(wire.ended(1), Some(CallEnd::Lost));

    let mut wire = talking(1);
    wire.cut = true;
    wire.pass(Span::from_secs(10));
    assert_eq!(wire.state(1), Some(CallState::Reconnecting), "noticed within ten seconds");
    wire.pass(Span::from_secs(46));
    assert_eq!((wire.ended(1), wire.ended(2)), (Some(CallEnd::Lost), Some(CallEnd::Lost)));
    let now = wire.now;
    let talked = wire.end(1).over.as_ref().unwrap().talked(now);
    assert!(talked < Span::from_secs(5), "only what they heard of each other counts");
}

#[test]
fn a_cut_that_heals_in_time_goes_on_by_itself() {
    let mut wire = talking(1);
    wire.cut = true;
    wire.pass(Span::from_secs(20));
    assert_eq!(wire.state(2), Some(CallState::Reconnecting));
    wire.heal();
    wire.pass(Span::from_secs(15));
    assert_eq!((wire.state(1), wire.state(2)), (Some(CallState::Live), Some(CallState::Live)));
    assert!(wire.end(1).legs.values().all(|(_, epoch, _)| *epoch > 1), "another way was looked for");
}

#[test]
fn another_network_does_not_end_what_passes() {
    for who in [1, 2] {
        let mut wire = talking(1);
        for _ in 0..20 {
            wire.with(who, |call, now, _| call.network_changed(now));
            wire.pass(Span::from_secs(3));
        }
        assert_eq!(wire.end(1).legs.values().next().unwrap().1, 1, "an address more or less is no reason");
        assert_eq!((wire.state(1), wire.state(2)), (Some(CallState::Live), Some(CallState::Live)));
    }
}

#[test]
fn silence_after_another_network_is_another_epoch_whoever_notices() {
    for who in [1, 2] {
        let mut wire = talking(1);
        let leg = LegId { call: CALL, device: device(3 - who) };
        wire.report(device(who), MediaEvent::Silence { leg, opened: 1, silent: true });
        wire.with(who, |call, now, _| call.network_changed(now));
        wire.pass(Span::from_millis(300));
        wire.with(who, |call, now, _| call.network_changed(now));
        wire.pass(Span::from_millis(400));
        assert_eq!(wire.end(1).legs.values().next().unwrap().1, 1, "it has not settled yet");
        wire.pass(Span::from_secs(5));
        assert_eq!(wire.end(1).legs.values().next().unwrap().1, 2, "noticed by {who}, once");
        wire.report(device(who), MediaEvent::Silence { leg, opened: 1, silent: false });
        assert_eq!((wire.state(1), wire.state(2)), (Some(CallState::Live), Some(CallState::Live)));

        // The other order: what passed was left alone, and then it does not pass any more.
        wire.pass(Span::from_secs(30));
        wire.with(who, |call, now, _| call.network_changed(now));
        wire.pass(Span::from_secs(4));
        wire.report(device(who), MediaEvent::Silence { leg, opened: 1, silent: true });
        wire.pass(Span::from_millis(500));
        assert_eq!(wire.end(1).legs.values().next().unwrap().1, 3, "it is not waited for");
    }
}

#[test]
fn a_connection_that_failed_is_made_anew_on_both_sides() {
    for who in [1, 2] {
        let mut wire = talking(1);
        let leg = LegId { call: CALL, device: device(3 - who) };
        wire.report(
            device(who),
            MediaEvent::Path { leg, opened: 1, state: PathState::Failed, relayed: false },
        );
        wire.pass(Span::from_secs(5));
        for end in [1, 2] {
            let opened = |command: &&MediaCommand| matches!(command, MediaCommand::Open(_));
            assert_eq!(wire.end(end).orders.iter().filter(opened).count(), 2);
            assert_eq!(wire.state(end), Some(CallState::Live), "of {end} when {who} noticed");
        }
    }
}

#[test]
fn what_is_said_of_the_connection_before_is_not_about_the_new_one() {
    let mut wire = talking(1);
    let leg = LegId { call: CALL, device: device(2) };
    let path = |state| MediaEvent::Path { leg, opened: 1, state, relayed: false };
    wire.report(device(1), path(PathState::Failed));
    wire.pass(Span(1));
    let opened = wire.opened(device(1), device(2));
    assert_eq!((opened, wire.state(1)), (2, Some(CallState::Reconnecting)), "a new one was made");
    wire.report(device(1), path(PathState::Connected));
    assert_eq!(wire.state(1), Some(CallState::Reconnecting), "nothing flows in the new one yet");
    wire.report(device(1), MediaEvent::Failed { leg, opened: 1, reason: MediaFailure::Broken });
    wire.report(device(1), path(PathState::Failed));
    wire.pass(Span::from_secs(5));
    assert_eq!((wire.state(1), wire.state(2)), (Some(CallState::Live), Some(CallState::Live)));
    assert_eq!(wire.opened(device(1), device(2)), opened, "and it is left alone");
}

#[test]
fn silence_is_not_borne_with_for_ever() {
    let mut wire = talking(1);
    let leg = LegId { call: CALL, device: device(2) };
    wire.report(device(1), MediaEvent::Silence { leg, opened: 1, silent: true });
    assert_eq!(wire.state(1), Some(CallState::Reconnecting));
    wire.report(device(1), MediaEvent::Silence { leg, opened: 1, silent: false });
    assert_eq!(wire.state(1), Some(CallState::Live));
    let epoch = wire.end(1).legs.values().next().unwrap().1;
    wire.pass(Span::from_secs(20));
    assert_eq!(wire.end(1).legs.values().next().unwrap().1, epoch, "nothing more is tried");
}

#[test]
fn what_each_sends_is_told() {
    let mut wire = talking(1);
    let media = Media { screen: true, ..Media::default() };
    wire.with(2, |call, now, acts| call.set_media(now, media, acts));
    assert!(
        matches!(wire.end(2).orders.last(), Some(MediaCommand::SetMedia { media: told, .. }) if *told == media)
    );
    wire.pass(Span::from_secs(1));
    assert_eq!(wire.end(1).call.as_ref().unwrap().media().1, media);
}

#[test]
fn what_cannot_be_sent_is_not_said_to_be() {
    let mut wire = talking(1);
    wire.with(2, |call, now, acts| call.lacks(now, Media { camera: true, ..Media::default() }, acts));
    wire.pass(Span::from_secs(1));
    let theirs = |wire: &mut Wire| wire.end(1).call.as_ref().unwrap().media().1;
    assert_eq!(theirs(&mut wire), Media::AUDIO, "Bob's camera is not there, and his voice is");
    assert_eq!((wire.state(1), wire.state(2)), (Some(CallState::Live), Some(CallState::Live)));
    wire.with(2, |call, now, acts| call.set_media(now, Media { microphone: false, ..Media::VIDEO }, acts));
    wire.pass(Span::from_secs(1));
    assert_eq!(theirs(&mut wire), Media::default());
    wire.with(2, |call, now, acts| call.lacks(now, Media::default(), acts));
    wire.pass(Span::from_secs(1));
    assert_eq!(theirs(&mut wire), Media { camera: true, ..Media::default() }, "it is there again");
}

#[test]
fn no_address_is_told_by_ringing_nor_when_it_is_hidden() {
    let mut wire = Wire::new(1);
    wire.start();
    wire.pass(Span::from_secs(3));
    let tells = |signal: &Signal| match signal {
        Signal::Step { step: Step::Candidates { list, .. }, .. } => {
            list.iter().any(|line| line.contains("192.0.2"))
        }
        Signal::Step { step: Step::Description { sdp, .. }, .. } => sdp.contains("192.0.2"),
        _ => false,
    };
    let relays = |signal: &Signal| matches!(signal, Signal::Step { step: Step::Candidates { .. }, .. });
    assert_eq!((wire.heard_by(2, tells), wire.heard_by(2, relays)), (0, 1));
    assert_eq!(
        wire.heard_by(1, |signal| matches!(signal, Signal::Step { .. })),
        0,
        "who rings tells nothing"
    );
    assert!(wire.end(2).legs.is_empty());
    wire.accept(2);
    wire.pass(Span::from_secs(1));
    assert!(wire.end(1).orders.iter().any(|order| matches!(order, MediaCommand::AllowDirect { .. })));
    assert!(wire.heard_by(1, tells) > 0, "who answers tells all");

    let mut wire = Wire::new(1);
    wire.hide(1);
    wire.hide(2);
    wire.start();
    wire.pass(Span::from_secs(3));
    wire.accept(2);
    wire.pass(Span::from_secs(3));
    wire.with(1, |call, now, _| call.network_changed(now));
    wire.pass(Span::from_secs(3));
    assert_eq!(wire.state(1), Some(CallState::Live));
    assert_eq!((wire.heard_by(1, tells), wire.heard_by(2, tells)), (0, 0));
    for who in [1, 2] {
        assert!(wire.end(who).orders.iter().all(|order| match order {
            MediaCommand::Open(opening) => opening.ways == Ways::RelayOnly,
            MediaCommand::AllowDirect { .. } => false,
            _ => true,
        }));
    }
}

#[test]
fn who_hides_and_knows_no_relay_hears_so_before_anybody_answers() {
    let relay = IceServer {
        url: BoundedStr::truncated("turn:192.0.2.1:3478"),
        user: BoundedStr::default(),
        password: BoundedStr::default(),
    };
    let mut wire = Wire::new(1);
    wire.hide(1);
    wire.start();
    wire.with(1, |call, _, acts| call.set_servers(BoundedVec::truncated(vec![relay]), acts));
    wire.pass(Span::from_secs(1));
    assert_eq!(wire.state(2), Some(CallState::Incoming), "with one it rings");
    wire.with(1, |call, _, acts| call.set_servers(BoundedVec::default(), acts));
    wire.pass(Span::from_secs(1));
    assert_eq!(wire.ended(1), Some(CallEnd::Device(MediaFailure::NoRelay)));
    assert_eq!(wire.ended(2), Some(CallEnd::Missed));

    let mut wire = Wire::new(1);
    wire.start();
    wire.with(1, |call, _, acts| call.set_servers(BoundedVec::default(), acts));
    wire.pass(Span::from_secs(1));
    assert_eq!(wire.state(2), Some(CallState::Incoming), "who hides nothing needs none");

    let mut wire = Wire::new(1);
    wire.hide(1);
    wire.start();
    wire.pass(Span::from_secs(1));
    wire.accept(2);
    wire.pass(Span::from_secs(1));
    wire.with(1, |call, _, acts| call.set_servers(BoundedVec::default(), acts));
    assert_eq!(wire.state(1), Some(CallState::Live), "and what goes on goes on");
}

#[test]
fn what_media_cannot_do_ends_it_with_a_reason() {
    let mut wire = Wire::accepted_without_media();
    let leg = LegId { call: CALL, device: device(1) };
    wire.report(device(2), MediaEvent::Failed { leg, opened: 1, reason: MediaFailure::NoRelay });
    assert_eq!(wire.ended(2), Some(CallEnd::Device(MediaFailure::NoRelay)));
    wire.pass(Span::from_secs(1));
    assert_eq!(wire.ended(1), Some(CallEnd::NoConnection));

    let mut wire = Wire::new(1);
    wire.media = false;
    wire.start();
    wire.pass(Span::from_secs(1));
    wire.accept(2);
    wire.pass(Span::from_secs(46));
    assert_eq!((wire.ended(1), wire.ended(2)), (Some(CallEnd::NoConnection), Some(CallEnd::NoConnection)));
}

#[test]
fn reports_of_older_epochs_and_of_closed_legs_say_nothing() {
    let mut wire = talking(1);
    let said = wire.said.len();
    let leg = LegId { call: CALL, device: device(2) };
    let sdp = BoundedStr::default();
    wire.report(device(1), MediaEvent::Described { leg, epoch: 0, offer: true, sdp: sdp.clone() });
    wire.report(device(1), MediaEvent::Described { leg, epoch: 2, offer: true, sdp });
    wire.report(
        device(1),
        MediaEvent::Path {
            leg: LegId { call: CALL, device: device(7) },
            opened: 1,
            state: PathState::Failed,
            relayed: false,
        },
    );
    assert_eq!(wire.said.len(), said);
    assert_eq!(wire.state(1), Some(CallState::Live));
}

#[test]
fn who_wants_new_connections_all_the_time_gets_one_a_second() {
    let mut wire = talking(1);
    let begin = wire.now;
    let before = wire.end(2).orders.len();
    wire.cut = true;
    let mut number = 100;
    // What came before was taken: the next number is the one that counts.
    wire.with(2, |call, _, _| number = call.steps_taken(&device(1)) + 1);
    let mut epoch = 2;
    while wire.now.since(begin) < Span::from_secs(5) {
        let anew = Signal::Step { number, step: Step::Restart { epoch, anew: true } };
        let sdp = BoundedStr::default();
        let offer = Signal::Step { number, step: Step::Description { epoch, offer: true, sdp } };
        for signal in [anew, offer] {
            wire.with(2, |call, now, acts| _ = call.hear(now, device(1), signal, acts));
        }
        let mut taken = number;
        wire.with(2, |call, _, _| taken = call.steps_taken(&device(1)));
        if taken >= number {
            (number, epoch) = (taken + 1, epoch + 1);
        }
        wire.pass(Span::from_millis(50));
    }
    let orders = &wire.end(2).orders[before..];
    let begun =
        |order: &&MediaCommand| matches!(order, MediaCommand::Open(_) | MediaCommand::Describe { .. });
    let count = orders.iter().filter(begun).count();
    assert!((4..=6).contains(&count), "{count} in five seconds");
}

#[test]
fn steps_are_bounded_whatever_comes() {
    let mut wire = talking(1);
    wire.cut = true;
    for number in 0..1_000_u32 {
        let media = Media { camera: number % 2 == 0, ..Media::AUDIO };
        wire.with(1, |call, now, acts| call.set_media(now, media, acts));
    }
    assert!(wire.said.iter().filter(|(_, _, signal)| matches!(signal, Signal::Step { .. })).count() < 100);
    wire.with(2, |call, now, acts| {
        for number in 0..10_000 {
            let step = Step::Media(Media::AUDIO);
            call.hear(now, device(1), Signal::Step { number: number * 7 + 90, step }, acts);
        }
    });
}
