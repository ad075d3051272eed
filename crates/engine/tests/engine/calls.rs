//! Calls between engines: media are played by the test, which finds a way whenever both sides know each other's description.

mod ends;
mod rings;
mod together;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::Input;
use kith_engine::command::Answer;
use kith_engine::query;
use kith_engine::view::CallEnd;
use kith_engine::view::CallLine;
use kith_engine::view::CallState;
use kith_engine::view::CallView;
use kith_engine::view::MessageKind;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Capabilities;
use kith_proto::call::Media;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side as Offers;
use kith_proto::id::ChatId;
use kith_proto::time::Span;

use crate::Side;
use crate::carry;
use crate::friends;

impl Side {
    /// Something here moves sound.
    fn able(&mut self) {
        self.give(Input::Call(MediaEvent::Able {
            capabilities: Some(Capabilities::OPUS.and(Capabilities::SFRAME)),
        }));
    }

    fn call(&mut self, chat: ChatId) -> CallView {
        match self.command(Command::StartCall { chat, media: Media::AUDIO }) {
            Answer::Call(view) => view,
            other => panic!("{other:?}"),
        }
    }

    /// The call that this device is in.
    fn now_in(&self) -> Option<CallView> {
        self.engine.overview().calls.pop()
    }

    fn state(&self) -> Option<CallState> {
        self.now_in().map(|view| view.state)
    }

    fn pick_up(&mut self) {
        let call = self.now_in().unwrap().call;
        self.command(Command::AcceptCall { call, media: Media::AUDIO });
    }

    fn hang_up(&mut self) {
        let call = self.now_in().unwrap().call;
        self.command(Command::HangUp { call });
    }

    /// How often it rang here.
    fn rang(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::CallIncoming(_))).count()
    }

    /// The calls in a chat, oldest first: whether they began here, and what is said of them.
    fn calls_in(&self, chat: &ChatId) -> Vec<(bool, CallLine)> {
        let views = query::timeline(&self.disk, chat, None, 1_000).unwrap();
        let line = |view: kith_engine::view::MessageView| match view.kind {
            MessageKind::Call(line) => Some((view.outgoing, line)),
            _ => None,
        };
        views.into_iter().filter_map(line).collect()
    }

    fn last_end(&self, chat: &ChatId) -> Option<CallEnd> {
        self.calls_in(chat).last().map(|(_, line)| line.end)
    }

    fn unread(&self, chat: &ChatId) -> u64 {
        query::chat(&self.disk, chat).unwrap().unwrap().unread
    }

    /// Media describe themselves when they are told to.
    fn describe(&mut self) {
        for order in std::mem::take(&mut self.media) {
            let (leg, epoch, offer) = match order {
                MediaCommand::Open(opening) if opening.side == Offers::Offers => {
                    (opening.leg, opening.epoch, true)
                }
                MediaCommand::Describe { leg, epoch, offer: true, .. } => (leg, epoch, false),
                MediaCommand::Restart { leg, epoch } => (leg, epoch, true),
                _ => continue,
            };
            let sdp = BoundedStr::truncated("v=0");
            self.give(Input::Call(MediaEvent::Described { leg, epoch, offer, sdp }));
            let list = BoundedVec::default();
            self.give(Input::Call(MediaEvent::Gathered { leg, epoch, list, done: true }));
        }
    }

    fn path(&mut self, other: &Self, state: PathState) {
        let leg = kith_proto::call::media::LegId { call: self.now_in().unwrap().call, device: other.device };
        self.give(Input::Call(MediaEvent::Path { leg, opened: 1, state, relayed: false }));
    }
}

/// Both describe themselves until nothing more comes, and hear each other.
fn find_way(one: &mut Side, other: &mut Side) {
    for _ in 0..4 {
        one.describe();
        other.describe();
        carry(one, other);
    }
    one.path(other, PathState::Connected);
    other.path(one, PathState::Connected);
}

/// Both let time pass in small steps and hear each other.
fn pass(one: &mut Side, other: &mut Side, time: Span) {
    let mut left = time.0;
    while left > 0 {
        let step = left.min(1_000);
        left -= step;
        one.pass(Span(step));
        other.pass(Span(step));
        carry(one, other);
    }
}

/// Ann and Bob, who can call each other.
fn callers() -> (Side, Side, ChatId) {
    let (mut ann, mut bob, chat) = friends();
    ann.able();
    bob.able();
    (ann, bob, chat)
}

/// Ann and Bob, who talk.
fn talking() -> (Side, Side, ChatId) {
    let (mut ann, mut bob, chat) = callers();
    ann.call(chat);
    carry(&mut ann, &mut bob);
    bob.pick_up();
    carry(&mut ann, &mut bob);
    find_way(&mut ann, &mut bob);
    assert_eq!((ann.state(), bob.state()), (Some(CallState::Live), Some(CallState::Live)));
    (ann, bob, chat)
}
