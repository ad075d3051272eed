//! Calls of groups between engines: who may begin, who hears of it, who must go.

use std::collections::BTreeMap;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::Input;
use kith_engine::command::Answer;
use kith_engine::command::MediaChange;
use kith_engine::command::Refusal;
use kith_engine::view::CallEnd;
use kith_engine::view::GroupCallState;
use kith_engine::view::GroupCallView;
use kith_proto::bounded::BoundedStr;
use kith_proto::call::Capabilities;
use kith_proto::call::Media;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side as Offers;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::time::Span;

use crate::groups::ANN;
use crate::groups::BOB;
use crate::groups::CAT;
use crate::groups::DAN;
use crate::groups::World;

/// People in a group whose media find a way at once.
struct Room {
    world: World,
    group: GroupId,
    /// Open legs of everybody: the epoch that they were opened with.
    legs: BTreeMap<(usize, DeviceId), u32>,
    /// Whose frames each can open.
    keys: BTreeMap<(usize, DeviceId), u32>,
}

impl Room {
    fn of(people: u8, policy: Option<Policy>) -> Self {
        let mut world = World::of_friends(people);
        let others: Vec<usize> = (1..usize::from(people)).collect();
        let group = world.group(&others, policy);
        world.people.iter_mut().for_each(super::Side::able);
        Self { world, group, legs: BTreeMap::new(), keys: BTreeMap::new() }
    }

    fn chat(&self) -> ChatId {
        ChatId::group(&self.group)
    }

    fn start(&mut self, who: usize) -> Result<CallId, Refusal> {
        let command = Command::StartCall { chat: self.chat(), media: Media::AUDIO };
        match self.world.people[who].try_command(command)? {
            Answer::GroupCall(view) => Ok(view.call),
            other => panic!("{other:?}"),
        }
    }

    fn join(&mut self, who: usize, call: CallId) {
        self.world.people[who].command(Command::AcceptCall { call, media: Media::AUDIO });
    }

    fn view(&self, who: usize) -> Option<GroupCallView> {
        self.world.people[who].engine.overview().group_calls.pop()
    }

    fn state(&self, who: usize) -> Option<GroupCallState> {
        self.view(who).map(|view| view.state)
    }

    fn rang(&self, who: usize) -> usize {
        let rings = |event: &&Event| matches!(event, Event::GroupCallIncoming(_));
        self.world.people[who].events.iter().filter(rings).count()
    }

    /// Those whom somebody has a way to.
    fn with(&self, who: usize) -> usize {
        self.view(who).map_or(0, |view| view.people.iter().filter(|person| person.connected).count())
    }

    /// Time passes; words are carried, media do what they are told.
    fn pass(&mut self, time: Span) {
        let mut left = time.0;
        while left > 0 {
            let step = left.min(250);
            left -= step;
            self.world.people.iter_mut().for_each(|side| side.pass(Span(step)));
            for _ in 0..4 {
                self.world.carry();
                (0..self.world.people.len()).for_each(|who| self.media(who));
            }
            self.world.carry();
        }
    }

    fn media(&mut self, who: usize) {
        for order in std::mem::take(&mut self.world.people[who].media) {
            let described = match order {
                MediaCommand::Open(opening) => {
                    self.legs.insert((who, opening.leg.device), opening.epoch);
                    (opening.side == Offers::Offers).then_some((opening.leg, opening.epoch, true))
                }
                MediaCommand::Describe { leg, epoch, offer, .. } => {
                    let opened = self.legs.get(&(who, leg.device)).copied().unwrap_or_default();
                    if offer {
                        self.report(
                            who,
                            MediaEvent::Described {
                                leg,
                                epoch,
                                offer: false,
                                sdp: BoundedStr::truncated("v=0"),
                            },
                        );
                    }
                    let state = PathState::Connected;
                    self.report(who, MediaEvent::Path { leg, opened, state, relayed: false });
                    None
                }
                MediaCommand::Restart { leg, epoch } => Some((leg, epoch, true)),
                MediaCommand::Close { leg } => {
                    self.legs.remove(&(who, leg.device));
                    None
                }
                MediaCommand::Unseal { from, .. } => {
                    *self.keys.entry((who, from.device)).or_default() += 1;
                    None
                }
                MediaCommand::Forget { from } => {
                    self.keys.remove(&(who, from.device));
                    None
                }
                _ => None,
            };
            if let Some((leg, epoch, offer)) = described {
                self.report(
                    who,
                    MediaEvent::Described { leg, epoch, offer, sdp: BoundedStr::truncated("v=0") },
                );
            }
        }
    }

    fn report(&mut self, who: usize, event: MediaEvent) {
        self.world.people[who].give(Input::Call(event));
    }
}

#[test]
fn a_call_in_a_group_rings_with_all_and_whoever_wants_comes() {
    let mut room = Room::of(4, None);
    let call = room.start(BOB).unwrap();
    assert_eq!(room.state(BOB), Some(GroupCallState::Waiting));
    room.pass(Span::from_secs(1));
    for who in [ANN, CAT, DAN] {
        assert_eq!((room.rang(who), room.state(who)), (1, Some(GroupCallState::Ringing)));
    }
    room.join(CAT, call);
    room.pass(Span::from_secs(2));
    assert_eq!((room.state(BOB), room.state(CAT)), (Some(GroupCallState::Live), Some(GroupCallState::Live)));
    assert_eq!(room.view(ANN).unwrap().people.len(), 2, "the others see who is there");
    room.world.people[DAN].command(Command::HangUp { call });
    assert_eq!(room.state(DAN), Some(GroupCallState::Ongoing), "it stops ringing, and goes on");
    room.pass(Span::from_secs(50));
    assert_eq!(room.state(ANN), Some(GroupCallState::Ongoing), "it does not ring for ever");
    let joined = room.start(ANN).unwrap();
    assert_eq!(joined, call, "whoever calls the group comes into the call");
    room.pass(Span::from_secs(3));
    assert_eq!([room.with(ANN), room.with(BOB), room.with(CAT)], [2, 2, 2]);
    assert!(room.keys.contains_key(&(ANN, room.world.people[BOB].device)));
    for who in [ANN, BOB, CAT] {
        room.world.people[who].command(Command::HangUp { call });
        room.pass(Span::from_secs(1));
    }
    assert_eq!([ANN, BOB, CAT, DAN].map(|who| room.state(who)), [None, None, None, None]);
    let chat = room.chat();
    let ends = [ANN, BOB, CAT, DAN].map(|who| room.world.people[who].last_end(&chat));
    let finished = Some(CallEnd::Finished);
    assert_eq!(ends, [finished, finished, finished, Some(CallEnd::Missed)]);
    assert!(room.legs.is_empty() && room.keys.is_empty());
}

#[test]
fn whoever_cannot_seal_frames_does_not_come_in() {
    let mut room = Room::of(3, None);
    let able = MediaEvent::Able { capabilities: Some(Capabilities::OPUS) };
    room.report(BOB, able);
    assert_eq!(room.start(BOB), Err(Refusal::NoMedia));
    let call = room.start(ANN).unwrap();
    room.pass(Span::from_secs(1));
    let join = Command::AcceptCall { call, media: Media::AUDIO };
    assert_eq!(room.world.people[BOB].try_command(join).err(), Some(Refusal::NoMedia));
}

#[test]
fn who_may_not_start_calls_cannot_and_may_come_into_one() {
    let policy = Policy { start_calls: Role::Admin, ..Policy::default() };
    let mut room = Room::of(3, Some(policy));
    assert_eq!(room.start(BOB), Err(Refusal::MayNotCall));
    let call = room.start(ANN).unwrap();
    room.pass(Span::from_secs(1));
    room.join(BOB, call);
    room.pass(Span::from_secs(2));
    assert_eq!((room.with(ANN), room.with(BOB)), (1, 1));
    room.world.people[ANN].command(Command::HangUp { call });
    room.pass(Span::from_secs(1));
    assert_eq!(room.state(BOB), Some(GroupCallState::Waiting), "Bob may stay");
    assert_eq!(room.rang(CAT), 1, "and it does not ring again because of him");
}

#[test]
fn who_is_removed_from_the_group_is_out_of_the_call() {
    let mut room = Room::of(4, None);
    let call = room.start(ANN).unwrap();
    room.pass(Span::from_secs(1));
    [BOB, CAT].into_iter().for_each(|who| room.join(who, call));
    room.pass(Span::from_secs(3));
    let (cat, group) = (room.world.people[CAT].account, room.group);
    room.world.people[ANN].command(Command::RemoveMember { group, account: cat });
    room.pass(Span::from_secs(3));
    assert_eq!([room.with(ANN), room.with(BOB)], [1, 1]);
    assert!(!matches!(room.state(CAT), Some(GroupCallState::Live)), "{:?}", room.state(CAT));
    let device = room.world.people[CAT].device;
    assert!(!room.keys.contains_key(&(ANN, device)) && !room.legs.contains_key(&(BOB, device)));
}

#[test]
fn two_calls_at_once_become_one() {
    for seed in 0..4 {
        let mut room = Room::of(4, None);
        room.world.people[BOB].give(Input::Entropy([seed; 32]));
        let (one, other) = (room.start(ANN).unwrap(), room.start(BOB).unwrap());
        room.pass(Span::from_secs(4));
        let goes_on = one.min(other);
        assert_eq!([ANN, BOB].map(|who| room.view(who).unwrap().call), [goes_on; 2]);
        assert_eq!([room.with(ANN), room.with(BOB)], [1, 1]);
        assert_eq!(room.view(CAT).unwrap().call, goes_on);
        assert!(room.rang(CAT) <= 1, "it rings once");
    }
}

#[test]
fn nobody_is_in_two_calls() {
    let mut room = Room::of(3, None);
    let call = room.start(ANN).unwrap();
    room.pass(Span::from_secs(1));
    let chat = room.world.people[ANN].chat_with(&room.world.people[BOB]);
    let direct = Command::StartCall { chat, media: Media::AUDIO };
    assert_eq!(room.world.people[ANN].try_command(direct.clone()).err(), Some(Refusal::InCall));
    room.world.people[BOB].command(direct);
    room.pass(Span::from_secs(1));
    assert_eq!(room.world.people[BOB].last_end(&chat), Some(CallEnd::Busy), "Ann is in a call");
    room.join(BOB, call);
    room.pass(Span::from_secs(2));
    assert_eq!(room.with(ANN), 1);
}

#[test]
fn hands_and_silence_are_seen_and_order_is_kept_by_rank() {
    let mut room = Room::of(3, None);
    let call = room.start(ANN).unwrap();
    room.pass(Span::from_secs(1));
    [BOB, CAT].into_iter().for_each(|who| room.join(who, call));
    room.pass(Span::from_secs(3));
    room.world.people[BOB].command(Command::RaiseHand { call, raised: true });
    room.pass(Span::from_secs(1));
    let of = |room: &Room, who: usize, whom: usize| {
        let account = room.world.people[whom].account;
        room.view(who).unwrap().people.into_iter().find(|person| person.account == account).unwrap()
    };
    assert!(of(&room, CAT, BOB).hand && !of(&room, CAT, ANN).hand);
    let (ann, cat) = (room.world.people[ANN].account, room.world.people[CAT].account);
    let mute = |account| Command::MuteInCall { call, account };
    assert_eq!(room.world.people[BOB].try_command(mute(cat)).err(), Some(Refusal::MayNotMute));
    assert_eq!(room.world.people[CAT].try_command(mute(ann)).err(), Some(Refusal::MayNotMute));
    room.world.people[ANN].command(mute(cat));
    room.pass(Span::from_secs(1));
    let view = room.view(CAT).unwrap();
    assert_eq!((view.own.microphone, view.muted_by), (false, Some(ann)));
    assert!(!of(&room, BOB, CAT).media.microphone);
    let change = MediaChange { microphone: Some(true), ..MediaChange::default() };
    room.world.people[CAT].command(Command::SetCallMedia { call, change });
    room.pass(Span::from_secs(1));
    assert_eq!(room.view(CAT).unwrap().muted_by, None);
    assert!(of(&room, BOB, CAT).media.microphone);
}

#[test]
fn five_people_go_on_when_the_one_who_forwards_is_gone() {
    let mut room = Room::of(5, None);
    let call = room.start(ANN).unwrap();
    room.pass(Span::from_secs(1));
    for who in 1..5 {
        room.join(who, call);
        room.pass(Span::from_secs(1));
    }
    room.pass(Span::from_secs(6));
    assert_eq!([0, 1, 2, 3, 4].map(|who| room.with(who)), [4; 5]);
    let ann = room.world.people[ANN].device;
    assert_eq!(
        [0, 1, 2, 3, 4].map(|who| room.view(who).unwrap().forwarder),
        [Some(ann); 5],
        "she came first"
    );
    room.world.crash(ANN);
    room.legs.retain(|(who, device), _| *who != ANN && *device != ann);
    room.pass(Span::from_secs(2));
    for who in 1..5 {
        let forwarder = room.view(who).unwrap().forwarder;
        assert_ne!(forwarder, Some(ann), "{who}");
        assert!(room.with(who) >= 3, "{who} hears the others");
    }
}

#[test]
fn who_is_asleep_sees_no_call_that_is_over() {
    let mut room = Room::of(3, None);
    room.start(ANN).unwrap();
    room.pass(Span::from_secs(1));
    assert_eq!(room.rang(CAT), 1);
    room.world.crash(ANN);
    room.pass(Span::from_secs(60));
    assert_eq!((room.state(CAT), room.state(BOB)), (None, None), "nobody says that they are in it");
    let chat = room.chat();
    assert_eq!(room.world.people[CAT].last_end(&chat), Some(CallEnd::Missed));
}
