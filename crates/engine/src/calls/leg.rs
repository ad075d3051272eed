//! One leg of a call: what passes between this device and one other, and the tries to find a way between them.
//!
//! ```text
//!  steps out:  1 2 3 4 …  kept until their `Alive` covers them, said again as one row
//!  steps in:   taken in order; a gap waits for the sender to say the row again
//!  epochs:     1 ──(interrupted, network changed)──▶ 2: another way ──(failed)──▶ 3: a new connection ──▶ …
//! ```
//!
//! Not here: who is in the call, and when it ends (`call`).

use std::collections::VecDeque;

use kith_proto::call::Capabilities;
use kith_proto::call::Media;
use kith_proto::call::Reject;
use kith_proto::call::Signal;
use kith_proto::call::Step;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::Opening;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::call::Setup;

/// Steps that wait to be taken. An epoch has a description and some candidates; sixteen epochs without an answer are none.
const MAX_WAITING: usize = 64;

/// Steps that are kept for a person who has not decided: a description and its candidates, some of them twice.
const MAX_HELD: usize = 16;

/// Steps that were not taken are said again after so long: a round trip by two relays, and a moment.
const STEPS_AGAIN: Span = Span::from_secs(2);

/// Between two tries to find a way. ICE gives up on a pair after some ten seconds.
const TRY_AGAIN: Span = Span::from_secs(10);

/// What is due already waits for a connection; this comes about while there may be one.
const AT_ONCE: Span = Span::from_millis(1);

/// Tries follow each other not faster than this, whoever asks.
const TRY_PAUSE: Span = Span::from_secs(2);

/// New epochs of the other side are obeyed not faster than this: each costs sockets, keys, and a place at each relay. Half of what their tries keep
/// to, as the line may bring two of them nearer together.
const OBEY_PAUSE: Span = Span::from_secs(1);

/// So many tries with the connection that is there, then a new one is made.
const TRIES_BEFORE_ANEW: u32 = 2;

/// One leg.
#[derive(Debug)]
pub(crate) struct Leg {
    id: LegId,
    side: Side,
    epoch: u32,
    /// The epoch that media have it open with.
    opened: u32,
    /// Whether media have it open, and whether only with relays.
    open: bool,
    relay_only: bool,
    /// When the other side last said anything.
    pub(super) heard: Timestamp,
    /// Whether it rang there, and whether it still does.
    pub(super) rang: bool,
    pub(super) rings: bool,
    /// Why it is not answered there.
    pub(super) rejected: Option<Rejected>,
    /// Whether they know that it was answered here.
    pub(super) confirmed: bool,
    next: u32,
    waiting: VecDeque<(u32, Step)>,
    said_at: Timestamp,
    taken: u32,
    held: Vec<Step>,
    path: Option<PathState>,
    pub(super) relayed: bool,
    silent: bool,
    try_at: Option<Timestamp>,
    tried_at: Timestamp,
    /// When the other side last began an epoch.
    obeyed_at: Timestamp,
    tries: u32,
    anew: bool,
    /// When the own network is taken as settled after its last change.
    settled: Timestamp,
}

/// Why a device does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// It says so.
    Said(Reject),
    /// It knows of no such call any more.
    Gone,
}

/// What became of a step that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// It is its turn.
    Now(Step),
    /// It was taken before.
    Again,
    /// Something before it is missing, there is no room, or it is too early for another try.
    NotYet,
}

impl Leg {
    /// A leg to another device.
    pub(super) fn new(id: LegId, side: Side, now: Timestamp) -> Self {
        Self {
            id,
            side,
            epoch: 0,
            opened: 0,
            open: false,
            relay_only: true,
            heard: now,
            rang: false,
            rings: false,
            rejected: None,
            confirmed: false,
            next: 1,
            waiting: VecDeque::new(),
            said_at: now,
            taken: 0,
            held: Vec::new(),
            path: None,
            relayed: false,
            silent: false,
            try_at: None,
            tried_at: Timestamp(0),
            obeyed_at: Timestamp(0),
            tries: 0,
            anew: false,
            settled: Timestamp(0),
        }
    }

    /// Whether sound and pictures pass.
    pub(super) fn flows(&self) -> bool {
        self.path == Some(PathState::Connected) && !self.silent
    }

    /// Whether only relays may be told to the other side now.
    pub(super) fn is_relay_only(&self) -> bool {
        self.relay_only
    }

    /// Whether this side begins epochs.
    pub(super) fn offers(&self) -> bool {
        self.side == Side::Offers
    }

    /// Which epoch it is.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether media have it open.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Whether media have it open since this epoch: what they say of a connection before is about nothing that is there.
    pub(super) fn is_open_since(&self, epoch: u32) -> bool {
        self.open && self.opened == epoch
    }

    /// Keeps a step until it is taken. Returns how it is said; `None` when there is no room.
    pub(super) fn push(&mut self, now: Timestamp, step: Step) -> Option<Signal> {
        if self.waiting.len() >= MAX_WAITING {
            return None;
        }
        if self.waiting.is_empty() {
            self.said_at = now;
        }
        let number = self.next;
        self.next = self.next.saturating_add(1);
        self.waiting.push_back((number, step.clone()));
        Some(Signal::Step { number, step })
    }

    /// They have taken the steps up to this number.
    pub(super) fn taken_there(&mut self, now: Timestamp, taken: u32) {
        let before = self.waiting.len();
        while self.waiting.front().is_some_and(|(number, _)| *number <= taken) {
            self.waiting.pop_front();
        }
        if self.waiting.len() < before {
            self.said_at = now;
        }
    }

    /// The steps that they have not taken, if it is time to say them again, or at once.
    pub(super) fn again(&mut self, now: Timestamp, at_once: bool) -> Vec<Signal> {
        if self.waiting.is_empty() || (!at_once && now.since(self.said_at) < STEPS_AGAIN) {
            return Vec::new();
        }
        self.said_at = now;
        self.waiting
            .iter()
            .map(|(number, step)| Signal::Step { number: *number, step: step.clone() })
            .collect()
    }

    /// Whether they have taken all steps.
    pub(super) fn is_taken(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is opened next is another connection: a new epoch, which only the side that offers begins.
    pub(super) fn next_epoch(&mut self) {
        if self.side == Side::Offers {
            self.epoch = self.epoch.saturating_add(1);
        }
    }

    /// A step came.
    pub(super) fn came(&mut self, now: Timestamp, number: u32, step: Step) -> Came {
        if number <= self.taken {
            return Came::Again;
        }
        if number != self.taken.saturating_add(1) || (!self.open && self.held.len() >= MAX_HELD) {
            return Came::NotYet;
        }
        if self.begins_epoch(&step) {
            if self.open && now.since(self.obeyed_at) < OBEY_PAUSE {
                return Came::NotYet;
            }
            self.obeyed_at = now;
        }
        self.taken = number;
        Came::Now(step)
    }

    /// Whether a step begins an epoch on the side that answers.
    fn begins_epoch(&self, step: &Step) -> bool {
        let begins = match step {
            Step::Description { epoch, .. } => *epoch > self.epoch,
            Step::Restart { epoch, anew } => *anew && *epoch > self.epoch,
            Step::Candidates { .. } | Step::Media(_) | Step::Key { .. } | Step::Mute => false,
        };
        begins && self.side == Side::Answers
    }

    /// How far their steps were taken here.
    pub(super) fn alive(&self) -> Signal {
        Signal::Alive { taken: self.taken }
    }

    /// Opens the leg for media.
    pub(super) fn open(
        &mut self,
        setup: &Setup,
        ways: Ways,
        media: Media,
        theirs: Capabilities,
    ) -> Vec<MediaCommand> {
        self.epoch = self.epoch.max(1);
        (self.open, self.opened) = (true, self.epoch);
        self.relay_only = ways == Ways::RelayOnly;
        (self.path, self.silent) = (None, false);
        let opening = Opening {
            leg: self.id,
            epoch: self.epoch,
            side: self.side,
            polite: setup.device > self.id.device,
            ways,
            media,
            theirs,
            servers: setup.servers.clone(),
            sealed: setup.sealed,
        };
        let mut commands = vec![MediaCommand::Open(Box::new(opening))];
        let held = std::mem::take(&mut self.held);
        commands.extend(held.into_iter().filter_map(|step| self.order(step)));
        commands
    }

    /// The person agreed: their address may be told.
    pub(super) fn allow_direct(&mut self) -> Option<MediaCommand> {
        let was = std::mem::replace(&mut self.relay_only, false);
        (was && self.open).then_some(MediaCommand::AllowDirect { leg: self.id })
    }

    /// Closes the leg for media.
    pub(super) fn close(&mut self) -> Option<MediaCommand> {
        self.path = None;
        std::mem::replace(&mut self.open, false).then_some(MediaCommand::Close { leg: self.id })
    }

    /// Closes the leg for media until it is wanted again: no way is looked for meanwhile.
    pub(super) fn rest(&mut self) -> Option<MediaCommand> {
        (self.try_at, self.tries, self.anew) = (None, 0, false);
        self.silent = false;
        self.close()
    }

    /// The call is over: nothing more is said.
    pub(super) fn finish(&mut self) -> Option<MediaCommand> {
        (self.waiting, self.held) = (VecDeque::new(), Vec::new());
        self.close()
    }

    /// A description or candidates of the other side: an order for media, now or once the leg is open.
    pub(super) fn take(&mut self, step: Step) -> Option<MediaCommand> {
        match &step {
            Step::Description { epoch, .. } if *epoch > self.epoch && self.side == Side::Answers => {
                // Another way is looked for; what was kept of the former try is of no use.
                self.epoch = *epoch;
                self.held.clear();
            }
            Step::Description { epoch, .. } | Step::Candidates { epoch, .. } if *epoch == self.epoch => {}
            _ => return None,
        }
        if self.open {
            return self.order(step);
        }
        self.held.push(step);
        None
    }

    fn order(&self, step: Step) -> Option<MediaCommand> {
        let leg = self.id;
        match step {
            Step::Description { epoch, offer, sdp } => {
                Some(MediaCommand::Describe { leg, epoch, offer, sdp })
            }
            Step::Candidates { epoch, list, done } => {
                Some(MediaCommand::Candidates { leg, epoch, list, done })
            }
            Step::Restart { .. } | Step::Media(_) | Step::Key { .. } | Step::Mute => None,
        }
    }

    /// The side that offers begins anew. Returns whether that is news.
    pub(super) fn begins_anew(&mut self, epoch: u32) -> bool {
        let news = self.side == Side::Answers && epoch > self.epoch;
        if news {
            self.epoch = epoch;
            self.held.clear();
        }
        news
    }

    /// Media report how the way is.
    pub(super) fn set_path(&mut self, now: Timestamp, state: PathState, relayed: bool) {
        self.path = Some(state);
        self.relayed = relayed;
        match state {
            PathState::Connected => {
                self.silent = false;
                (self.try_at, self.tries, self.anew) = (None, 0, false);
            }
            // It often comes back by itself.
            PathState::Interrupted => self.want_way(now, self.patience(now), false),
            PathState::Failed => self.want_way(now, now, true),
        }
    }

    /// Media report whether anything comes.
    pub(super) fn set_silent(&mut self, now: Timestamp, silent: bool) {
        self.silent = silent;
        match silent {
            true => self.want_way(now, self.patience(now), false),
            false if self.flows() => self.try_at = None,
            false => {}
        }
    }

    /// Another way is to be looked for at a time, or somewhat later if that was done just before.
    pub(super) fn want_way(&mut self, now: Timestamp, at: Timestamp, anew: bool) {
        let at = at.max(now + AT_ONCE).max(self.tried_at + TRY_PAUSE);
        self.anew |= anew;
        self.try_at = Some(self.try_at.map_or(at, |before| before.min(at)));
    }

    /// The own network changed; it is taken as settled then, as changes come in swarms. What passes is left alone, because most changes are about
    /// addresses that this connection does not use; where nothing passes another way is looked for.
    pub(super) fn network_changed(&mut self, settled: Timestamp) {
        self.settled = settled;
        if !self.flows() {
            self.try_at = Some(settled.max(self.tried_at + TRY_PAUSE));
        }
    }

    /// Until when a way that was lost may come back by itself. After a change of the own network it does not.
    fn patience(&self, now: Timestamp) -> Timestamp {
        if now.since(self.settled) < TRY_AGAIN { now.max(self.settled) } else { now + TRY_PAUSE }
    }

    /// They ask for another way.
    pub(super) fn asked_for_way(&mut self, now: Timestamp, epoch: u32, anew: bool) {
        if self.side == Side::Offers && epoch == self.epoch && self.open {
            self.want_way(now, now, anew);
        }
    }

    /// When another way is to be looked for.
    pub(super) fn try_at(&self) -> Option<Timestamp> {
        self.try_at
    }

    /// Looks for another way if it is time: what to say, and what media are to do. A new connection is opened by the caller.
    pub(super) fn look_for_way(&mut self, now: Timestamp) -> Option<Try> {
        self.try_at.filter(|at| *at <= now)?;
        let anew = self.anew || self.tries >= TRIES_BEFORE_ANEW;
        (self.tried_at, self.tries, self.anew) = (now, self.tries.saturating_add(1), false);
        self.try_at = (!self.flows()).then_some(now + TRY_AGAIN);
        if self.side == Side::Answers {
            return Some(Try::Ask(Step::Restart { epoch: self.epoch, anew }));
        }
        self.epoch = self.epoch.saturating_add(1);
        Some(match anew {
            true => Try::Anew(Step::Restart { epoch: self.epoch, anew }),
            false => Try::Restart(MediaCommand::Restart { leg: self.id, epoch: self.epoch }),
        })
    }
}

/// How another way is looked for.
#[derive(Debug)]
pub(super) enum Try {
    /// The other side is asked to begin.
    Ask(Step),
    /// Media look again.
    Restart(MediaCommand),
    /// Both make a new connection.
    Anew(Step),
}
