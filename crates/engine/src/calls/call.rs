//! One call, from the first ring to its end. A machine without an engine around it: words, reports and wishes come in,
//! what is to be said and done comes out.
//!
//! ```text
//!            their Accept, or ours        media: connected        interrupted, silent
//!  Ringing ─────────────────────▶ Connecting ───────────▶ Live ◀──────────────────▶ Reconnecting
//!     │ declined, busy, nobody          │ 45 s               │ HangUp                  │ 45 s
//!     ▼ answered, cancelled             ▼                    ▼                         ▼
//!   Over ◀──────────────────────────────┴────────────────────┴─────────────────────────┘
//! ```
//!
//! Who calls has a leg to each device of the other account until one has answered; whoever is called has one. What is
//! said is said again until it was heard, so every word may be lost, come late or twice.

use std::collections::BTreeMap;

use kith_proto::call::Capabilities;
use kith_proto::call::HangUp;
use kith_proto::call::Media;
use kith_proto::call::Reject;
use kith_proto::call::Signal;
use kith_proto::call::Step;
use kith_proto::call::media::IceServer;
use kith_proto::call::media::IceServers;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::leg::Came;
use super::leg::Leg;
use super::leg::Rejected;
use super::leg::Try;
use super::privacy;
use crate::view::CallEnd;
use crate::view::CallState;

/// How long it rings: as long as telephones do, and as mail takes to be fetched.
pub(super) const RINGS: Span = Span::from_secs(45);

/// How often words are said again. Three of them fit into [`SILENT`].
const BEAT: Span = Span::from_millis(2_500);

/// Who says nothing for so long is not there any more: it stops ringing, and no way is looked for.
const SILENT: Span = Span::from_secs(10);

/// A way that was not found in so long is not found: each try takes ten seconds at most.
const GIVE_UP: Span = Span::from_secs(45);

/// A network is taken as settled when nothing changed for so long.
const SETTLED: Span = Span::from_millis(500);

/// What is known on this device when a call begins.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// This device.
    pub(crate) device: DeviceId,
    /// Which ways may be used with this contact.
    pub(crate) ways: Ways,
    /// What this device can do.
    pub(crate) capabilities: Capabilities,
    /// The servers that may be used.
    pub(crate) servers: IceServers,
    /// Whether frames are sealed once more, as in calls of groups.
    pub(crate) sealed: bool,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    /// Say something to a device, if it is connected.
    Say(DeviceId, Signal),
    /// Have media do something.
    Media(MediaCommand),
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    id: CallId,
    outgoing: bool,
    setup: Setup,
    state: State,
    legs: BTreeMap<DeviceId, Leg>,
    /// The device of theirs that is in the call.
    with: Option<DeviceId>,
    /// What the person wants to send, and what of it cannot be sent now.
    own: Media,
    lacking: Media,
    /// Whether that was changed while it rang.
    changed_mind: bool,
    theirs: Media,
    their_capabilities: Capabilities,
    begun: Timestamp,
    talking_since: Option<Timestamp>,
    /// Since when they hear each other no more.
    lost_at: Option<Timestamp>,
    beat_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ringing { until: Timestamp },
    Connecting { since: Timestamp },
    Live,
    Reconnecting { since: Timestamp },
    Over(CallEnd),
}

impl Call {
    /// Calls somebody on these devices.
    pub(crate) fn start(
        id: CallId,
        setup: Setup,
        now: Timestamp,
        devices: &[DeviceId],
        media: Media,
        acts: &mut Vec<Act>,
    ) -> Self {
        let leg =
            |device: &DeviceId| (*device, Leg::new(LegId { call: id, device: *device }, Side::Offers, now));
        let mut call = Self {
            id,
            outgoing: true,
            setup,
            state: State::Ringing { until: now + RINGS },
            legs: devices.iter().map(leg).collect(),
            with: None,
            own: media,
            lacking: Media::default(),
            changed_mind: false,
            theirs: Media::default(),
            their_capabilities: Capabilities::default(),
            begun: now,
            talking_since: None,
            lost_at: None,
            beat_at: now,
        };
        call.beat(now, &|_| true, acts);
        call
    }

    /// A device calls: it rings here.
    pub(crate) fn ring(
        id: CallId,
        setup: Setup,
        now: Timestamp,
        from: DeviceId,
        (rings, media, capabilities): (Span, Media, Capabilities),
        acts: &mut Vec<Act>,
    ) -> Self {
        acts.push(Act::Say(from, Signal::Ringing));
        Self {
            id,
            outgoing: false,
            setup,
            state: State::Ringing { until: now + rings.min(RINGS) },
            legs: [(from, Leg::new(LegId { call: id, device: from }, Side::Answers, now))].into(),
            with: Some(from),
            own: Media::default(),
            lacking: Media::default(),
            changed_mind: false,
            theirs: media,
            their_capabilities: capabilities,
            begun: now,
            talking_since: None,
            lost_at: None,
            beat_at: now + BEAT,
        }
    }

    /// The person answers.
    pub(crate) fn accept(&mut self, now: Timestamp, media: Media, acts: &mut Vec<Act>) {
        let (State::Ringing { .. }, false, Some(with)) = (self.state, self.outgoing, self.with) else {
            return;
        };
        // Whoever began to keep it while it rang still does.
        self.own = Media { recording: self.own.recording, ..media };
        self.state = State::Connecting { since: now };
        self.say_accept(acts);
        let (ways, own, theirs) = (self.setup.ways, self.own, self.their_capabilities);
        if let Some(leg) = self.legs.get_mut(&with) {
            acts.extend(leg.open(&self.setup, ways, own, theirs).into_iter().map(Act::Media));
        }
        self.beat_at = now + BEAT;
    }

    /// The person does not want to go on: declines, cancels or hangs up.
    pub(crate) fn hang_up(&mut self, acts: &mut Vec<Act>) {
        let end = match (self.state, self.outgoing) {
            (State::Over(_), _) => return,
            (State::Ringing { .. }, true) => CallEnd::Cancelled,
            (State::Ringing { .. }, false) => CallEnd::Declined,
            _ => CallEnd::Finished,
        };
        self.end(end, acts);
    }

    /// The other call goes on, with a device that we called.
    pub(crate) fn give_way(&mut self, to: DeviceId, acts: &mut Vec<Act>) {
        self.with = Some(to);
        self.end(CallEnd::Replaced, acts);
    }

    /// The contact is blocked or gone, or calls anew from the same device.
    pub(crate) fn drop(&mut self, acts: &mut Vec<Act>) {
        let end = match (self.state, self.outgoing) {
            (State::Ringing { .. }, true) => CallEnd::Cancelled,
            (State::Ringing { .. }, false) => CallEnd::Missed,
            _ => CallEnd::Lost,
        };
        self.end(end, acts);
    }

    /// Sends something else from now on.
    pub(crate) fn set_media(&mut self, now: Timestamp, media: Media, acts: &mut Vec<Act>) {
        if media == self.own || matches!(self.state, State::Over(_)) {
            return;
        }
        let before = self.sent();
        self.own = media;
        if self.legs.values().any(Leg::is_open) {
            acts.push(Act::Media(MediaCommand::SetMedia { call: self.id, media }));
        }
        self.say_sent(now, before, acts);
        // The device that answers may have heard an older invite, and no newer one.
        self.changed_mind |= self.is_ringing();
    }

    /// Media report what they cannot send.
    pub(crate) fn lacks(&mut self, now: Timestamp, lacking: Media, acts: &mut Vec<Act>) {
        let before = self.sent();
        self.lacking = lacking;
        self.say_sent(now, before, acts);
    }

    /// Says what is sent, if that is news.
    fn say_sent(&mut self, now: Timestamp, before: Media, acts: &mut Vec<Act>) {
        let sent = self.sent();
        if self.is_answered() && sent != before {
            self.push(now, Step::Media(sent), acts);
        }
    }

    /// The own network changed.
    pub(crate) fn network_changed(&mut self, now: Timestamp) {
        let answered = self.is_answered();
        if let Some(leg) = self.chosen().filter(|_| answered) {
            leg.network_changed(now + SETTLED);
        }
    }

    /// Something else can be done here from now on: whoever moves this call's sound is chosen when it is answered, and what is said of it then.
    pub(crate) fn set_capabilities(&mut self, able: Capabilities) {
        if !self.outgoing && matches!(self.state, State::Ringing { .. }) {
            self.setup.capabilities = able;
        }
    }

    /// Other servers may be used. Who hides their address and knows no relay cannot call: that is said before somebody there
    /// runs to answer.
    pub(crate) fn set_servers(&mut self, servers: IceServers, acts: &mut Vec<Act>) {
        let no_way = self.setup.ways == Ways::RelayOnly && !servers.iter().any(IceServer::relays);
        self.setup.servers = servers;
        if no_way && self.outgoing && self.is_ringing() {
            self.end(CallEnd::Device(MediaFailure::NoRelay), acts);
        }
    }

    /// A device is connected: whatever it may have missed is said.
    pub(crate) fn ready(&mut self, now: Timestamp, device: &DeviceId, acts: &mut Vec<Act>) {
        let only = |other: &DeviceId| other == device;
        self.say_state(now, &only, acts);
        if let Some(leg) = self.legs.get_mut(device) {
            acts.extend(leg.again(now, true).into_iter().map(|signal| Act::Say(*device, signal)));
        }
        self.look_for_way(now, &only, acts);
    }

    /// Time has passed. `ready`: whether something can be said to a device.
    pub(crate) fn wake(&mut self, now: Timestamp, ready: &dyn Fn(&DeviceId) -> bool, acts: &mut Vec<Act>) {
        let over = match self.state {
            State::Ringing { until } if self.outgoing && until <= now => Some(self.unanswered()),
            State::Ringing { until } if !self.outgoing && (until <= now || self.is_silent(now)) => {
                Some(CallEnd::Missed)
            }
            State::Connecting { since } if now.since(since) >= GIVE_UP || self.is_silent(now) => {
                Some(CallEnd::NoConnection)
            }
            State::Reconnecting { since } if now.since(since) >= GIVE_UP => Some(CallEnd::Lost),
            State::Over(_) => return,
            _ => None,
        };
        if let Some(end) = over {
            return self.end(end, acts);
        }
        if self.outgoing && self.is_ringing() {
            // What is not there any more does not ring. If it comes back it hears the next invite.
            for leg in self.legs.values_mut().filter(|leg| leg.rings && now.since(leg.heard) >= SILENT) {
                leg.rings = false;
                acts.extend(leg.close().map(Act::Media));
            }
        }
        if self.beat_at <= now {
            self.beat(now, ready, acts);
        }
        self.look_for_way(now, ready, acts);
    }

    /// When [`wake`](Self::wake) is due.
    pub(crate) fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        let deadline = match self.state {
            State::Ringing { until } if self.outgoing => {
                let rings = self.legs.values().filter(|leg| leg.rings);
                rings.map(|leg| leg.heard + SILENT).fold(until, Timestamp::min)
            }
            State::Ringing { until } => self.heard().map_or(until, |heard| until.min(heard + SILENT)),
            State::Connecting { since } => {
                self.heard().map_or(since + GIVE_UP, |heard| (since + GIVE_UP).min(heard + SILENT))
            }
            State::Reconnecting { since } => since + GIVE_UP,
            State::Live => Timestamp::NEVER,
            State::Over(_) => return None,
        };
        // What is due already waits for a connection.
        let tries = self.legs.values().filter_map(Leg::try_at).filter(|at| *at > now);
        tries.chain([deadline, self.beat_at]).min()
    }

    /// A device said something. Returns whether it has a part in this call.
    pub(crate) fn hear(
        &mut self,
        now: Timestamp,
        device: DeviceId,
        signal: Signal,
        acts: &mut Vec<Act>,
    ) -> bool {
        let Some(leg) = self.legs.get_mut(&device) else { return false };
        leg.heard = now;
        match self.state {
            State::Over(_) => {}
            State::Ringing { .. } if self.outgoing => self.hear_callee(now, device, &signal, acts),
            State::Ringing { .. } => self.hear_caller(now, device, signal, acts),
            _ if self.with == Some(device) => self.hear_partner(now, device, signal, acts),
            // It answers as well, or still rings.
            _ if matches!(signal, Signal::Ringing | Signal::Accept { .. } | Signal::Alive { .. }) => {
                self.say_taken(device, true, acts);
            }
            _ => {}
        }
        true
    }

    /// Something from a device that we call.
    fn hear_callee(&mut self, now: Timestamp, device: DeviceId, signal: &Signal, acts: &mut Vec<Act>) {
        let (setup, own) = (&self.setup, self.own);
        let Some(leg) = self.legs.get_mut(&device) else { return };
        match *signal {
            Signal::Ringing => {
                (leg.rang, leg.rings) = (true, true);
                if !leg.is_open() {
                    // Relays can be asked for a place while it rings; other addresses are nobody's business yet.
                    let opened = leg.open(setup, Ways::RelayOnly, own, Capabilities::default());
                    acts.extend(opened.into_iter().map(Act::Media));
                }
            }
            Signal::Accept { media, capabilities } => {
                (self.theirs, self.their_capabilities) = (media, capabilities);
                self.choose(now, device, acts);
            }
            Signal::Alive { taken } => leg.taken_there(now, taken),
            Signal::Reject { why: Reject::Declined } | Signal::HangUp { why: HangUp::Finished } => {
                self.with = Some(device);
                self.end(CallEnd::Declined, acts);
            }
            Signal::Reject { why } => self.rejected(device, Rejected::Said(why), acts),
            Signal::HangUp { .. } => self.rejected(device, Rejected::Gone, acts),
            _ => {}
        }
    }

    /// One of the devices that we call is out.
    fn rejected(&mut self, device: DeviceId, why: Rejected, acts: &mut Vec<Act>) {
        if let Some(leg) = self.legs.get_mut(&device) {
            (leg.rejected, leg.rings) = (Some(why), false);
            acts.extend(leg.close().map(Act::Media));
        }
        if self.legs.values().all(|leg| leg.rejected.is_some()) {
            self.end(self.unanswered(), acts);
        }
    }

    /// What it is called that nobody has answered.
    fn unanswered(&self) -> CallEnd {
        let said = |why| self.legs.values().any(|leg| leg.rejected == Some(Rejected::Said(why)));
        match () {
            () if said(Reject::Busy) => CallEnd::Busy,
            () if self.legs.values().any(|leg| leg.rang) => CallEnd::NoAnswer,
            () if said(Reject::Unsupported) => CallEnd::Unsupported,
            () => CallEnd::Unreachable,
        }
    }

    /// A device has answered: the call is with it.
    fn choose(&mut self, now: Timestamp, device: DeviceId, acts: &mut Vec<Act>) {
        self.with = Some(device);
        self.state = State::Connecting { since: now };
        let others: Vec<DeviceId> = self.legs.keys().filter(|other| **other != device).copied().collect();
        for other in others {
            self.say_taken(other, true, acts);
            acts.extend(self.legs.get_mut(&other).and_then(Leg::close).map(Act::Media));
        }
        let (ways, own, theirs) = (self.setup.ways, self.own, self.their_capabilities);
        let Some(leg) = self.legs.get_mut(&device) else { return };
        leg.rang = true;
        if !leg.is_open() {
            acts.extend(leg.open(&self.setup, ways, own, theirs).into_iter().map(Act::Media));
        } else if ways == Ways::Any {
            acts.extend(leg.allow_direct().map(Act::Media));
        }
        acts.push(Act::Say(device, leg.alive()));
        if self.changed_mind {
            self.push(now, Step::Media(self.sent()), acts);
        }
        self.beat_at = now + BEAT;
    }

    /// Something from the device that calls, while it rings here.
    fn hear_caller(&mut self, now: Timestamp, device: DeviceId, signal: Signal, acts: &mut Vec<Act>) {
        match signal {
            Signal::Invite { media, .. } => {
                self.theirs = media;
                acts.push(Act::Say(device, Signal::Ringing));
            }
            Signal::Cancel | Signal::HangUp { .. } => self.end(CallEnd::Missed, acts),
            Signal::Taken { answered, .. } => self.end(elsewhere(answered), acts),
            Signal::Step { number, step } => self.step(now, device, number, step, acts),
            _ => {}
        }
    }

    /// Something from the device with which the call is.
    fn hear_partner(&mut self, now: Timestamp, device: DeviceId, signal: Signal, acts: &mut Vec<Act>) {
        let Some(leg) = self.legs.get_mut(&device) else { return };
        match signal {
            Signal::Invite { .. } if !self.outgoing && !leg.confirmed => self.say_accept(acts),
            Signal::Accept { .. } if self.outgoing => acts.push(Act::Say(device, leg.alive())),
            Signal::Alive { taken } => {
                leg.confirmed = true;
                leg.taken_there(now, taken);
            }
            Signal::Step { number, step } => {
                leg.confirmed = true;
                self.step(now, device, number, step, acts);
            }
            Signal::Cancel if !self.outgoing => self.end(CallEnd::Missed, acts),
            Signal::Taken { answered, .. } if !self.outgoing => self.end(elsewhere(answered), acts),
            Signal::HangUp { why: HangUp::Finished } => self.end(CallEnd::Finished, acts),
            Signal::HangUp { .. } if self.talking_since.is_none() => self.end(CallEnd::NoConnection, acts),
            Signal::HangUp { .. } => self.end(CallEnd::Lost, acts),
            _ => {}
        }
    }

    fn step(&mut self, now: Timestamp, device: DeviceId, number: u32, step: Step, acts: &mut Vec<Act>) {
        let Some(leg) = self.legs.get_mut(&device) else { return };
        match leg.came(now, number, step) {
            Came::NotYet => return,
            Came::Again => {}
            Came::Now(Step::Media(media)) => self.theirs = media,
            Came::Now(Step::Restart { epoch, anew }) => {
                leg.asked_for_way(now, epoch, anew);
                if anew && leg.begins_anew(epoch) && leg.is_open() {
                    self.open_anew(now, device, acts);
                }
            }
            Came::Now(step) => acts.extend(leg.take(step).map(Act::Media)),
        }
        if let Some(leg) = self.legs.get(&device) {
            acts.push(Act::Say(device, leg.alive()));
        }
    }

    /// Media report something about a leg.
    pub(crate) fn report(&mut self, now: Timestamp, event: MediaEvent, acts: &mut Vec<Act>) {
        let (MediaEvent::Described { leg: LegId { device, .. }, .. }
        | MediaEvent::Gathered { leg: LegId { device, .. }, .. }
        | MediaEvent::Path { leg: LegId { device, .. }, .. }
        | MediaEvent::Silence { leg: LegId { device, .. }, .. }
        | MediaEvent::Failed { leg: LegId { device, .. }, .. }) = event
        else {
            return;
        };
        let Some(leg) = self.legs.get_mut(&device).filter(|leg| leg.is_open()) else { return };
        match event {
            MediaEvent::Described { epoch, offer, sdp, .. } if epoch == leg.epoch() => {
                let sdp = if leg.is_relay_only() { privacy::without_addresses(&sdp) } else { sdp };
                let said = leg.push(now, Step::Description { epoch, offer, sdp });
                acts.extend(said.map(|signal| Act::Say(device, signal)));
            }
            MediaEvent::Gathered { epoch, list, done, .. } if epoch == leg.epoch() => {
                let list = if leg.is_relay_only() { privacy::relays_only(&list) } else { list };
                if done || !list.is_empty() {
                    let said = leg.push(now, Step::Candidates { epoch, list, done });
                    acts.extend(said.map(|signal| Act::Say(device, signal)));
                }
            }
            MediaEvent::Path { opened, state, relayed, .. } if leg.is_open_since(opened) => {
                leg.set_path(now, state, relayed);
                self.flow_changed(now, device);
            }
            MediaEvent::Silence { opened, silent, .. } if leg.is_open_since(opened) => {
                leg.set_silent(now, silent);
                self.flow_changed(now, device);
            }
            MediaEvent::Failed { opened, reason, .. } if leg.is_open_since(opened) => {
                self.failed(device, reason, acts);
            }
            _ => {}
        }
    }

    fn failed(&mut self, device: DeviceId, reason: MediaFailure, acts: &mut Vec<Act>) {
        if !self.is_answered() && reason == MediaFailure::NoAgreement {
            return self.rejected(device, Rejected::Said(Reject::Unsupported), acts);
        }
        self.end(CallEnd::Device(reason), acts);
    }

    fn flow_changed(&mut self, now: Timestamp, device: DeviceId) {
        if self.with != Some(device) {
            return;
        }
        let flows = self.legs.get(&device).is_some_and(Leg::flows);
        self.state = match self.state {
            State::Connecting { .. } | State::Reconnecting { .. } if flows => {
                self.talking_since.get_or_insert(now);
                self.lost_at = None;
                State::Live
            }
            State::Live if !flows => {
                self.lost_at = Some(now);
                State::Reconnecting { since: now }
            }
            state => state,
        };
    }

    /// Says everything that is said again and again.
    fn beat(&mut self, now: Timestamp, ready: &dyn Fn(&DeviceId) -> bool, acts: &mut Vec<Act>) {
        self.beat_at = now + BEAT;
        self.say_state(now, ready, acts);
        for (device, leg) in self.legs.iter_mut().filter(|(device, _)| ready(device)) {
            acts.extend(leg.again(now, false).into_iter().map(|signal| Act::Say(*device, signal)));
        }
    }

    /// What the other side should know now.
    fn say_state(&self, now: Timestamp, ready: &dyn Fn(&DeviceId) -> bool, acts: &mut Vec<Act>) {
        match self.state {
            State::Ringing { until } if self.outgoing => {
                let rings_ms = u32::try_from(until.since(now).0).unwrap_or(0);
                let capabilities = self.setup.capabilities;
                let invite = Signal::Invite { rings_ms, media: self.sent(), capabilities };
                let waiting =
                    self.legs.iter().filter(|(device, leg)| leg.rejected.is_none() && ready(device));
                acts.extend(waiting.map(|(device, _)| Act::Say(*device, invite.clone())));
            }
            State::Over(_) => {}
            State::Ringing { .. } => {
                acts.extend(self.with.filter(|with| ready(with)).map(|with| Act::Say(with, Signal::Ringing)));
            }
            _ => {
                let Some(with) = self.with.filter(|with| ready(with)) else { return };
                let Some(leg) = self.legs.get(&with) else { return };
                if !self.outgoing && !leg.confirmed {
                    return self.say_accept(acts);
                }
                acts.push(Act::Say(with, leg.alive()));
            }
        }
    }

    fn say_accept(&self, acts: &mut Vec<Act>) {
        let Some(with) = self.with else { return };
        let capabilities = self.setup.capabilities;
        acts.push(Act::Say(with, Signal::Accept { media: self.sent(), capabilities }));
    }

    fn say_taken(&self, device: DeviceId, answered: bool, acts: &mut Vec<Act>) {
        if let Some(by) = self.with {
            acts.push(Act::Say(device, Signal::Taken { by, answered }));
        }
    }

    fn push(&mut self, now: Timestamp, step: Step, acts: &mut Vec<Act>) {
        let Some(with) = self.with else { return };
        let said = self.legs.get_mut(&with).and_then(|leg| leg.push(now, step));
        acts.extend(said.map(|signal| Act::Say(with, signal)));
    }

    /// Looks for another way where that is due. It needs words, so it waits for a connection.
    fn look_for_way(&mut self, now: Timestamp, ready: &dyn Fn(&DeviceId) -> bool, acts: &mut Vec<Act>) {
        let Some(with) = self.with.filter(|with| self.is_answered() && ready(with)) else { return };
        let tried = self.legs.get_mut(&with).and_then(|leg| leg.look_for_way(now));
        match tried {
            Some(Try::Ask(step)) => self.push(now, step, acts),
            Some(Try::Restart(command)) => acts.push(Act::Media(command)),
            Some(Try::Anew(step)) => {
                self.push(now, step, acts);
                self.open_anew(now, with, acts);
            }
            None => {}
        }
    }

    fn open_anew(&mut self, now: Timestamp, device: DeviceId, acts: &mut Vec<Act>) {
        let (ways, own, theirs) = (self.setup.ways, self.own, self.their_capabilities);
        let Some(leg) = self.legs.get_mut(&device) else { return };
        acts.extend(leg.close().map(Act::Media));
        acts.extend(leg.open(&self.setup, ways, own, theirs).into_iter().map(Act::Media));
        if self.state == State::Live {
            // Until media say otherwise nothing flows in the new one.
            self.lost_at = Some(now);
            self.state = State::Reconnecting { since: now };
        }
    }

    /// Ends it: everybody hears why, media close.
    fn end(&mut self, end: CallEnd, acts: &mut Vec<Act>) {
        let ringing = matches!(self.state, State::Ringing { .. });
        let legs: Vec<DeviceId> = self.legs.keys().copied().collect();
        for device in legs {
            let partner = self.with == Some(device);
            acts.extend(self.last_word(end, ringing, device, partner).map(|signal| Act::Say(device, signal)));
            acts.extend(self.legs.get_mut(&device).and_then(Leg::finish).map(Act::Media));
        }
        self.state = State::Over(end);
    }

    /// What a device hears about the end.
    fn last_word(&self, end: CallEnd, ringing: bool, device: DeviceId, partner: bool) -> Option<Signal> {
        let by = self.with.unwrap_or(device);
        match (end, self.outgoing) {
            (CallEnd::Replaced, _) => Some(Signal::Taken { by, answered: true }),
            (CallEnd::Declined, true) => (!partner).then_some(Signal::Taken { by, answered: false }),
            (CallEnd::Declined, false) => Some(Signal::Reject { why: Reject::Declined }),
            (_, true) if ringing => Some(Signal::Cancel),
            (_, true) if !partner => None,
            (CallEnd::Missed | CallEnd::AnsweredElsewhere | CallEnd::DeclinedElsewhere, false) => None,
            (CallEnd::Finished, _) => Some(Signal::HangUp { why: HangUp::Finished }),
            _ => Some(Signal::HangUp { why: HangUp::Failed }),
        }
    }

    /// What is said to a device that still takes part in a call that is over here.
    pub(crate) fn afterwards(&self, device: &DeviceId) -> Signal {
        let over = self.ended().unwrap_or(CallEnd::Lost);
        let taken = |by, answered| Signal::Taken { by, answered };
        match (over, self.outgoing, self.with) {
            (CallEnd::Replaced, _, Some(by)) => taken(by, true),
            (CallEnd::Declined, true, Some(by)) => taken(by, false),
            (CallEnd::Declined, false, _) => Signal::Reject { why: Reject::Declined },
            (_, true, Some(by)) if by != *device => taken(by, true),
            (_, true, None) => Signal::Cancel,
            (CallEnd::Finished, ..) => Signal::HangUp { why: HangUp::Finished },
            (CallEnd::Missed | CallEnd::AnsweredElsewhere | CallEnd::DeclinedElsewhere, ..) => {
                Signal::HangUp { why: HangUp::Gone }
            }
            _ => Signal::HangUp { why: HangUp::Failed },
        }
    }

    /// How it ended.
    pub(crate) fn ended(&self) -> Option<CallEnd> {
        match self.state {
            State::Over(end) => Some(end),
            _ => None,
        }
    }

    /// Which call it is.
    pub(crate) fn id(&self) -> CallId {
        self.id
    }

    /// Whether it began here.
    pub(crate) fn is_outgoing(&self) -> bool {
        self.outgoing
    }

    /// Whether it still rings, here or there.
    pub(crate) fn is_ringing(&self) -> bool {
        matches!(self.state, State::Ringing { .. })
    }

    /// How far it is.
    pub(crate) fn state(&self) -> CallState {
        match self.state {
            State::Ringing { .. } if !self.outgoing => CallState::Incoming,
            State::Ringing { .. } if self.legs.values().any(|leg| leg.rings) => CallState::Ringing,
            State::Ringing { .. } => CallState::Calling,
            State::Connecting { .. } => CallState::Connecting,
            State::Live => CallState::Live,
            State::Reconnecting { .. } => CallState::Reconnecting,
            State::Over(end) => CallState::Ended(end),
        }
    }

    /// The devices that never rang.
    pub(crate) fn never_rang(&self) -> Vec<DeviceId> {
        self.legs
            .iter()
            .filter(|(_, leg)| !leg.rang && leg.rejected.is_none())
            .map(|(device, _)| *device)
            .collect()
    }

    /// The device that calls, or with which the call is.
    pub(crate) fn with(&self) -> Option<DeviceId> {
        self.with
    }

    /// What is sent: all that the person wants to send but what is lacking.
    pub(crate) fn sent(&self) -> Media {
        Media {
            microphone: self.own.microphone && !self.lacking.microphone,
            camera: self.own.camera && !self.lacking.camera,
            screen: self.own.screen && !self.lacking.screen,
            ..self.own
        }
    }

    /// What of it is lacking.
    pub(crate) fn lacking(&self) -> Media {
        Media {
            microphone: self.own.microphone && self.lacking.microphone,
            camera: self.own.camera && self.lacking.camera,
            screen: self.own.screen && self.lacking.screen,
            ..Media::default()
        }
    }

    /// What is to be sent here, and is sent there.
    pub(crate) fn media(&self) -> (Media, Media) {
        (self.own, self.theirs)
    }

    /// When it began, and since when both hear each other.
    pub(crate) fn times(&self) -> (Timestamp, Option<Timestamp>) {
        (self.begun, self.talking_since)
    }

    /// For how long both heard each other.
    pub(crate) fn talked(&self, now: Timestamp) -> Span {
        self.talking_since.map_or(Span(0), |since| self.lost_at.unwrap_or(now).since(since))
    }

    /// Whether a relay is in the way, and whether the own address is hidden.
    pub(crate) fn way(&self) -> (bool, bool) {
        let relayed = self.with.and_then(|with| self.legs.get(&with)).is_some_and(|leg| leg.relayed);
        (relayed, self.setup.ways == Ways::RelayOnly)
    }

    /// How far the steps of a device were taken.
    #[cfg(test)]
    pub(super) fn steps_taken(&self, device: &DeviceId) -> u32 {
        self.legs.get(device).map_or(0, |leg| match leg.alive() {
            Signal::Alive { taken } => taken,
            _ => 0,
        })
    }

    fn is_answered(&self) -> bool {
        matches!(self.state, State::Connecting { .. } | State::Live | State::Reconnecting { .. })
    }

    fn chosen(&mut self) -> Option<&mut Leg> {
        self.legs.get_mut(&self.with?)
    }

    fn heard(&self) -> Option<Timestamp> {
        self.legs.get(&self.with?).map(|leg| leg.heard)
    }

    fn is_silent(&self, now: Timestamp) -> bool {
        self.heard().is_some_and(|heard| now.since(heard) >= SILENT)
    }
}

fn elsewhere(answered: bool) -> CallEnd {
    if answered { CallEnd::AnsweredElsewhere } else { CallEnd::DeclinedElsewhere }
}
