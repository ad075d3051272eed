//! Calls of groups as they are shown: the one that this device is in, and those that go on without it.
//!
//! ```text
//!  Ringing, Ongoing ─▶ a strip in its chat ── joined ─▶ shown ── other chats are read ─▶ a bar
//!                                                         │
//!          the others go on ◀── left ─────────────────────┘
//! ```

use std::collections::BTreeMap;

use kith_engine::view::CallEnd;
use kith_engine::view::GroupCallState;
use kith_engine::view::GroupCallView;
use kith_engine::view::GroupView;
use kith_engine::view::InCallView;
use kith_node::calling::GroupPictures;
use kith_node::calling::stats::Stats;
use kith_proto::call::Media;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;

use crate::action::Request;
use crate::model::Model;
use crate::model::calls::NoCall;
use crate::model::calls::words;
use crate::model::groups::rights::Rights;
use crate::model::notices;

/// Louder than a room in which nobody speaks.
const SPEAKS: f32 = 0.02;

/// How the people in a call are arranged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// A screen large if one is shown, otherwise all alike.
    #[default]
    Usual,
    /// All alike.
    Grid,
    /// Whoever speaks is large.
    Speaker,
}

/// A place for a picture: of somebody's camera or screen. No device is the own one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// Whose.
    pub device: Option<DeviceId>,
    /// Whether it is of a screen.
    pub screen: bool,
}

/// What is known of calls of groups.
#[derive(Default)]
pub struct Together {
    shown: Option<GroupCallView>,
    /// Those in it, as they came: nobody's place changes because somebody else comes.
    order: Vec<DeviceId>,
    ongoing: BTreeMap<GroupId, GroupCallView>,
    pictures: GroupPictures,
    levels: BTreeMap<DeviceId, f32>,
    spoke: Option<DeviceId>,
    louder: Option<DeviceId>,
    enlarged: Option<Tile>,
    /// How the people are arranged where nobody was chosen and no screen is shown.
    pub layout: Layout,
}

impl Together {
    /// The call that this device is in.
    pub fn shown(&self) -> Option<&GroupCallView> {
        self.shown.as_ref()
    }

    /// The call that goes on in a chat without this device.
    pub fn ongoing(&self, chat: &ChatId) -> Option<&GroupCallView> {
        self.ongoing.values().find(|call| call.chat == *chat)
    }

    /// The call that rings here.
    pub fn ringing(&self) -> Option<&GroupCallView> {
        self.ongoing.values().find(|call| call.state == GroupCallState::Ringing)
    }

    /// Whether somebody calls or talks in a chat.
    pub fn is_in(&self, chat: &ChatId) -> bool {
        self.ongoing(chat).is_some() || self.shown.as_ref().is_some_and(|call| call.chat == *chat)
    }

    /// Somebody in the call.
    pub fn person(&self, device: &DeviceId) -> Option<&InCallView> {
        self.shown.as_ref()?.people.iter().find(|person| person.device == *device)
    }

    /// The newest pictures.
    pub fn pictures(&self) -> &GroupPictures {
        &self.pictures
    }

    /// Whether there is something to see.
    pub(super) fn wants_pictures(&self) -> bool {
        let shows = |media: Media| media.camera || media.screen;
        self.shown
            .as_ref()
            .is_some_and(|call| shows(call.own) || call.people.iter().any(|person| shows(person.media)))
    }

    /// Takes the newest pictures; those that are not shown any more are dropped.
    pub fn set_pictures(&mut self, mut pictures: GroupPictures) {
        pictures.people.retain(|device, theirs| {
            let media = self.person(device).map(|person| person.media).unwrap_or_default();
            theirs.camera.take_if(|_| !media.camera);
            theirs.screen.take_if(|_| !media.screen);
            theirs.camera.is_some() || theirs.screen.is_some()
        });
        pictures.own.take_if(|_| self.shown.as_ref().is_none_or(|call| !call.own.camera));
        self.pictures = pictures;
    }

    /// Takes how loud everybody is, and notes who speaks: whoever is the loudest twice in a row.
    pub(super) fn measure(&mut self, stats: &Stats) {
        let heard = stats.heard.iter().filter(|(device, _)| {
            // Of whom nothing comes the last measure stays.
            self.person(device).is_some_and(|person| person.media.microphone && person.connected)
        });
        self.levels = heard.map(|(device, speech)| (*device, speech.level)).collect();
        let speaks = self.levels.iter().filter(|(_, level)| **level >= SPEAKS);
        let loudest = speaks.max_by(|one, other| one.1.total_cmp(other.1)).map(|(device, _)| *device);
        if loudest.is_some() && loudest == self.louder {
            self.spoke = loudest;
        }
        self.louder = loudest;
    }

    /// How loud somebody is, from 0 to 1.
    pub fn level(&self, device: &DeviceId) -> f32 {
        self.levels.get(device).copied().unwrap_or_default()
    }

    /// Whether somebody speaks now.
    pub fn speaks(&self, device: &DeviceId) -> bool {
        self.level(device) >= SPEAKS
    }

    /// All places: screens first, the own one last.
    pub fn tiles(&self) -> Vec<Tile> {
        let people = || self.order.iter().filter_map(|device| self.person(device));
        let screens = people().filter(|person| person.media.screen);
        let screens = screens.map(|person| Tile { device: Some(person.device), screen: true });
        let faces = people().map(|person| Tile { device: Some(person.device), screen: false });
        screens.chain(faces).chain([Tile { device: None, screen: false }]).collect()
    }

    /// Which place is large, if one is, and the others.
    pub fn arranged(&self) -> (Option<Tile>, Vec<Tile>) {
        let mut tiles = self.tiles();
        if tiles.len() < 2 {
            return (None, tiles);
        }
        let is_there = |tile: &Tile| tiles.contains(tile);
        let chosen = self.enlarged.filter(is_there);
        let screen = tiles.first().copied().filter(|tile| tile.screen);
        let speaker = || {
            let spoke = self.spoke.map(|device| Tile { device: Some(device), screen: false });
            spoke.filter(is_there).or(tiles.first().copied())
        };
        let large = match self.layout {
            Layout::Usual => chosen.or(screen),
            Layout::Grid => chosen,
            Layout::Speaker => chosen.or(screen).or_else(speaker),
        };
        tiles.retain(|tile| Some(*tile) != large);
        (large, tiles)
    }

    /// The place that the person wants large.
    pub fn enlarged(&self) -> Option<Tile> {
        self.enlarged
    }

    /// Makes one place large; no one, if it is.
    pub(super) fn enlarge(&mut self, tile: Tile) {
        self.enlarged = (self.enlarged != Some(tile)).then_some(tile);
    }

    /// Another arrangement: of all, also where somebody was large.
    pub(super) fn arrange(&mut self, layout: Layout) {
        (self.layout, self.enlarged) = (layout, None);
    }

    fn forget(&mut self) {
        let Self { ongoing, layout, .. } = std::mem::take(self);
        (self.ongoing, self.layout) = (ongoing, layout);
    }
}

impl Model {
    /// Why a group cannot be called now, or its call joined; nothing if it can.
    pub fn no_group_call(&self, group: &GroupView, camera: bool) -> Option<NoCall> {
        let chat = ChatId::group(&group.group);
        let rights = Rights::new(group, self.groups.own());
        let goes_on = self.calls.together.is_in(&chat);
        if !rights.is_in() {
            Some(NoCall::NoMember)
        } else if !goes_on && !rights.may_start_calls() {
            Some(NoCall::NotAllowed(group.policy.start_calls))
        } else if self.calls.is_talking() {
            Some(NoCall::Talking)
        } else if self.network.listen.is_empty() {
            Some(NoCall::Offline)
        } else if camera && !self.calls.has_camera() {
            Some(NoCall::NoCamera)
        } else {
            None
        }
    }

    /// What somebody in a call of a group is called.
    pub fn name_in_call(&self, person: &InCallView) -> String {
        match self.contacts.get(&person.account) {
            Some(_) => self.name_of(&person.account),
            None => self.groups.told_name(&person.account),
        }
    }
}

/// The engine tells of a call of a group.
pub(in crate::model) fn heard(model: &mut Model, view: GroupCallView) -> Vec<Request> {
    let calls = &mut model.calls;
    let shown = calls.together.shown.as_ref();
    let was_in = shown.is_some_and(|shown| (shown.call, shown.group) == (view.call, view.group));
    match view.state {
        GroupCallState::Ringing | GroupCallState::Ongoing => {
            if was_in {
                leave(model);
            }
            let rang = model.calls.together.ringing().is_some_and(|known| known.call == view.call);
            if view.state == GroupCallState::Ringing && !rang {
                notices::hear_group_call(model, &view);
            }
            model.calls.together.ongoing.insert(view.group, view);
        }
        GroupCallState::Ended(end) => {
            if was_in {
                leave(model);
                if !matches!(end, CallEnd::Finished | CallEnd::Replaced) {
                    model.toast(words::end(end), true);
                }
            }
            let together = &mut model.calls.together;
            if together.ongoing.get(&view.group).is_some_and(|known| known.call == view.call) {
                together.ongoing.remove(&view.group);
            }
        }
        GroupCallState::Waiting
        | GroupCallState::Connecting
        | GroupCallState::Live
        | GroupCallState::Reconnecting => inside(model, view, was_in),
    }
    model.calls.ring().into_iter().collect()
}

/// This device is in the call.
fn inside(model: &mut Model, view: GroupCallView, was_in: bool) {
    let together = &mut model.calls.together;
    together.ongoing.remove(&view.group);
    let muted_before = together.shown.as_ref().and_then(|shown| shown.muted_by);
    let muted_now = view.muted_by.filter(|by| muted_before != Some(*by));
    if !was_in {
        together.forget();
        model.calls.forget();
        model.calls.open = true;
    }
    let together = &mut model.calls.together;
    let screens = |call: &GroupCallView| call.people.iter().filter(|person| person.media.screen).count();
    if together.layout == Layout::Grid && screens(&view) > together.shown.as_ref().map_or(0, screens) {
        together.layout = Layout::Usual;
    }
    together.order.retain(|device| view.people.iter().any(|person| person.device == *device));
    for person in &view.people {
        if !together.order.contains(&person.device) {
            together.order.push(person.device);
        }
    }
    together.shown = Some(view);
    if let Some(by) = muted_now {
        let name = model.groups.told_name(&by);
        model.toast(crate::say!("call-muted-by", name = name), false);
    }
}

fn leave(model: &mut Model) {
    model.calls.together.forget();
    model.calls.forget();
}

/// Everything was read anew: calls that the engine does not know any more are gone.
pub(in crate::model) fn replace(model: &mut Model, calls: Vec<GroupCallView>) -> Vec<Request> {
    let known = |call: &GroupCallView| calls.iter().any(|other| other.call == call.call);
    if model.calls.together.shown.as_ref().is_some_and(|shown| !known(shown)) {
        leave(model);
    }
    model.calls.together.ongoing.clear();
    let mut requests: Vec<Request> = calls.into_iter().flat_map(|view| heard(model, view)).collect();
    requests.extend(model.calls.ring());
    requests
}
