//! What the engine's words mean for one connection. A machine without I/O: words and what happens go in, what is to be done comes out.
//!
//! ```text
//!  Offers:   Open ─▶ offer ─▶ (answer) ─▶ AllowDirect, Restart: offer again, older answers do not count
//!  Answers:  Open ─▶ wait ─▶ (offer) ─▶ answer ─▶ an offer of a later epoch: answer again
//! ```
//!
//! Candidates wait for the description that they belong to. Those of this side are told some at a time. Not here: ICE, media, and
//! whether the call goes on.

use std::time::Duration;
use std::time::Instant;

use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Candidate;
use kith_proto::call::Candidates;
use kith_proto::call::MAX_CANDIDATES;
use kith_proto::call::Sdp;
use kith_proto::call::media::IceServer;
use kith_proto::call::media::IceServers;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;
use kith_proto::call::media::Opening;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;

use crate::transport::Refused;
use crate::transport::State;

/// One connection, as the engine knows it.
#[derive(Debug)]
pub(crate) struct Leg {
    id: LegId,
    /// The epoch that it was opened with.
    opened: u32,
    epoch: u32,
    side: Side,
    polite: bool,
    ways: Ways,
    has_relay: bool,
    /// Whether the connection still searches as it did before.
    unallowed: bool,
    /// Own offers that have no answer.
    unanswered: u32,
    /// Offers of the other side in this epoch.
    offers: u32,
    /// Whether the other side's description of this epoch is known.
    described: bool,
    held: Vec<Candidate>,
    taken: usize,
    gathered: Vec<Candidate>,
    all_gathered: bool,
    tell_at: Option<Instant>,
    pub(crate) path: Option<PathState>,
    pub(crate) relayed: bool,
    silent: bool,
    failed: bool,
}

/// Something to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Act {
    /// Describe this side; with a new search for a way or not.
    Offer { restart: bool },
    /// Take an offer and answer it.
    Answer(String),
    /// Take an answer.
    Answered(String),
    /// The other side may be reached here.
    Candidate(String),
    /// From the next search, these ways may be used, with the servers that there are now.
    Allow,
    /// Tell the engine.
    Tell(MediaEvent),
}

impl Act {
    /// What the engine is told, if it is that.
    pub(crate) fn told(self) -> Option<MediaEvent> {
        match self {
            Self::Tell(event) => Some(event),
            _ => None,
        }
    }
}

impl Leg {
    /// A leg that the engine opens.
    pub(crate) fn new(opening: &Opening) -> Self {
        Self {
            id: opening.leg,
            opened: opening.epoch,
            epoch: opening.epoch,
            side: opening.side,
            polite: opening.polite,
            ways: opening.ways,
            has_relay: has_relay(&opening.servers),
            unallowed: false,
            unanswered: 0,
            offers: 0,
            described: false,
            held: Vec::new(),
            taken: 0,
            gathered: Vec::new(),
            all_gathered: false,
            tell_at: None,
            path: None,
            relayed: false,
            silent: false,
            failed: false,
        }
    }

    /// What it begins with.
    pub(crate) fn begin(&mut self) -> Vec<Act> {
        match self.side {
            Side::Offers => self.offer(false),
            // Who answers may use what it may from the start: more will not be allowed later.
            Side::Answers if self.lacks_relay() => self.fail(MediaFailure::NoRelay),
            Side::Answers => Vec::new(),
        }
    }

    /// The other side described itself.
    pub(crate) fn describe(&mut self, epoch: u32, offer: bool, sdp: &str) -> Vec<Act> {
        if epoch < self.epoch || (epoch > self.epoch && (self.side == Side::Offers || !offer)) {
            return Vec::new();
        }
        if epoch > self.epoch {
            self.enter(epoch);
        }
        if offer {
            // Each is a search of its own, with all that was gathered.
            if self.offers >= MOST_OFFERS {
                return Vec::new();
            }
            self.offers += 1;
            // Both offered: who is not polite keeps to its own (RFC 9429, perfect negotiation).
            if self.unanswered > 0 && !self.polite {
                return Vec::new();
            }
            self.unanswered = 0;
        } else {
            // Each offer is answered once and in order; the answer to the last one counts.
            match self.unanswered {
                0 => return Vec::new(),
                1 => self.unanswered = 0,
                _ => {
                    self.unanswered -= 1;
                    return Vec::new();
                }
            }
        }
        if self.lacks_relay() {
            return self.fail(MediaFailure::NoRelay);
        }
        self.described = true;
        let mut acts = if offer { self.allow() } else { Vec::new() };
        acts.push(if offer { Act::Answer(sdp.to_owned()) } else { Act::Answered(sdp.to_owned()) });
        acts.extend(self.held.drain(..).map(|candidate| Act::Candidate(candidate.to_string())));
        acts
    }

    /// The other side may be reached there. `allowed`: whether a candidate may be tried at all.
    pub(crate) fn candidates(
        &mut self,
        epoch: u32,
        list: &Candidates,
        allowed: impl Fn(&str) -> bool,
    ) -> Vec<Act> {
        if epoch != self.epoch {
            return Vec::new();
        }
        let room = MOST_TAKEN.saturating_sub(self.taken);
        let good: Vec<Candidate> = list.iter().filter(|line| allowed(line)).take(room).cloned().collect();
        self.taken += good.len();
        if self.described {
            return good.into_iter().map(|candidate| Act::Candidate(candidate.to_string())).collect();
        }
        self.held.extend(good);
        Vec::new()
    }

    /// All ways may be tried.
    pub(crate) fn allow_direct(&mut self) -> Vec<Act> {
        if self.ways == Ways::Any {
            return Vec::new();
        }
        self.ways = Ways::Any;
        self.unallowed = true;
        if self.side == Side::Offers { self.offer(true) } else { Vec::new() }
    }

    /// Other servers may be used from the next search for a way on. The way that is there stays.
    pub(crate) fn set_servers(&mut self, servers: &IceServers) {
        self.has_relay = has_relay(servers);
        self.unallowed = true;
    }

    /// Which ways may be tried.
    pub(crate) fn ways(&self) -> Ways {
        self.ways
    }

    /// Another way is looked for.
    pub(crate) fn restart(&mut self, epoch: u32) -> Vec<Act> {
        if epoch <= self.epoch || self.side == Side::Answers {
            return Vec::new();
        }
        self.enter(epoch);
        self.offer(true)
    }

    /// This side has described itself.
    pub(crate) fn described(&self, offer: bool, sdp: &str) -> Act {
        match Sdp::new(sdp.to_owned()) {
            Some(sdp) => Act::Tell(MediaEvent::Described { leg: self.id, epoch: self.epoch, offer, sdp }),
            None => Act::Tell(self.failed_for(MediaFailure::Broken)),
        }
    }

    /// This side may be reached here.
    pub(crate) fn gathered(&mut self, now: Instant, line: &str) {
        if let Some(candidate) =
            BoundedStr::new(line.to_owned()).filter(|_| self.gathered.len() < MOST_GATHERED)
        {
            self.gathered.push(candidate);
            self.tell_at.get_or_insert(now + TOGETHER);
        }
    }

    /// There are no more candidates of this side.
    pub(crate) fn all_gathered(&mut self, now: Instant) {
        self.all_gathered = true;
        self.tell_at.get_or_insert(now + TOGETHER);
    }

    /// Tells what has come together.
    pub(crate) fn wake(&mut self, now: Instant) -> Vec<Act> {
        if self.tell_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.tell_at = None;
        let all: Vec<Candidate> = self.gathered.drain(..).collect();
        let done = std::mem::take(&mut self.all_gathered);
        let mut parts: Vec<Vec<Candidate>> = all.chunks(MAX_CANDIDATES).map(<[_]>::to_vec).collect();
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        let last = parts.len() - 1;
        let tell = |(index, part): (usize, Vec<Candidate>)| {
            let list = BoundedVec::truncated(part);
            let done = done && index == last;
            Act::Tell(MediaEvent::Gathered { leg: self.id, epoch: self.epoch, list, done })
        };
        parts.into_iter().enumerate().map(tell).collect()
    }

    /// The way changed.
    pub(crate) fn state(&mut self, state: State, relayed: bool) -> Vec<Act> {
        let state = match state {
            State::Connected => PathState::Connected,
            State::Interrupted => PathState::Interrupted,
            State::Failed => PathState::Failed,
        };
        if self.path == Some(state) && self.relayed == relayed {
            return Vec::new();
        }
        // Before the first way there is none to be interrupted.
        if self.path.is_none() && state == PathState::Interrupted {
            return Vec::new();
        }
        (self.path, self.relayed, self.silent) = (Some(state), relayed, false);
        vec![Act::Tell(MediaEvent::Path { leg: self.id, opened: self.opened, state, relayed })]
    }

    /// For how long nothing came.
    pub(crate) fn silent_for(&mut self, silence: Duration) -> Vec<Act> {
        let silent = silence >= SILENT;
        if self.path != Some(PathState::Connected) || silent == self.silent {
            return Vec::new();
        }
        self.silent = silent;
        vec![Act::Tell(MediaEvent::Silence { leg: self.id, opened: self.opened, silent })]
    }

    /// Something was not done.
    pub(crate) fn refused(&mut self, refused: Refused) -> Vec<Act> {
        self.fail(match refused {
            Refused::Theirs => MediaFailure::NoAgreement,
            Refused::Ours => MediaFailure::Broken,
        })
    }

    /// Fails for good; said once.
    pub(crate) fn fail(&mut self, reason: MediaFailure) -> Vec<Act> {
        if std::mem::replace(&mut self.failed, true) {
            return Vec::new();
        }
        vec![Act::Tell(self.failed_for(reason))]
    }

    fn failed_for(&self, reason: MediaFailure) -> MediaEvent {
        MediaEvent::Failed { leg: self.id, opened: self.opened, reason }
    }

    /// Whether it failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    fn offer(&mut self, restart: bool) -> Vec<Act> {
        self.unanswered += 1;
        let mut acts = self.allow();
        acts.push(Act::Offer { restart });
        acts
    }

    /// What a search for a way begins with.
    fn allow(&mut self) -> Vec<Act> {
        if std::mem::take(&mut self.unallowed) { vec![Act::Allow] } else { Vec::new() }
    }

    fn enter(&mut self, epoch: u32) {
        self.epoch = epoch;
        (self.unanswered, self.offers, self.described, self.taken) = (0, 0, false, 0);
        self.held.clear();
        self.gathered.clear();
        (self.all_gathered, self.tell_at) = (false, None);
    }

    fn lacks_relay(&self) -> bool {
        self.ways == Ways::RelayOnly && !self.has_relay
    }
}

fn has_relay(servers: &IceServers) -> bool {
    servers.iter().any(IceServer::relays)
}

/// Candidates of interfaces come within milliseconds of each other, and each word about them costs a message.
const TOGETHER: Duration = Duration::from_millis(50);

/// Reports of what came are sent every second by both sides, whatever else is sent.
const SILENT: Duration = Duration::from_secs(4);

/// In an epoch: one, and another when all ways are allowed.
const MOST_OFFERS: u32 = 2;

/// In an epoch: a device with a dozen addresses and three relays has some forty.
const MOST_TAKEN: usize = 64;
const MOST_GATHERED: usize = 64;

#[cfg(test)]
mod tests;
