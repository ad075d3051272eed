//! Calls, as the models tell it: Ann uses the app, Bob calls and is called.

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::command::Answer;
use kith_engine::command::MediaChange;
use kith_engine::view::CallEnd;
use kith_engine::view::CallLine;
use kith_engine::view::CallState;
use kith_engine::view::CallView;
use kith_engine::view::ChatView;
use kith_engine::view::ChatWith;
use kith_engine::view::ContactState;
use kith_engine::view::MessageKind;
use kith_gui::action::Action;
use kith_gui::action::CallAction;
use kith_gui::action::Request;
use kith_gui::action::calls::Part;
use kith_gui::bridge::Reply;
use kith_gui::model::Model;
use kith_gui::model::calls::NoCall;
use kith_gui::model::calls::words;
use kith_gui::model::settings::Page;
use kith_node::calling::Pictures;
use kith_node::calling::Tune;
use kith_node::calling::stats::Rehearsed;
use kith_proto::address::Multiaddress;
use kith_proto::call::Media;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::NOON;
use super::contact;
use super::everything;
use super::groups::BOB;
use super::message;

const CALL: CallId = CallId([5; 16]);

fn voice() -> Media {
    Media { microphone: true, ..Media::default() }
}

/// Bob is a contact, and the network is there.
fn ann() -> (Model, ChatId) {
    let mut model = Model::new();
    model.act(Action::CloseDialog);
    model.reply(Reply::Unlocked);
    model.reply(Reply::All(Box::new(everything())));
    let bob = contact(BOB, "Bob", ContactState::Accepted);
    let chat = bob.chat;
    model.event(Event::ContactChanged(bob));
    model.event(Event::ChatChanged(ChatView {
        chat,
        with: ChatWith::Contact(BOB),
        name: "Bob".to_owned(),
        unread: 0,
        last: None,
        active_at: Timestamp(NOON),
        draft: String::new(),
    }));
    model.network.listen = vec![Multiaddress::new(vec![1]).unwrap()];
    (model, chat)
}

pub(crate) fn call(chat: ChatId, outgoing: bool, state: CallState) -> CallView {
    let talking_since = matches!(state, CallState::Live).then_some(Timestamp(NOON));
    CallView {
        call: CALL,
        chat,
        contact: BOB,
        outgoing,
        state,
        begun: Timestamp(NOON),
        talking_since,
        own: voice(),
        theirs: voice(),
        lacking: Media::default(),
        relayed: false,
        address_hidden: false,
    }
}

fn rings(requests: &[Request]) -> Vec<Option<Tune>> {
    let tune = |request: &Request| if let Request::Ring(tune) = request { Some(*tune) } else { None };
    requests.iter().filter_map(tune).collect()
}

#[test]
fn bob_calls_it_rings_and_ann_answers() {
    let (mut model, chat) = ann();
    model.notices.look(Timestamp(NOON), false);
    let asked = model.event(Event::CallIncoming(call(chat, false, CallState::Incoming)));
    assert_eq!(rings(&asked), [Some(Tune::Incoming)], "it is heard");
    assert_eq!(model.notices.take().len(), 1, "the system says so, as nobody looks");
    assert!(
        model.calls.incoming().is_some() && model.calls.open().is_none(),
        "it is asked whether to answer"
    );
    let asked = model.act(Action::Call(CallAction::Accept { camera: false }));
    assert!(asked.contains(&Request::Command(Command::AcceptCall { call: CALL, media: Media::AUDIO })));
    assert_eq!(model.open_chat(), Some(chat), "the chat of the call is behind it");
    let asked = model.event(Event::CallChanged(call(chat, false, CallState::Connecting)));
    assert_eq!(rings(&asked), [None], "it rings no more");
    assert!(model.calls.open().is_some(), "the call is shown");
}

#[test]
fn ringing_ends_when_bob_gives_up_or_another_device_answers() {
    for (end, says) in [(CallEnd::Missed, 0), (CallEnd::AnsweredElsewhere, 1)] {
        let (mut model, chat) = ann();
        model.event(Event::CallIncoming(call(chat, false, CallState::Incoming)));
        let asked = model.event(Event::CallChanged(call(chat, false, CallState::Ended(end))));
        assert_eq!(rings(&asked), [None], "{end:?}: it rings no more");
        assert!(model.calls.shown().is_none(), "{end:?}: nothing is left of it");
        assert_eq!(model.toasts.iter().count(), says, "{end:?}: it is said where it went");
    }
}

#[test]
fn whoever_calls_hears_that_it_rings_and_reads_why_nobody_answered() {
    let (mut model, chat) = ann();
    let asked = model.act(Action::Call(CallAction::Start { chat, camera: false }));
    assert!(asked.contains(&Request::Command(Command::StartCall { chat, media: Media::AUDIO })));
    let asked = model.reply(Reply::Done(Box::new(Answer::Call(call(chat, true, CallState::Calling)))));
    assert!(rings(&asked).is_empty(), "it does not ring there yet");
    let asked = model.event(Event::CallChanged(call(chat, true, CallState::Ringing)));
    assert_eq!(rings(&asked), [Some(Tune::RingBack)]);
    let asked = model.event(Event::CallChanged(call(chat, true, CallState::Ringing)));
    assert!(rings(&asked).is_empty(), "it does not begin anew");
    let ended = call(chat, true, CallState::Ended(CallEnd::NoAnswer));
    let asked = model.event(Event::CallChanged(ended));
    assert_eq!(rings(&asked), [None]);
    let shown = words::state(model.calls.open().unwrap(), Timestamp(NOON));
    assert_eq!(shown, "Nobody answered");
    assert!(model.pass_time(5.0), "there is time to read it");
    assert!(!model.pass_time(4.0) && model.calls.shown().is_none(), "then it goes away");
}

#[test]
fn a_call_goes_on_beside_the_chats() {
    let (mut model, chat) = ann();
    model.event(Event::CallChanged(call(chat, true, CallState::Live)));
    model.act(Action::OpenChat(chat));
    assert!(model.calls.open().is_none() && model.calls.aside().is_some(), "a bar tells of it");
    model.act(Action::Call(CallAction::Show(true)));
    assert!(model.calls.open().is_some());
    let asked = model.act(Action::Call(CallAction::HangUp));
    assert_eq!(asked, [Request::Command(Command::HangUp { call: CALL })]);
    assert_eq!(words::state(model.calls.shown().unwrap(), Timestamp(NOON + 65_000)), "1:05");
}

#[test]
fn the_microphone_is_switched_and_is_on_while_a_key_is_held() {
    let (mut model, chat) = ann();
    model.event(Event::CallChanged(call(chat, true, CallState::Live)));
    let change = |on| {
        let change = MediaChange { microphone: Some(on), ..MediaChange::default() };
        vec![Request::Command(Command::SetCallMedia { call: CALL, change })]
    };
    assert!(model.act(Action::Call(CallAction::Talk(true))).is_empty(), "it is on anyway");
    assert_eq!(model.act(Action::Call(CallAction::Toggle(Part::Microphone))), change(false));
    let mut silent = call(chat, true, CallState::Live);
    silent.own.microphone = false;
    model.event(Event::CallChanged(silent));
    assert_eq!(model.act(Action::Call(CallAction::Talk(true))), change(true));
    assert!(
        model.act(Action::Call(CallAction::Talk(true))).is_empty(),
        "a key that repeats says nothing new"
    );
    assert_eq!(model.act(Action::Call(CallAction::Talk(false))), change(false));
}

#[test]
fn without_a_camera_nobody_is_seen_and_the_reason_is_said() {
    let (mut model, chat) = ann();
    let bob = contact(BOB, "Bob", ContactState::Accepted);
    assert_eq!(model.no_call(&bob, false), None);
    assert_eq!(model.no_call(&bob, true), Some(NoCall::NoCamera));
    assert_eq!(model.no_call(&contact(BOB, "Bob", ContactState::Blocked), false), Some(NoCall::NoContact));
    model.event(Event::CallChanged(call(chat, true, CallState::Live)));
    assert!(
        model.act(Action::Call(CallAction::Toggle(Part::Camera))).is_empty(),
        "there is none to switch on"
    );
    assert_eq!(model.no_call(&bob, false), Some(NoCall::Talking));
    model.calls.devices.chosen.camera = "pattern".to_owned();
    assert_eq!(model.act(Action::Call(CallAction::Toggle(Part::Camera))).len(), 1);
}

#[test]
fn pictures_that_are_not_shown_any_more_are_gone() {
    let (mut model, chat) = ann();
    let mut seen = call(chat, true, CallState::Live);
    seen.theirs.camera = true;
    model.event(Event::CallChanged(seen));
    assert_eq!(model.calls.wants_pictures(), Some(CALL));
    let picture = || Some(std::sync::Arc::new(kith_node::calling::Picture::black(32, 16)));
    let pictures = || Pictures { camera: picture(), screen: None, own: picture() };
    model.calls.set_pictures(pictures());
    assert!(model.calls.pictures().camera.is_some() && model.calls.pictures().own.is_none());
    model.event(Event::CallChanged(call(chat, true, CallState::Live)));
    assert_eq!(model.calls.wants_pictures(), None, "the camera there is off");
    model.calls.set_pictures(pictures());
    assert_eq!(*model.calls.pictures(), Pictures::default());
}

#[test]
fn a_missed_call_is_told_of_and_one_that_was_answered_is_not() {
    let (mut model, chat) = ann();
    model.notices.look(Timestamp(NOON), false);
    let line = |end, talked| CallLine { call: CALL, video: false, end, talked: Span(talked) };
    let mut told = |index, line| {
        let mut view = message(index, false, 1);
        (view.chat, view.sender, view.kind) = (chat, BOB, MessageKind::Call(line));
        model.event(Event::MessageReceived(view));
        model.notices.take().into_iter().map(|notice| notice.body).collect::<Vec<_>>()
    };
    assert!(told(1, line(CallEnd::Finished, 60_000)).is_empty());
    assert_eq!(told(2, line(CallEnd::Missed, 0)), ["Missed call"]);
    assert_eq!(words::whole(&line(CallEnd::Finished, 3_725_000), true), "Outgoing call: 1:02:05");
    assert_eq!(words::whole(&line(CallEnd::Declined, 0), false), "Incoming call: You declined");
}

#[test]
fn a_call_to_oneself_goes_on_while_its_page_is_open() {
    let (mut model, chat) = ann();
    let wants = |requests: &[Request]| -> Vec<Option<bool>> {
        let rehearses = |request: &Request| match request {
            Request::Rehearse(wanted) => Some(*wanted),
            _ => None,
        };
        requests.iter().filter_map(rehearses).collect()
    };
    model.act(Action::OpenSettings);
    model.act(Action::ShowPage(Page::Calls));
    let requests = model.act(Action::Call(CallAction::Rehearse(true)));
    assert_eq!(wants(&requests), [Some(true)]);
    let now = Rehearsed { microphone_level: 0.25, ..Rehearsed::default() };
    model.reply(Reply::Rehearsed(Some(now)));
    assert_eq!(model.calls.level(), 0.25, "the meter shows what it hears");
    assert_eq!(wants(&model.tick(Timestamp(NOON))), [None], "it is only looked at");
    model.act(Action::CloseDialog);
    assert_eq!(wants(&model.tick(Timestamp(NOON))), [Some(false)], "nobody listens any more");
    model.reply(Reply::Rehearsed(None));
    assert_eq!(wants(&model.tick(Timestamp(NOON))), []);
    // With a call there is none.
    assert!(!model.calls.is_talking());
    model.event(Event::CallChanged(call(chat, true, CallState::Live)));
    assert!(model.calls.is_talking());
}

#[test]
fn the_address_is_hidden_from_one_or_not_or_as_from_all() {
    let (mut model, _) = ann();
    assert_eq!(model.calls.hides_from(&BOB), None);
    for hide in [Some(true), Some(false), None] {
        let requests = model.act(Action::Call(CallAction::HideFrom(BOB, hide)));
        assert_eq!(requests, [Request::Command(Command::HideAddressFrom { contact: BOB, hide })]);
        assert_eq!(model.calls.hides_from(&BOB), hide, "the menu shows it at once");
    }
}
