//! The call that goes on or rings here, as it is shown. Which calls may be and when they end is decided by the engine.
//!
//! ```text
//!  CallIncoming ─▶ rings ── accepted ─▶ shown ── other chats are read ─▶ a bar
//!                    │                    │ ended: says why for a while
//!                    └── ended ───────────┴─▶ nothing
//! ```

pub mod together;
pub mod words;

use std::time::Duration;

use kith_engine::Command;
use kith_engine::command::MediaChange;
use kith_engine::view::CallEnd;
use kith_engine::view::CallSettings;
use kith_engine::view::CallState;
use kith_engine::view::CallView;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::GroupCallState;
use kith_engine::view::GroupCallView;
use kith_node::calling::Pictures;
use kith_node::calling::Tune;
use kith_node::calling::choice::Choice;
use kith_node::calling::choice::Found;
use kith_node::calling::choice::FoundPicture;
use kith_node::calling::choice::Use;
use kith_node::calling::stats::LegStats;
use kith_node::calling::stats::Rehearsed;
use kith_node::calling::stats::Stats;
use kith_proto::call::Media;
use kith_proto::call::media::PathState;
use kith_proto::group::Role;
use kith_proto::id::CallId;
use kith_proto::id::ContactId;
use kith_proto::time::Timestamp;

use crate::action::CallAction;
use crate::action::Request;
use crate::action::calls::Part;
use crate::model::Model;
use crate::model::calls::together::Together;
use crate::model::dialog::Dialog;
use crate::model::notices;
use crate::model::settings::Page;

/// How long the end of a call is shown: long enough to be read, a reason longer than a plain end. In seconds.
const READ_WITHIN: (f32, f32) = (3.0, 8.0);

/// What is measured changes slower than anybody reads, in milliseconds. With several people one wants to see who speaks.
const MEASURE_EVERY: (u64, u64) = (1_000, 300);

/// Where the own picture is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Corner {
    /// Above on the left.
    TopLeft,
    /// Above on the right.
    TopRight,
    /// Below on the left.
    BottomLeft,
    /// Below on the right.
    #[default]
    BottomRight,
}

/// Which devices are used and which are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// Those that are used.
    pub chosen: Choice,
    /// Those for sound that are there.
    pub found: Vec<Found>,
    /// The cameras that are there.
    pub cameras: Vec<FoundPicture>,
    /// The monitors and windows that are there.
    pub screens: Vec<FoundPicture>,
}

/// The call that is shown, and what is known of it.
#[derive(Default)]
pub struct Calls {
    shown: Option<CallView>,
    /// Calls of groups.
    pub together: Together,
    open: bool,
    /// Whether it takes the whole window.
    pub full: bool,
    /// Whether what is measured is shown.
    pub figures: bool,
    /// Where the own picture is.
    pub corner: Corner,
    pictures: Pictures,
    measured: Stats,
    measured_at: Option<Timestamp>,
    /// The devices, once known.
    pub devices: Devices,
    /// Who must not learn the own address.
    pub settings: CallSettings,
    rings: Option<Tune>,
    /// The call to oneself.
    rehearsal: Option<Rehearsed>,
    /// Spoken while a key is held.
    talks: bool,
    /// For how long it has been over, in seconds.
    over: f32,
}

/// Why somebody cannot be called now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCall {
    /// They are no contact yet, or not any more.
    NoContact,
    /// The person is not in the group.
    NoMember,
    /// Only this role and those above may begin calls in the group.
    NotAllowed(Role),
    /// There is another call.
    Talking,
    /// There is no network.
    Offline,
    /// There is no camera to be seen by.
    NoCamera,
}

impl Calls {
    /// The call that goes on, rings, or has just ended.
    pub fn shown(&self) -> Option<&CallView> {
        self.shown.as_ref()
    }

    /// The call that rings here.
    pub fn incoming(&self) -> Option<&CallView> {
        self.shown.as_ref().filter(|call| call.state == CallState::Incoming)
    }

    /// The call that is shown in place of the chat.
    pub fn open(&self) -> Option<&CallView> {
        self.shown.as_ref().filter(|call| self.open && call.state != CallState::Incoming)
    }

    /// The call that goes on while something else is shown.
    pub fn aside(&self) -> Option<&CallView> {
        self.shown.as_ref().filter(|call| !self.open && call.state != CallState::Incoming)
    }

    /// Whether there is a call, with somebody.
    pub fn is_talking(&self) -> bool {
        !self.is_free()
    }

    /// The call of a group that is shown in place of the chat.
    pub fn open_group(&self) -> Option<&GroupCallView> {
        self.together.shown().filter(|_| self.open)
    }

    /// The call of a group that goes on while something else is shown.
    pub fn aside_group(&self) -> Option<&GroupCallView> {
        self.together.shown().filter(|_| !self.open)
    }

    /// The call that the person talks in, and what is sent there.
    pub fn current(&self) -> Option<(CallId, Media)> {
        let direct = self.shown.as_ref().filter(|call| is_talk(call.state));
        let direct = direct.map(|call| (call.call, call.own));
        direct.or_else(|| self.together.shown().map(|call| (call.call, call.own)))
    }

    /// Whether something of calls is on screen that changes by itself.
    pub fn moves(&self) -> bool {
        self.shown.is_some() || self.together.shown().is_some() || self.rehearsal.is_some()
    }

    /// Whether one could be called now but for what is true of whom.
    fn is_free(&self) -> bool {
        self.together.shown().is_none() && self.no_direct_call()
    }

    fn no_direct_call(&self) -> bool {
        self.shown.as_ref().is_none_or(|call| matches!(call.state, CallState::Ended(_)))
    }

    /// Whether a camera was chosen.
    pub fn has_camera(&self) -> bool {
        is_there(&self.devices.chosen.camera, &self.devices.cameras)
    }

    /// Whether there is a screen to show.
    pub fn has_screen(&self) -> bool {
        is_there(&self.devices.chosen.screen, &self.devices.screens)
    }

    /// The newest pictures of the call.
    pub fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// The call of a group of which pictures are wanted.
    pub fn wants_group_pictures(&self) -> Option<CallId> {
        self.open_group().filter(|_| self.together.wants_pictures()).map(|call| call.call)
    }

    /// The call of which pictures are wanted.
    pub fn wants_pictures(&self) -> Option<CallId> {
        let call = self.open()?;
        let shows = |media: Media| media.camera || media.screen;
        (shows(call.theirs) || shows(call.own)).then_some(call.call)
    }

    /// Takes the newest pictures; those that are not shown any more are dropped.
    pub fn set_pictures(&mut self, pictures: Pictures) {
        let media = |of: fn(&CallView) -> Media| self.open().map(of).unwrap_or_default();
        let (own, theirs) = (media(|call| call.own), media(|call| call.theirs));
        self.pictures = Pictures {
            camera: pictures.camera.filter(|_| theirs.camera && !theirs.hold),
            screen: pictures.screen.filter(|_| theirs.screen && !theirs.hold),
            own: pictures.own.filter(|_| own.camera && !own.hold),
        };
    }

    /// What was measured of the connection: of several devices that ring, of the one that talks.
    pub fn leg(&self) -> Option<&LegStats> {
        let call = self.shown.as_ref()?.call;
        let mut legs = self.measured.legs.iter().filter(|leg| leg.leg.call == call);
        let first = legs.clone().next();
        legs.find(|leg| leg.path.is_some()).or(first)
    }

    /// What was measured of the connections of a call.
    pub fn legs(&self, call: CallId) -> impl Iterator<Item = &LegStats> {
        self.measured.legs.iter().filter(move |leg| leg.leg.call == call)
    }

    /// How loud the microphone is, from 0 to 1.
    pub fn level(&self) -> f32 {
        self.rehearsal.map_or(self.measured.microphone_level, |now| now.microphone_level)
    }

    /// How the call to oneself goes; nothing when there is none.
    pub fn rehearsal(&self) -> Option<Rehearsed> {
        self.rehearsal
    }

    /// Takes how it goes.
    pub(super) fn rehearsed(&mut self, now: Option<Rehearsed>) {
        self.rehearsal = now;
    }

    /// Takes what was measured.
    pub(super) fn measure(&mut self, stats: Stats) {
        self.together.measure(&stats);
        self.measured = stats;
    }

    /// Asks for what is measured, from time to time.
    fn want_measures(&mut self, now: Timestamp) -> Option<Request> {
        let state = self.shown.as_ref().map(|call| call.state);
        let direct = matches!(state, Some(CallState::Live | CallState::Reconnecting | CallState::Connecting));
        let talks = direct || self.together.shown().is_some();
        let every = if direct { MEASURE_EVERY.0 } else { MEASURE_EVERY.1 };
        let due = self.measured_at.is_none_or(|last| now.since(last).0 >= every);
        if !talks || !due {
            return None;
        }
        self.measured_at = Some(now);
        Some(Request::MeasureCalls)
    }

    /// What is to be played from now on, if it is something else.
    fn ring(&mut self) -> Option<Request> {
        let wanted = match self.shown.as_ref().map(|call| call.state) {
            Some(CallState::Incoming) => Some(Tune::Incoming),
            Some(CallState::Ringing) => Some(Tune::RingBack),
            _ if self.is_free() => self.together.ringing().map(|_| Tune::Incoming),
            _ => None,
        };
        let changed = std::mem::replace(&mut self.rings, wanted) != wanted;
        changed.then_some(Request::Ring(wanted))
    }

    /// Lets `secs` pass for a call that is over. Returns whether its end is on screen.
    pub(super) fn pass_time(&mut self, secs: f32) -> bool {
        let Some(CallState::Ended(end)) = self.shown.as_ref().map(|call| call.state) else { return false };
        self.over += secs;
        let most = if end == CallEnd::Finished { READ_WITHIN.0 } else { READ_WITHIN.1 };
        if self.over >= most {
            self.forget();
        }
        self.shown.is_some()
    }

    fn forget(&mut self) {
        (self.shown, self.open, self.full, self.talks) = (None, false, false, false);
        (self.pictures, self.measured, self.measured_at) = Default::default();
    }

    /// Whether the own address is hidden from a contact in calls; nothing where what holds for all holds.
    pub fn hides_from(&self, contact: &ContactId) -> Option<bool> {
        self.settings.contacts.iter().find(|(of, _)| of == contact).map(|(_, hide)| *hide)
    }

    /// How good the connection is, from 0 to 4 bars; nothing before it was measured.
    pub fn quality(&self) -> Option<u8> {
        if let Some(call) = self.together.shown() {
            let working = self.legs(call.call).filter(|leg| leg.path == Some(PathState::Connected));
            return match call.state {
                GroupCallState::Reconnecting => Some(0),
                _ => working.map(bars).min(),
            };
        }
        let call = self.shown.as_ref()?;
        if call.state == CallState::Reconnecting {
            return Some(0);
        }
        self.leg().filter(|_| call.state == CallState::Live).map(bars)
    }
}

/// How good one connection is, from 1 to 4 bars.
fn bars(leg: &LegStats) -> u8 {
    let of_loss = match leg.loss {
        loss if loss < 0.01 => 4,
        loss if loss < 0.04 => 3,
        loss if loss < 0.10 => 2,
        _ => 1,
    };
    let of_delay = match leg.round_trip {
        trip if trip < Duration::from_millis(200) => 4,
        trip if trip < Duration::from_millis(350) => 3,
        trip if trip < Duration::from_millis(600) => 2,
        _ => 1,
    };
    of_loss.min(of_delay)
}

/// Whether the device of a word may give pictures.
fn is_there(word: &str, found: &[FoundPicture]) -> bool {
    match word {
        "" | NONE => false,
        DEFAULT => !found.is_empty(),
        _ => true,
    }
}

impl Model {
    /// Why a contact cannot be called now; nothing if they can.
    pub fn no_call(&self, contact: &ContactView, camera: bool) -> Option<NoCall> {
        if contact.state != ContactState::Accepted {
            Some(NoCall::NoContact)
        } else if !self.calls.is_free() {
            Some(NoCall::Talking)
        } else if self.network.listen.is_empty() || self.stopped.is_some() {
            Some(NoCall::Offline)
        } else if camera && !self.calls.has_camera() {
            Some(NoCall::NoCamera)
        } else {
            None
        }
    }

    /// Tells the time: what goes on by itself is asked for. A call to oneself goes on while its page is open.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Request> {
        let mut requests: Vec<Request> = self.calls.want_measures(now).into_iter().collect();
        if self.calls.rehearsal.is_some() {
            let on_page = matches!(&self.dialog, Some(Dialog::Settings(form)) if form.page == Page::Calls);
            requests.push(Request::Rehearse((!on_page).then_some(false)));
        }
        requests
    }
}

/// The engine tells of a call.
pub(super) fn heard(model: &mut Model, view: CallView) -> Vec<Request> {
    let before = model.calls.shown.as_ref().filter(|known| known.call == view.call).map(|known| known.state);
    let ended = if let CallState::Ended(end) = view.state { Some(end) } else { None };
    match (before, ended) {
        // Of a call that is not shown, the line in its chat is enough.
        (None, Some(_)) => return Vec::new(),
        (None, None) => {
            model.calls.forget();
            model.calls.open = view.state != CallState::Incoming;
            if view.state == CallState::Incoming {
                notices::hear_call(model, &view);
            }
            model.calls.shown = Some(view);
        }
        (Some(state), Some(end)) => {
            let rang = state == CallState::Incoming;
            if let CallEnd::AnsweredElsewhere | CallEnd::DeclinedElsewhere = end {
                model.toast(words::end(end), false);
            }
            if rang || end == CallEnd::Replaced {
                model.calls.forget();
            } else if !matches!(state, CallState::Ended(_)) {
                (model.calls.shown, model.calls.over) = (Some(view), 0.0);
            }
        }
        (Some(state), None) => {
            model.calls.open |= state == CallState::Incoming && view.state != CallState::Incoming;
            model.calls.shown = Some(view);
        }
    }
    model.calls.ring().into_iter().collect()
}

/// Everything was read anew: calls that the engine does not know any more are gone.
pub(super) fn replace(
    model: &mut Model,
    (calls, of_groups): (Vec<CallView>, Vec<GroupCallView>),
    settings: CallSettings,
) -> Vec<Request> {
    model.calls.settings = settings;
    let mut requests = together::replace(model, of_groups);
    requests.extend(match calls.into_iter().next() {
        Some(view) => heard(model, view),
        None => {
            if !model.calls.no_direct_call() {
                let open = model.calls.open;
                model.calls.forget();
                model.calls.open = open && model.calls.together.shown().is_some();
            }
            model.calls.ring().into_iter().collect()
        }
    });
    // Whether there is a camera.
    requests.push(Request::LoadCallDevices);
    requests
}

/// Carries out an intent.
pub(super) fn act(model: &mut Model, action: CallAction) -> Vec<Request> {
    let command = match action {
        CallAction::Start { chat, camera } => {
            let mut requests = model.show_chat(chat);
            requests.push(Request::Command(Command::StartCall { chat, media: begin(camera) }));
            return requests;
        }
        CallAction::Accept { camera } => {
            let direct = model.calls.incoming().map(|call| (call.call, call.chat));
            let of_group = || model.calls.together.ringing().map(|call| (call.call, call.chat));
            let Some((call, chat)) = direct.or_else(of_group) else { return Vec::new() };
            let mut requests = model.show_chat(chat);
            requests.push(Request::Command(Command::AcceptCall { call, media: begin(camera) }));
            return requests;
        }
        CallAction::HangUp => hang_up(&model.calls),
        CallAction::RaiseHand(raised) => {
            model.calls.together.shown().map(|call| Command::RaiseHand { call: call.call, raised })
        }
        CallAction::Mute(account) => {
            model.calls.together.shown().map(|call| Command::MuteInCall { call: call.call, account })
        }
        CallAction::Toggle(part) => toggle(&mut model.calls, part),
        CallAction::Talk(on) => talk(&mut model.calls, on),
        CallAction::Hide(from) => {
            model.calls.settings.hide_address = from;
            Some(Command::HideAddress { from })
        }
        CallAction::HideFrom(contact, hide) => {
            let contacts = &mut model.calls.settings.contacts;
            contacts.retain(|(other, _)| *other != contact);
            contacts.extend(hide.map(|hide| (contact, hide)));
            Some(Command::HideAddressFrom { contact, hide })
        }
        CallAction::LookAtDevices => return vec![Request::LoadCallDevices],
        CallAction::Rehearse(on) => return vec![Request::Rehearse(Some(on))],
        CallAction::Choose(of, word) => {
            let chosen = &mut model.calls.devices.chosen;
            if chosen.set(of, &word).is_err() {
                return Vec::new();
            }
            return vec![Request::ChooseCallDevices(Box::new(chosen.clone()))];
        }
        of_view => {
            show(model, &of_view);
            None
        }
    };
    command.map(Request::Command).into_iter().collect()
}

fn show(model: &mut Model, action: &CallAction) {
    let calls = &mut model.calls;
    match *action {
        CallAction::Show(open) => (calls.open, calls.full) = (open, calls.full && open),
        CallAction::Full(full) => calls.full = full,
        CallAction::Figures(figures) => calls.figures = figures,
        CallAction::Put(corner) => calls.corner = corner,
        CallAction::Arrange(layout) => calls.together.arrange(layout),
        CallAction::Enlarge(tile) => calls.together.enlarge(tile),
        CallAction::Dismiss if calls.no_direct_call() => calls.forget(),
        _ => {}
    }
}

/// What is sent from the first moment on.
fn begin(camera: bool) -> Media {
    if camera { Media::VIDEO } else { Media::AUDIO }
}

/// Leaves the call that goes on, or declines the one that rings.
fn hang_up(calls: &Calls) -> Option<Command> {
    let goes_on = calls.shown.as_ref().filter(|call| !matches!(call.state, CallState::Ended(_)));
    let direct = goes_on.map(|call| call.call);
    let of_group = || calls.together.shown().or(calls.together.ringing()).map(|call| call.call);
    direct.or_else(of_group).map(|call| Command::HangUp { call })
}

/// Switches something on or off.
fn toggle(calls: &mut Calls, part: Part) -> Option<Command> {
    let (camera, screen) = (calls.has_camera(), calls.has_screen());
    let (call, own) = calls.current()?;
    let mut change = MediaChange::default();
    match part {
        Part::Microphone => {
            calls.talks = false;
            change.microphone = Some(!own.microphone);
        }
        Part::Camera => change.camera = Some(!own.camera).filter(|on| !on || camera),
        Part::Screen => change.screen = Some(!own.screen).filter(|on| !on || screen),
        Part::Hold => change.hold = Some(!own.hold),
    }
    (change != MediaChange::default()).then_some(Command::SetCallMedia { call, change })
}

/// The microphone is on while a key is held.
fn talk(calls: &mut Calls, on: bool) -> Option<Command> {
    let (call, own) = calls.current()?;
    if on == calls.talks || (on && own.microphone) {
        return None;
    }
    let change = MediaChange { microphone: Some(on), ..MediaChange::default() };
    calls.talks = on;
    Some(Command::SetCallMedia { call, change })
}

/// Whether something can be switched.
pub fn is_talk(state: CallState) -> bool {
    !matches!(state, CallState::Incoming | CallState::Ended(_))
}

/// The word for no device.
pub const NONE: &str = "none";

/// The word for the device that the system has chosen.
pub const DEFAULT: &str = "default";

/// The word for a picture that moves, to try calls without a camera.
pub const PATTERN: &str = "pattern";

/// The word of a choice for a use.
pub fn chosen(choice: &Choice, of: Use) -> &str {
    match of {
        Use::Microphone => &choice.microphone,
        Use::Speaker => &choice.speaker,
        Use::Camera => &choice.camera,
        Use::Screen => &choice.screen,
    }
}
