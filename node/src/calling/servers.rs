//! Which servers calls may use, and when community nodes are asked for some.
//!
//! ```text
//!  a call begins, loses its way, or what was lent is over soon ──▶ Ask ──▶ told, told … all of them ──▶ Use
//!  orders that need servers (Open, Restart)  ── wait meanwhile, for so long as a person does not notice ──▶ Order
//! ```
//!
//! A machine: times and words come in, acts come out. Not here: who is asked and how (`kith-net`), what servers are used for
//! (`kith-calls`), and what happens without any (`kith-engine`).

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use kith_engine::view::CallState;
use kith_net::TurnOffer;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::media::IceServer;
use kith_proto::call::media::IceServers;
use kith_proto::call::media::MediaCommand;
use kith_proto::id::DeviceId;

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    /// Ask community nodes.
    Ask,
    /// Tell the engine and the media which servers may be used from now on.
    Use(IceServers),
    /// Give the media an order.
    Order(MediaCommand),
}

/// What nodes lend, and what waits for it.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    lent: BTreeMap<DeviceId, Lent>,
    asking: Option<Asking>,
    asked_at: Option<Instant>,
    call: Option<Need>,
    held: VecDeque<MediaCommand>,
}

/// What a node lends.
#[derive(Debug)]
struct Lent {
    servers: Vec<IceServer>,
    since: Instant,
    renew_at: Instant,
    until: Instant,
}

/// Nodes are being asked.
#[derive(Debug)]
struct Asking {
    since: Instant,
    /// When what is there is enough, once somebody lent something.
    enough_at: Option<Instant>,
    /// When they are asked once more, if nobody lent anything.
    again_at: Option<Instant>,
}

/// What a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// A way is being looked for, or will be at once.
    Way,
    /// The one that was there is lost: who lent what it needed may be gone, and the own network another.
    AnotherWay,
    /// A way is there; another may be needed.
    Spare,
}

impl Servers {
    /// How the call of this device is; `None`: there is none.
    pub(crate) fn call(&mut self, now: Instant, state: Option<CallState>) -> Vec<Act> {
        self.call = match state {
            None | Some(CallState::Ended(_)) => None,
            Some(CallState::Live) => Some(Need::Spare),
            Some(CallState::Reconnecting) => Some(Need::AnotherWay),
            Some(_) => Some(Need::Way),
        };
        self.ask_if_due(now)
    }

    /// An order of the engine for the media.
    pub(crate) fn order(&mut self, now: Instant, command: MediaCommand) -> Vec<Act> {
        if self.overtakes(&command) {
            return vec![Act::Order(command)];
        }
        let needs = matches!(command, MediaCommand::Open(_) | MediaCommand::Restart { .. });
        let mut acts = Vec::new();
        if needs && self.asking.is_none() && !self.lent.values().any(|lent| lent.until > now) {
            // It may be the first that is heard of the call; and what was asked in vain a moment ago may be answered now.
            self.call.get_or_insert(Need::Way);
            acts.extend(self.ask(now));
        }
        // What is said later must not be done before.
        if (needs && self.asking.is_some() || !self.held.is_empty()) && self.held.len() < HELD {
            self.held.push_back(command);
            return acts;
        }
        acts.extend(self.release(now));
        acts.push(self.order_now(now, command));
        acts
    }

    /// Whether an order is done before those that wait: whoever mutes themselves or hangs up does not wait for nodes.
    fn overtakes(&mut self, command: &MediaCommand) -> bool {
        match command {
            MediaCommand::Close { leg } => self.held.retain(|held| held.leg() != Some(*leg)),
            MediaCommand::SetMedia { call, media } => {
                for held in &mut self.held {
                    if let MediaCommand::Open(opening) = held
                        && opening.leg.call == *call
                    {
                        opening.media = *media;
                    }
                }
            }
            _ => return false,
        }
        true
    }

    /// A node lends something, or has nothing now.
    pub(crate) fn told(&mut self, now: Instant, node: DeviceId, offer: Option<&TurnOffer>) -> Vec<Act> {
        let Some(lent) = offer.and_then(|offer| Lent::new(now, offer)) else { return Vec::new() };
        self.lent.insert(node, lent);
        while self.lent.len() > NODES {
            let oldest = self.lent.iter().min_by_key(|(_, lent)| lent.since).map(|(node, _)| *node);
            self.lent.retain(|node, _| Some(*node) != oldest);
        }
        match &mut self.asking {
            Some(asking) => {
                asking.enough_at.get_or_insert(now + TOGETHER);
                Vec::new()
            }
            // Late, but of use for the next try.
            None => vec![Act::Use(self.usable(now))],
        }
    }

    /// All who were asked have answered, or nobody could be asked: just after the start nodes have not said yet what they do.
    pub(crate) fn all_told(&mut self, now: Instant) -> Vec<Act> {
        match &mut self.asking {
            None => Vec::new(),
            Some(asking) if asking.enough_at.is_none() && asking.since + STARTING > now => {
                asking.again_at.get_or_insert(now + TOGETHER);
                Vec::new()
            }
            Some(_) => self.settle(now),
        }
    }

    /// Time has passed.
    pub(crate) fn wake(&mut self, now: Instant) -> Vec<Act> {
        let mut acts = Vec::new();
        if self.asking.as_ref().is_some_and(|asking| asking.ends_at() <= now) {
            acts.extend(self.settle(now));
        }
        if let Some(asking) = self.asking.as_mut()
            && asking.again_at.take_if(|at| *at <= now).is_some()
        {
            acts.push(Act::Ask);
        }
        acts.extend(self.ask_if_due(now));
        acts
    }

    /// When [`wake`](Self::wake) is due.
    pub(crate) fn next_wake(&self, now: Instant) -> Option<Instant> {
        let asking = self.asking.as_ref();
        let (ends, again) = (asking.map(Asking::ends_at), asking.and_then(|asking| asking.again_at));
        ends.into_iter().chain(again).chain(self.asks_at(now)).min()
    }

    /// When nodes are to be asked; `None` while they are, and without a call.
    fn asks_at(&self, now: Instant) -> Option<Instant> {
        let need = self.call.filter(|_| self.asking.is_none())?;
        let pause = if need == Need::Spare { SELDOM } else { AGAIN };
        let earliest = self.asked_at.map_or(now, |at| at + pause);
        let lent = self.lent.values().filter(|lent| lent.until > now && need != Need::AnotherWay);
        let renew = lent.map(|lent| lent.renew_at).min();
        Some(renew.map_or(earliest, |at| at.max(earliest)))
    }

    fn ask_if_due(&mut self, now: Instant) -> Vec<Act> {
        if self.asks_at(now).is_some_and(|at| at <= now) { self.ask(now) } else { Vec::new() }
    }

    fn ask(&mut self, now: Instant) -> Vec<Act> {
        self.asked_at = Some(now);
        self.asking = Some(Asking { since: now, enough_at: None, again_at: None });
        vec![Act::Ask]
    }

    /// What is there is used, and what waited for it goes on.
    fn settle(&mut self, now: Instant) -> Vec<Act> {
        let Some(Asking { since, .. }) = self.asking.take() else { return Vec::new() };
        // Who did not answer although others did is gone, or does not lend any more.
        if self.lent.values().any(|lent| lent.since >= since) {
            self.lent.retain(|_, lent| lent.since >= since);
        }
        // While a call goes on, what it opened can be kept with what is over, and nobody gave anything newer.
        let goes_on = self.call.is_some();
        self.lent.retain(|_, lent| lent.until > now || goes_on);
        let mut acts = vec![Act::Use(self.usable(now))];
        acts.extend(self.release(now));
        acts
    }

    fn release(&mut self, now: Instant) -> Vec<Act> {
        let held = std::mem::take(&mut self.held);
        held.into_iter().map(|command| self.order_now(now, command)).collect()
    }

    /// An order as it is given: the engine may not have known yet what was lent.
    fn order_now(&self, now: Instant, command: MediaCommand) -> Act {
        Act::Order(match command {
            MediaCommand::Open(mut opening) => {
                opening.servers = self.usable(now);
                MediaCommand::Open(opening)
            }
            other => other,
        })
    }

    /// What is good now; if that is nothing, what was, as far as it was not dropped.
    fn usable(&self, now: Instant) -> IceServers {
        let good = self.lent.values().any(|lent| lent.until > now);
        let lent = self.lent.values().filter(|lent| lent.until > now || !good);
        BoundedVec::truncated(lent.flat_map(|lent| lent.servers.iter().cloned()).collect())
    }
}

impl Asking {
    fn ends_at(&self) -> Instant {
        let last = self.since + PATIENCE;
        self.enough_at.map_or(last, |enough| enough.min(last))
    }
}

impl Lent {
    /// What a node lends: for IPv4 and for IPv6 its first relay and the first server that tells an address; `None` if there is no relay.
    fn new(now: Instant, offer: &TurnOffer) -> Option<Self> {
        let lasts = Duration::from_secs(u64::from(offer.valid_secs)).min(LONGEST);
        let first = |scheme: &str, six: bool| {
            let of_kind = |url: &&BoundedStr<256>| {
                url.strip_prefix(scheme).is_some_and(|rest| rest.starts_with('[') == six)
            };
            offer.urls.iter().find(of_kind).cloned()
        };
        let relay = |url| IceServer { url, user: offer.user.clone(), password: offer.password.clone() };
        let none = BoundedStr::<256>::default;
        let tells = |url| IceServer { url, user: none(), password: none() };
        let kinds = [false, true];
        let relays: Vec<IceServer> =
            kinds.into_iter().filter_map(|six| first("turn:", six).map(relay)).collect();
        if relays.is_empty() {
            return None;
        }
        let telling = kinds.into_iter().filter_map(|six| first("stun:", six).map(tells));
        Some(Self {
            servers: relays.into_iter().chain(telling).collect(),
            since: now,
            renew_at: now + lasts / 10 * 9,
            until: now + lasts,
        })
    }
}

/// How long a call waits for nodes: one that is dead must not be noticed, and one at the other end of the world answers.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// How long a second node is waited for once one has lent something: it makes a call outlive the first.
const TOGETHER: Duration = Duration::from_millis(200);

/// For so long is asked again when nobody lends anything: nodes say what they do within a round trip or two.
const STARTING: Duration = Duration::from_millis(600);

/// Between two questions while a way is looked for: the engine tries every ten seconds, and the network may have just changed.
const AGAIN: Duration = Duration::from_secs(3);

/// Between two questions while all is well and nobody lends anything, or nobody renews it.
const SELDOM: Duration = Duration::from_secs(60);

/// Nothing is believed to last longer: the secret behind it may be another after a restart of the node.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Nodes whose servers are used: each adds a second to a search that fails, and one of them is alive.
const NODES: usize = 3;

/// Orders that wait: a call has a few legs, each with a description and a few lists of candidates.
const HELD: usize = 64;

#[cfg(test)]
mod tests;
