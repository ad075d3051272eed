//! Calls as pictures: ringing, talking, seeing each other, and what is left of them in a chat.

use std::sync::Arc;
use std::time::Duration;

use egui_kittest::SnapshotResults;
use egui_kittest::kittest::Queryable as _;
use kith_engine::Event;
use kith_engine::view::CallEnd;
use kith_engine::view::CallLine;
use kith_engine::view::CallState;
use kith_engine::view::CallView;
use kith_engine::view::MessageKind;
use kith_gui::action::Action;
use kith_gui::action::CallAction;
use kith_gui::bridge::Reply;
use kith_gui::model::Model;
use kith_node::calling::Picture;
use kith_node::calling::Pictures;
use kith_node::calling::stats::LegStats;
use kith_node::calling::stats::Rehearsed;
use kith_node::calling::stats::SpeechStats;
use kith_node::calling::stats::Stats;
use kith_proto::call::Media;
use kith_proto::call::media::LegId;
use kith_proto::call::media::PathState;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::ME;
use super::NARROW;
use super::NOW;
use super::Shown;
use super::WIDE;
use super::contact;
use super::message;
use super::model;
use super::show;

const CALL: CallId = CallId([5; 16]);

fn voice() -> Media {
    Media { microphone: true, ..Media::default() }
}

fn mira(outgoing: bool, state: CallState) -> CallView {
    let mira = contact(10, "Mira Okafor", kith_engine::view::ContactState::Accepted);
    CallView {
        call: CALL,
        chat: ChatId::direct(&ME, &mira.contact),
        contact: mira.contact,
        outgoing,
        state,
        begun: NOW.time,
        talking_since: (state == CallState::Live).then_some(Timestamp(NOW.time.0 - 754_000)),
        own: voice(),
        theirs: voice(),
        lacking: Media::default(),
        relayed: false,
        address_hidden: false,
    }
}

/// Somebody with a camera in a call.
fn calling(view: CallView) -> Model {
    let mut model = model();
    model.calls.devices.chosen.camera = "pattern".to_owned();
    model.event(Event::CallChanged(view));
    model.reply(Reply::Calls(Box::new(measured())));
    model
}

fn measured() -> Stats {
    let leg = LegStats {
        leg: LegId { call: CALL, device: DeviceId([2; 32]) },
        path: Some(PathState::Connected),
        relayed: false,
        round_trip: Duration::from_millis(38),
        target: Default::default(),
        loss: 0.004,
        sent_again: 12,
        repaired: 9,
        lost: 1,
        tracks: Vec::new(),
        speech: SpeechStats { held_millis: 60, decoded: 37_700, repaired: 3, made_up: 14, level: 0.2 },
    };
    Stats { microphone_level: 0.1, legs: vec![leg], ..Stats::default() }
}

/// A picture with a shape in it, so that one sees whether it is upside down or mirrored.
pub(super) fn picture(width: u32, height: u32, u: u8, v: u8) -> Option<Arc<Picture>> {
    let mut picture = Picture::black(width, height);
    for (at, sample) in picture.y_mut().iter_mut().enumerate() {
        let (x, y) = (at as u32 % width, at as u32 / width);
        let light = 70 + (x * 90 / width) as u8 + (y * 50 / height) as u8;
        let (dx, dy) = (x as i32 * 3 - width as i32, y as i32 * 2 - height as i32);
        let near = (dx * dx / 9 + dy * dy / 4) < (height as i32 / 4).pow(2);
        *sample = if near { 210 } else { light };
    }
    let (us, vs) = picture.uv_mut();
    us.fill(u);
    vs.fill(v);
    Some(Arc::new(picture))
}

fn seen() -> Model {
    let both = Media { camera: true, ..voice() };
    let mut model = calling(CallView { own: both, theirs: both, ..mira(true, CallState::Live) });
    let pictures =
        Pictures { camera: picture(640, 360, 150, 110), screen: None, own: picture(320, 180, 110, 150) };
    model.calls.set_pictures(pictures);
    model
}

/// The same in both themes, and, if wanted, in a narrow window of one of them.
pub(super) fn both(model: impl Fn() -> Model, name: &str, narrow: Option<bool>) {
    let mut results = SnapshotResults::new();
    let theme = |dark| if dark { "dark" } else { "light" };
    let mut pictures = vec![(true, WIDE, format!("{name}-dark")), (false, WIDE, format!("{name}-light"))];
    pictures.extend(narrow.map(|dark| (dark, NARROW, format!("{name}-narrow-{}", theme(dark)))));
    for (dark, size, name) in pictures {
        let mut shown: Shown = show(model(), dark, size);
        shown.picture(&name);
        results.extend_harness(&mut shown.harness);
    }
}

#[test]
fn somebody_calls() {
    both(
        || {
            calling(CallView {
                theirs: Media { camera: true, ..voice() },
                ..mira(false, CallState::Incoming)
            })
        },
        "call-incoming",
        Some(false),
    );
}

#[test]
fn somebody_is_called() {
    both(|| calling(mira(true, CallState::Ringing)), "call-ringing", None);
}

#[test]
fn two_talk() {
    both(|| calling(mira(true, CallState::Live)), "call-voice", Some(true));
}

#[test]
fn two_see_each_other() {
    both(seen, "call-video", Some(false));
}

#[test]
fn what_is_measured_is_shown() {
    let with = || {
        let mut model = seen();
        model.act(Action::Call(CallAction::Figures(true)));
        model
    };
    both(with, "call-figures", None);
}

#[test]
fn it_is_over_and_says_why() {
    both(
        || {
            let mut model = calling(mira(true, CallState::Ringing));
            model.event(Event::CallChanged(mira(true, CallState::Ended(CallEnd::Unreachable))));
            model
        },
        "call-ended",
        None,
    );
}

/// Calls in the chat, while one goes on.
fn lines() -> Model {
    let mut model = calling(mira(true, CallState::Live));
    model.act(Action::Call(CallAction::Show(false)));
    let mira = contact(10, "Mira Okafor", kith_engine::view::ContactState::Accepted);
    let calls = [
        (true, CallEnd::Finished, 754_000, false),
        (false, CallEnd::Missed, 0, false),
        (false, CallEnd::Finished, 3_725_000, true),
        (false, CallEnd::Declined, 0, false),
        (true, CallEnd::Busy, 0, true),
    ];
    for (at, (outgoing, end, talked, video)) in (10_u64..).zip(calls) {
        let minutes = 15 - at;
        let state = kith_engine::view::MessageState::Read;
        let mut view = message(&mira, at, outgoing, minutes.min(3), "", state);
        let line = CallLine { call: CallId([at as u8; 16]), video, end, talked: Span(talked) };
        view.kind = MessageKind::Call(line);
        model.event(Event::MessageWritten(view));
    }
    model
}

#[test]
fn calls_are_left_in_the_chat_and_one_goes_on_beside_it() {
    both(lines, "call-lines", Some(true));
}

#[test]
fn the_settings_of_calls() {
    both(|| super::settings(kith_gui::model::settings::Page::Calls), "settings-calls", None);
}

#[test]
fn the_address_is_hidden_from_one_in_their_menu() {
    let mut shown: Shown = show(model(), true, WIDE);
    for label in ["More", "Network address in calls", "Always hide it"] {
        shown.settle();
        shown.harness.get_by_label_contains(label).click();
    }
    shown.settle();
    let said = shown.actions.borrow();
    assert!(said.iter().any(|action| matches!(action, Action::Call(CallAction::HideFrom(_, Some(true))))));
}

#[test]
fn who_wants_to_hear_themselves_presses_a_button() {
    let mut shown: Shown = show(super::settings(kith_gui::model::settings::Page::Calls), true, WIDE);
    shown.settle();
    shown.harness.get_by_label("Hear yourself").click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::Call(CallAction::Rehearse(true))));
    shown
        .model
        .borrow_mut()
        .reply(Reply::Rehearsed(Some(Rehearsed { lacks_speaker: true, ..Default::default() })));
    shown.settle();
    assert!(shown.harness.query_by_label_contains("No speaker could be used").is_some());
    shown.harness.get_by_label("Stop").click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::Call(CallAction::Rehearse(false))));
}

#[test]
fn everything_in_a_call_has_a_name_and_can_be_pressed() {
    let pressed = |mut model: Model, label: &str| -> Vec<Action> {
        // Who asks to be added has a button of the same name.
        model.contacts.remove(&kith_proto::id::AccountId([15; 32]));
        let mut shown: Shown = show(model, true, WIDE);
        shown.settle();
        shown.harness.get_by_label(label).click();
        shown.settle();
        shown.actions.borrow().iter().filter(|action| matches!(action, Action::Call(_))).cloned().collect()
    };
    use kith_gui::action::calls::Part;
    let chat = mira(true, CallState::Live).chat;
    for (label, action) in [
        ("Switch the microphone off", CallAction::Toggle(Part::Microphone)),
        ("Switch the camera off", CallAction::Toggle(Part::Camera)),
        ("Put on hold", CallAction::Toggle(Part::Hold)),
        ("Hang up", CallAction::HangUp),
        ("What is measured", CallAction::Figures(true)),
        ("Use the whole window", CallAction::Full(true)),
        ("Show the chats; the call goes on", CallAction::Show(false)),
    ] {
        assert_eq!(pressed(seen(), label), [Action::Call(action)], "{label}");
    }
    for (label, action) in [
        ("Accept", CallAction::Accept { camera: false }),
        ("With camera", CallAction::Accept { camera: true }),
        ("Decline", CallAction::HangUp),
    ] {
        assert_eq!(
            pressed(calling(mira(false, CallState::Incoming)), label),
            [Action::Call(action)],
            "{label}"
        );
    }
    assert_eq!(pressed(model(), "Voice call"), [Action::Call(CallAction::Start { chat, camera: false })]);
    assert_eq!(pressed(model(), "Video call"), [], "without a camera it cannot be pressed");
}
