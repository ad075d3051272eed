//! Calls of groups, as the models tell it: Ann uses the app, Bob and Carol are in the group.

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::view::CallEnd;
use kith_engine::view::GroupCallState;
use kith_engine::view::GroupCallView;
use kith_engine::view::InCallView;
use kith_gui::action::Action;
use kith_gui::action::CallAction;
use kith_gui::action::Request;
use kith_gui::action::calls::Part;
use kith_gui::bridge::Reply;
use kith_gui::model::Model;
use kith_gui::model::calls::NoCall;
use kith_gui::model::calls::together::Layout;
use kith_gui::model::calls::together::Tile;
use kith_gui::model::calls::words;
use kith_node::calling::Tune;
use kith_node::calling::stats::SpeechStats;
use kith_node::calling::stats::Stats;
use kith_proto::address::Multiaddress;
use kith_proto::call::Media;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

use super::NOON;
use super::groups;
use super::groups::BOB;
use super::groups::CAROL;
use super::groups::HIKING;

const CALL: CallId = CallId([6; 16]);

fn device(number: u8) -> DeviceId {
    DeviceId([number; 32])
}

fn person(account: AccountId, number: u8) -> InCallView {
    let media = Media { microphone: true, ..Media::default() };
    InCallView { account, device: device(number), media, hand: false, connected: true }
}

fn view(state: GroupCallState, people: Vec<InCallView>) -> GroupCallView {
    let talking_since = (state == GroupCallState::Live).then_some(Timestamp(NOON));
    GroupCallView {
        call: CALL,
        group: HIKING,
        chat: groups::chat(),
        state,
        begun: Timestamp(NOON),
        talking_since,
        own: Media::AUDIO,
        lacking: Media::default(),
        hand: false,
        muted_by: None,
        forwarder: None,
        people,
    }
}

fn both() -> Vec<InCallView> {
    vec![person(BOB, 2), person(CAROL, 4)]
}

fn ann() -> Model {
    let mut model = groups::opened(Role::Member);
    model.network.listen = vec![Multiaddress::new(vec![1]).unwrap()];
    model
}

fn hear(model: &mut Model, view: GroupCallView) -> Vec<Request> {
    model.event(Event::GroupCallChanged(Box::new(view)))
}

fn inside() -> Model {
    let mut model = ann();
    hear(&mut model, view(GroupCallState::Live, both()));
    model
}

fn commands(requests: Vec<Request>) -> Vec<Command> {
    let command = |request| if let Request::Command(command) = request { Some(command) } else { None };
    requests.into_iter().filter_map(command).collect()
}

fn place(number: u8) -> Tile {
    Tile { device: Some(device(number)), screen: false }
}

const OWN: Tile = Tile { device: None, screen: false };

#[test]
fn a_call_of_the_group_rings_and_is_joined_or_not() {
    for joins in [true, false] {
        let mut model = ann();
        model.notices.look(Timestamp(NOON), false);
        let ringing = view(GroupCallState::Ringing, both());
        let asked = model.event(Event::GroupCallIncoming(Box::new(ringing.clone())));
        assert_eq!(asked, [Request::Ring(Some(Tune::Incoming))]);
        assert_eq!(hear(&mut model, ringing), [], "it rings once");
        let notices = model.notices.take();
        assert_eq!(notices.len(), 1);
        assert!(notices[0].title.contains("Hiking") && notices[0].body.contains("Bob"), "{notices:?}");
        assert!(model.calls.together.ringing().is_some() && model.calls.open_group().is_none());
        let (action, command) = match joins {
            true => (
                CallAction::Accept { camera: false },
                Command::AcceptCall { call: CALL, media: Media::AUDIO },
            ),
            false => (CallAction::HangUp, Command::HangUp { call: CALL }),
        };
        assert!(commands(model.act(Action::Call(action))).contains(&command));
        let state = if joins { GroupCallState::Connecting } else { GroupCallState::Ongoing };
        assert_eq!(hear(&mut model, view(state, both())), [Request::Ring(None)]);
        assert_eq!(model.calls.open_group().is_some(), joins);
        assert_eq!(
            model.calls.together.ongoing(&groups::chat()).is_some(),
            !joins,
            "it goes on all the same"
        );
        assert_eq!(model.calls.is_talking(), joins);
    }
}

#[test]
fn who_leaves_sees_that_the_others_go_on() {
    let mut model = inside();
    assert_eq!(commands(model.act(Action::Call(CallAction::HangUp))), [Command::HangUp { call: CALL }]);
    hear(&mut model, view(GroupCallState::Ended(CallEnd::Finished), both()));
    assert!(!model.calls.is_talking() && model.calls.open_group().is_none());
    hear(&mut model, view(GroupCallState::Ongoing, both()));
    assert!(model.calls.together.is_in(&groups::chat()));
    hear(&mut model, view(GroupCallState::Ended(CallEnd::Finished), Vec::new()));
    assert!(!model.calls.together.is_in(&groups::chat()), "nobody is left");
    assert_eq!(model.toasts.iter().count(), 0);
}

#[test]
fn the_group_is_called_by_who_may_and_the_reason_is_said_otherwise() {
    let policy = Policy { start_calls: Role::Moderator, ..Policy::default() };
    let strict = kith_engine::view::GroupView { policy, ..groups::group(Role::Member) };
    let mut model = ann();
    let group = groups::group(Role::Member);
    assert_eq!(model.no_group_call(&group, false), None);
    assert_eq!(model.no_group_call(&group, true), Some(NoCall::NoCamera));
    assert_eq!(model.no_group_call(&strict, false), Some(NoCall::NotAllowed(Role::Moderator)));
    let why = words::no_call(NoCall::NotAllowed(Role::Moderator));
    assert!(why.contains("moderators"), "{why}");
    hear(&mut model, view(GroupCallState::Ongoing, both()));
    assert_eq!(model.no_group_call(&strict, false), None, "everybody may come into one that goes on");
    hear(&mut model, view(GroupCallState::Live, both()));
    assert_eq!(model.no_group_call(&group, false), Some(NoCall::Talking));
    let mut alone = ann();
    alone.network.listen.clear();
    assert_eq!(alone.no_group_call(&group, false), Some(NoCall::Offline));
}

#[test]
fn hand_microphone_and_keys_are_those_of_the_call() {
    let mut model = inside();
    let act = |model: &mut Model, action| commands(model.act(Action::Call(action)));
    assert_eq!(
        act(&mut model, CallAction::RaiseHand(true)),
        [Command::RaiseHand { call: CALL, raised: true }]
    );
    assert_eq!(act(&mut model, CallAction::Mute(BOB)), [Command::MuteInCall { call: CALL, account: BOB }]);
    let off = act(&mut model, CallAction::Toggle(Part::Microphone));
    assert!(
        matches!(&off[..], [Command::SetCallMedia { call: CALL, change }] if change.microphone == Some(false))
    );
    let muted =
        GroupCallView { own: Media::default(), muted_by: Some(BOB), ..view(GroupCallState::Live, both()) };
    hear(&mut model, muted.clone());
    assert!(model.toasts.iter().any(|toast| toast.text.contains("Bob")));
    hear(&mut model, muted);
    assert_eq!(model.toasts.iter().count(), 1, "it is said once");
    let talk = act(&mut model, CallAction::Talk(true));
    assert!(matches!(&talk[..], [Command::SetCallMedia { change, .. }] if change.microphone == Some(true)));
}

#[test]
fn screens_are_large_and_whoever_speaks_where_one_wants_it() {
    let mut model = inside();
    assert_eq!(model.calls.together.arranged(), (None, vec![place(2), place(4), OWN]));
    model.act(Action::Call(CallAction::Arrange(Layout::Speaker)));
    assert_eq!(model.calls.together.arranged().0, Some(place(2)), "somebody, as long as nobody has spoken");
    let loud = |number: u8| {
        let speech = SpeechStats { level: 0.3, ..SpeechStats::default() };
        Reply::Calls(Box::new(Stats { heard: vec![(device(number), speech)], ..Stats::default() }))
    };
    model.reply(loud(4));
    assert_eq!(model.calls.together.arranged().0, Some(place(2)), "a cough moves nobody");
    model.reply(loud(4));
    assert_eq!(model.calls.together.arranged(), (Some(place(4)), vec![place(2), OWN]));
    assert!(model.calls.together.speaks(&device(4)) && !model.calls.together.speaks(&device(2)));
    model.act(Action::Call(CallAction::Enlarge(OWN)));
    assert_eq!(model.calls.together.arranged().0, Some(OWN), "whom one chose goes before");
    let mut shown = both();
    shown[0].media.screen = true;
    hear(&mut model, view(GroupCallState::Live, shown));
    let screen = Tile { device: Some(device(2)), screen: true };
    assert_eq!(model.calls.together.arranged(), (Some(OWN), vec![screen, place(2), place(4)]));
    model.act(Action::Call(CallAction::Enlarge(OWN)));
    assert_eq!(model.calls.together.arranged().0, Some(screen));
    model.act(Action::Call(CallAction::Arrange(Layout::Grid)));
    assert_eq!(model.calls.together.arranged().0, None, "all alike beside a screen as well");
    hear(&mut model, view(GroupCallState::Live, both()));
    assert_eq!(model.calls.together.arranged().0, None);
    hear(&mut model, view(GroupCallState::Waiting, Vec::new()));
    model.act(Action::Call(CallAction::Arrange(Layout::Speaker)));
    assert_eq!(model.calls.together.arranged(), (None, vec![OWN]), "alone");
}

#[test]
fn nobody_changes_places_when_somebody_comes_and_who_is_silent_does_not_speak() {
    let mut model = ann();
    hear(&mut model, view(GroupCallState::Live, vec![person(CAROL, 4)]));
    hear(&mut model, view(GroupCallState::Live, both()));
    assert_eq!(model.calls.together.tiles(), [place(4), place(2), OWN]);
    let speech = SpeechStats { level: 0.3, ..SpeechStats::default() };
    let heard = || Reply::Calls(Box::new(Stats { heard: vec![(device(4), speech)], ..Stats::default() }));
    model.reply(heard());
    assert!(model.calls.together.speaks(&device(4)));
    let mut silent = both();
    silent[1].media.microphone = false;
    hear(&mut model, view(GroupCallState::Live, silent));
    model.reply(heard());
    assert!(!model.calls.together.speaks(&device(4)));
}

#[test]
fn other_chats_are_read_meanwhile() {
    let mut model = inside();
    model.act(Action::OpenChat(groups::chat()));
    assert!(model.calls.open_group().is_none() && model.calls.aside_group().is_some());
    model.act(Action::Call(CallAction::Show(true)));
    assert!(model.calls.open_group().is_some());
    // Read anew after events were lost: the call is over.
    model.reply(Reply::All(Box::new(super::everything())));
    assert!(!model.calls.is_talking() && model.calls.open_group().is_none());
}
