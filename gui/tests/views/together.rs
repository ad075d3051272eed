//! Calls of groups as pictures: the strip in the chat, ringing, all alike, one of them large.

use std::time::Duration;

use eframe::egui::Key;
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::Queryable as _;
use kith_engine::Event;
use kith_engine::view::GroupCallState;
use kith_engine::view::GroupCallView;
use kith_engine::view::InCallView;
use kith_gui::action::Action;
use kith_gui::action::CallAction;
use kith_gui::bridge::Reply;
use kith_gui::model::Model;
use kith_gui::model::calls::together::Layout;
use kith_gui::model::calls::together::Tile;
use kith_node::calling::GroupPictures;
use kith_node::calling::Pictures;
use kith_node::calling::stats::LegStats;
use kith_node::calling::stats::SpeechStats;
use kith_node::calling::stats::Stats;
use kith_proto::call::Media;
use kith_proto::call::media::LegId;
use kith_proto::call::media::PathState;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

use super::NARROW;
use super::NOW;
use super::Shown;
use super::WIDE;
use super::calls::picture;
use super::groups::HIKING;
use super::groups::JONAS;
use super::groups::MIRA;
use super::groups::SARA;
use super::groups::TEO;
use super::groups::hiking;
use super::groups::model_of;
use super::show;

const CALL: CallId = CallId([6; 16]);

fn device(number: u8) -> DeviceId {
    DeviceId([number; 32])
}

fn person(account: AccountId, number: u8, camera: bool) -> InCallView {
    let media = Media { microphone: true, camera, ..Media::default() };
    InCallView { account, device: device(number), media, hand: false, connected: true }
}

fn people() -> Vec<InCallView> {
    let mut sara = person(SARA, 3, false);
    sara.hand = true;
    let mut teo = person(TEO, 4, false);
    teo.media.microphone = false;
    vec![person(MIRA, 1, true), person(JONAS, 2, false), sara, teo]
}

fn view(state: GroupCallState, people: Vec<InCallView>) -> GroupCallView {
    GroupCallView {
        call: CALL,
        group: HIKING,
        chat: ChatId::group(&HIKING),
        state,
        begun: Timestamp(NOW.time.0 - 760_000),
        talking_since: (state == GroupCallState::Live).then_some(Timestamp(NOW.time.0 - 754_000)),
        own: Media { microphone: true, camera: true, ..Media::default() },
        lacking: Media::default(),
        hand: false,
        muted_by: None,
        forwarder: Some(device(1)),
        people,
    }
}

/// Somebody with a camera in the chat of the group.
fn chat(view: Option<GroupCallView>) -> Model {
    let mut model = model_of(&hiking(Role::Admin));
    model.calls.devices.chosen.camera = "pattern".to_owned();
    model.network.listen = super::model().network.listen;
    if let Some(view) = view {
        model.event(Event::GroupCallChanged(Box::new(view)));
    }
    model
}

fn measured() -> Stats {
    let speech = |level| SpeechStats { level, ..SpeechStats::default() };
    let leg = LegStats {
        leg: LegId { call: CALL, device: device(1) },
        path: Some(PathState::Connected),
        relayed: false,
        round_trip: Duration::from_millis(38),
        target: Default::default(),
        loss: 0.004,
        sent_again: 12,
        repaired: 9,
        lost: 1,
        tracks: Vec::new(),
        speech: speech(0.0),
    };
    let heard = vec![(device(2), speech(0.2)), (device(3), speech(0.0))];
    Stats { microphone_level: 0.1, legs: vec![leg], heard }
}

fn talking(people: Vec<InCallView>) -> Model {
    let mut model = chat(Some(view(GroupCallState::Live, people)));
    for _ in 0..2 {
        model.reply(Reply::Calls(Box::new(measured())));
    }
    let mira =
        Pictures { camera: picture(640, 360, 150, 110), screen: picture(800, 600, 120, 128), own: None };
    model
        .calls
        .together
        .set_pictures(GroupPictures { people: [(device(1), mira)].into(), own: picture(320, 180, 110, 150) });
    model
}

fn both(model: impl Fn() -> Model, name: &str, narrow: Option<bool>) {
    super::calls::both(model, name, narrow);
}

#[test]
fn a_call_goes_on_in_the_group() {
    both(|| chat(Some(view(GroupCallState::Ongoing, people()))), "group-call-strip", Some(false));
}

#[test]
fn the_group_is_called() {
    both(|| chat(Some(view(GroupCallState::Ringing, people()))), "group-call-incoming", None);
}

#[test]
fn all_are_shown_alike() {
    both(|| talking(people()), "group-call-grid", Some(true));
}

#[test]
fn who_speaks_is_large() {
    let model = || {
        let mut model = talking(people());
        model.act(Action::Call(CallAction::Arrange(Layout::Speaker)));
        model
    };
    both(model, "group-call-speaker", Some(false));
}

#[test]
fn a_screen_is_large() {
    let model = || {
        let mut people = people();
        people[0].media.screen = true;
        people[1].connected = false;
        talking(people)
    };
    both(model, "group-call-screen", None);
}

#[test]
fn nobody_else_is_there_and_fifteen_others_are() {
    let mut results = SnapshotResults::new();
    let many = (0..15).map(|number| person(AccountId([40 + number; 32]), 40 + number, false)).collect();
    for (people, state, dark, size, name) in [
        (Vec::new(), GroupCallState::Waiting, false, WIDE, "group-call-alone-light"),
        (many, GroupCallState::Live, true, NARROW, "group-call-many-narrow-dark"),
    ] {
        let mut shown: Shown = show(chat(Some(view(state, people))), dark, size);
        shown.picture(name);
        results.extend_harness(&mut shown.harness);
    }
}

#[test]
fn what_is_measured_is_shown_for_each_connection() {
    let model = || {
        let mut model = talking(people());
        model.act(Action::Call(CallAction::Figures(true)));
        model
    };
    let mut shown: Shown = show(model(), true, WIDE);
    shown.settle();
    for words in ["Passed on by", "38 ms"] {
        assert!(shown.harness.query_by_label_contains(words).is_some(), "{words}");
    }
}

#[test]
fn everything_in_a_call_of_a_group_has_a_name_and_can_be_pressed() {
    let chat_of = ChatId::group(&HIKING);
    let mira = Tile { device: Some(device(1)), screen: false };
    let pressed = |model: Model, label: &str| -> Vec<Action> {
        let mut shown: Shown = show(model, true, WIDE);
        shown.settle();
        shown.harness.get_by_label(label).click();
        shown.settle();
        shown.actions.borrow().iter().filter(|action| matches!(action, Action::Call(_))).cloned().collect()
    };
    let ongoing = || chat(Some(view(GroupCallState::Ongoing, people())));
    let ringing = || chat(Some(view(GroupCallState::Ringing, people())));
    let in_call = || talking(people());
    let quiet = || chat(None);
    type Made<'m> = &'m dyn Fn() -> Model;
    let all: [(Made<'_>, &str, CallAction); 10] = [
        (&quiet, "Call the group", CallAction::Start { chat: chat_of, camera: false }),
        (&quiet, "Call the group with video", CallAction::Start { chat: chat_of, camera: true }),
        (&ongoing, "Join", CallAction::Start { chat: chat_of, camera: false }),
        (&ongoing, "Join with camera", CallAction::Start { chat: chat_of, camera: true }),
        (&ringing, "Accept", CallAction::Accept { camera: false }),
        (&ringing, "Decline", CallAction::HangUp),
        (&in_call, "Raise your hand", CallAction::RaiseHand(true)),
        (&in_call, "Show who speaks large", CallAction::Arrange(Layout::Speaker)),
        (&in_call, "Show Mira Okafor large", CallAction::Enlarge(mira)),
        (&in_call, "Hang up", CallAction::HangUp),
    ];
    for (model, label, action) in all {
        let said = pressed(model(), label);
        assert!(said.contains(&Action::Call(action)), "{label}: {said:?}");
    }
}

#[test]
fn who_keeps_order_has_somebody_be_silent() {
    let mut shown: Shown = show(talking(people()), true, WIDE);
    shown.settle();
    shown.harness.get_by_label_contains("Jonas Weber large").click_secondary();
    shown.settle();
    shown.harness.get_by_label("Switch off the microphone of Jonas Weber").click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::Call(CallAction::Mute(JONAS))));
    let by_key = |label: &str| {
        let mut shown: Shown = show(talking(people()), true, WIDE);
        shown.settle();
        shown.harness.get_by_label_contains(label).focus();
        shown.settle();
        shown.harness.key_press(Key::M);
        shown.settle();
        shown.actions.borrow().contains(&Action::Call(CallAction::Mute(JONAS)))
    };
    assert!(by_key("Jonas Weber large") && !by_key("Teo Marin large"));
}
