//! Our streams to mailboxes: which are open, what was asked on them, and when to try again.
//!
//! ```text
//!  (nothing) ──open──▶ Opening ──MailboxOpened──▶ Greeting ──Hello──▶ Ready ──▶ asked and answered
//!      ▲                  │                          │                 │
//!      └── pause, doubled ┴──────────MailboxClosed───┴─────────────────┘
//! ```
//!
//! Not here: what is asked (`mail`), which mailboxes are ours (`mailboxes`) or a contact's (`deposits`).

use std::collections::BTreeMap;

use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use kith_proto::id::EnvelopeId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::MAILBOX_VERSION;
use kith_proto::mailbox::Nonce;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::payload::Position;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::core::Core;
use crate::effect::Effect;
use crate::output::Output;

/// The first pause after a stream could not be opened; it doubles.
const PAUSE_MIN: Span = Span::from_secs(1);

/// The longest pause: a mailbox that was away for days is used again within this.
const PAUSE_MAX: Span = Span::from_minutes(10);

/// What a stream is for. A mailbox reads one inbox on one stream, so reading and leaving are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// The own inbox of a period.
    Read {
        /// At which mailbox.
        mailbox: DeviceId,
        /// Of which period.
        period: u32,
    },
    /// Envelopes for contacts.
    Leave {
        /// At which mailbox.
        mailbox: DeviceId,
    },
}

impl Use {
    pub(crate) fn mailbox(self) -> DeviceId {
        match self {
            Self::Read { mailbox, .. } | Self::Leave { mailbox } => mailbox,
        }
    }
}

/// What was asked, to know what an answer is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    /// The first word.
    Hello,
    /// An inbox and queues of a period.
    Register {
        /// Which period.
        period: u32,
    },
    /// To be told what is there.
    Subscribe,
    /// Envelopes; so many answers are still to come.
    Get(usize),
    /// To forget envelopes.
    Delete,
    /// To keep an envelope.
    Deposit {
        /// For whose device.
        device: DeviceId,
        /// Where it waits in the outbox; `None` for a receipt.
        position: Option<Position>,
        /// In which queue.
        queue: QueueId,
        /// Which.
        envelope: EnvelopeId,
        /// How far the receipt goes.
        told: Position,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening,
    Greeting,
    Ready(Nonce),
}

struct Stream {
    used_for: Use,
    state: State,
    next_number: u32,
    asked: BTreeMap<u32, Asked>,
}

#[derive(Clone, Copy, Default)]
struct Pause {
    failures: u32,
    until: Timestamp,
    /// Since when nothing was heard of this mailbox; zero when it answers.
    down_since: Timestamp,
}

/// All streams to mailboxes.
#[derive(Default)]
pub(crate) struct Askers {
    streams: BTreeMap<u64, Stream>,
    by_use: BTreeMap<Use, u64>,
    pauses: BTreeMap<DeviceId, Pause>,
    next: u64,
}

impl Askers {
    /// Opens a stream unless there is one or the pause is not over. Returns when to try again, if later.
    pub(crate) fn open(
        &mut self,
        core: &Core,
        out: &mut Output,
        used_for: Use,
        addresses: Vec<Multiaddress>,
    ) -> Option<Timestamp> {
        if self.by_use.contains_key(&used_for) {
            return None;
        }
        let until = self.pauses.get(&used_for.mailbox()).map_or(Timestamp(0), |pause| pause.until);
        if until > core.now {
            return Some(until);
        }
        self.next += 1;
        let stream = self.next;
        let new = Stream { used_for, state: State::Opening, next_number: 1, asked: BTreeMap::new() };
        self.streams.insert(stream, new);
        self.by_use.insert(used_for, stream);
        out.effect(Effect::OpenMailbox { stream, device: used_for.mailbox(), addresses });
        None
    }

    /// A stream is open: says hello.
    pub(crate) fn opened(&mut self, out: &mut Output, stream: u64) {
        let Some(known) = self.streams.get_mut(&stream) else {
            return out.effect(Effect::CloseMailbox { stream });
        };
        known.state = State::Greeting;
        let used_for = known.used_for;
        self.ask(out, used_for, Request::Hello { version: MAILBOX_VERSION }, Asked::Hello);
    }

    /// The mailbox said hello.
    pub(crate) fn greeted(&mut self, used_for: Use, nonce: Nonce) {
        self.pauses.remove(&used_for.mailbox());
        if let Some(stream) = self.by_use.get(&used_for).and_then(|stream| self.streams.get_mut(stream)) {
            stream.state = State::Ready(nonce);
        }
    }

    /// The nonce to sign with, once requests may be made.
    pub(crate) fn nonce(&self, used_for: Use) -> Option<Nonce> {
        match self.streams.get(self.by_use.get(&used_for)?)?.state {
            State::Ready(nonce) => Some(nonce),
            _ => None,
        }
    }

    /// Asks something on an open stream.
    pub(crate) fn ask(&mut self, out: &mut Output, used_for: Use, word: Request, asked: Asked) {
        let Some(name) = self.by_use.get(&used_for) else { return };
        let Some(stream) = self.streams.get_mut(name) else { return };
        let number = stream.next_number;
        stream.next_number = number.wrapping_add(1).max(1);
        stream.asked.insert(number, asked);
        out.effect(Effect::AskMailbox { stream: *name, request: Numbered { number, word } });
    }

    /// What an answer is about. Single answers settle their request.
    pub(crate) fn answered(&mut self, stream: u64, number: u32) -> Option<(Use, Asked)> {
        let known = self.streams.get_mut(&stream)?;
        let asked = known.asked.get_mut(&number)?;
        let about = asked.clone();
        let settled = match asked {
            Asked::Subscribe => false,
            Asked::Get(left) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
            _ => true,
        };
        if settled {
            known.asked.remove(&number);
        }
        Some((known.used_for, about))
    }

    /// Envelopes that were asked for on a stream and have not come.
    pub(crate) fn fetching(&self, used_for: Use) -> usize {
        let stream = self.by_use.get(&used_for).and_then(|stream| self.streams.get(stream));
        stream.map_or(0, |stream| {
            stream.asked.values().map(|asked| if let Asked::Get(left) = asked { *left } else { 0 }).sum()
        })
    }

    /// A stream is gone. Returns what it was for.
    pub(crate) fn closed(&mut self, core: &mut Core, stream: u64) -> Option<Use> {
        let known = self.streams.remove(&stream)?;
        self.by_use.remove(&known.used_for);
        let [roll] = core.random::<1>();
        let pause = self.pauses.entry(known.used_for.mailbox()).or_default();
        if pause.failures == 0 {
            pause.down_since = core.now;
        }
        let doubled = PAUSE_MIN.0.saturating_mul(1 << pause.failures.min(20)).min(PAUSE_MAX.0);
        pause.failures = pause.failures.saturating_add(1);
        pause.until = core.now + Span(doubled - doubled / 10 + doubled / 5 * u64::from(roll) / 255);
        Some(known.used_for)
    }

    /// Closes a stream that is not needed any more.
    pub(crate) fn close(&mut self, out: &mut Output, used_for: Use) {
        if let Some(stream) = self.by_use.remove(&used_for) {
            self.streams.remove(&stream);
            out.effect(Effect::CloseMailbox { stream });
        }
    }

    /// The network may be another: pauses are over.
    pub(crate) fn try_again(&mut self) {
        for pause in self.pauses.values_mut() {
            pause.until = Timestamp(0);
        }
    }

    /// Whether a mailbox answers on any stream.
    pub(crate) fn is_ready(&self, mailbox: &DeviceId) -> bool {
        self.streams
            .values()
            .any(|stream| stream.used_for.mailbox() == *mailbox && matches!(stream.state, State::Ready(_)))
    }

    /// Since when a mailbox has not answered.
    pub(crate) fn down_since(&self, mailbox: &DeviceId) -> Option<Timestamp> {
        self.pauses.get(mailbox).map(|pause| pause.down_since)
    }
}
