//! Our streams to mailboxes: which are open, what was asked on them, and when to try again.
//!
//! ```text
//!  (nothing) ──open──▶ Opening ──MailboxOpened──▶ Greeting ──Hello──▶ Ready ──▶ asked and answered
//!      ▲                  │                          │                 │
//!      │                  └──────────────────────────┴──── mute ───────┤  closed by us
//!      └── pause, doubled ────────────────────────────MailboxClosed───┘
//! ```
//!
//! A mailbox may be broken or hostile. What waits for its answers is bounded by a window, so is the time it has; and only
//! work that it did makes the pause short again, not a greeting.
//! Not here: what is asked (`mail`, `reading`, `leaving`), which mailboxes are ours (`mailboxes`) or a contact's
//! (`deposits`), and how good they were (`standing`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use kith_proto::id::EnvelopeId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::MAILBOX_VERSION;
use kith_proto::mailbox::Nonce;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::Sequence;
use kith_proto::payload::Position;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::core::Core;
use crate::effect::Effect;
use crate::output::Output;
use crate::registering::Registration;
use crate::timer::TimerKey;

/// The first pause after a stream ended; it doubles.
const PAUSE_MIN: Span = Span::from_secs(1);

/// The longest pause: a mailbox that was away for days is used again within this.
const PAUSE_MAX: Span = Span::from_minutes(10);

/// The longest pause after a stream on which work was done: a mailbox that works and breaks is better than none.
const WORKING_PAUSE_MAX: Span = Span::from_secs(30);

/// A stream that did work and lasted so long ends the doubling. Shorter ones cost less than one a second either way.
const LASTING: Span = Span::from_minutes(1);

/// A mailbox that failed is taken as down for so long: one that is wanted is tried again within it.
const DOWN_FOR: Span = Span::from_minutes(15);

/// Mailboxes whose pauses are known; beyond it those whose pause is over begin anew.
const MAX_PAUSES: usize = 4_096;

/// The first sign of life of a mailbox ends its pause, but not more often than this.
const HINT_PAUSE: Span = Span::from_minutes(1);

/// Requests under way on one stream. Enough for 2,500 deposits a second at a round trip of 100 ms, and far below what
/// a mailbox or the queue in `kith-net` takes at once.
const WINDOW: usize = 256;

/// Something is asked and nothing is answered for so long: the mailbox is mute.
const SILENCE: Span = Span::from_secs(30);

/// One request may be waited for so long while others are answered: a window of the largest envelopes on a slow line.
const PATIENCE: Span = Span::from_minutes(5);

/// Nothing was asked on a stream for leaving for so long: it is closed, so that a thousand contacts do not keep a
/// thousand streams. A conversation has shorter gaps.
const IDLE: Span = Span::from_minutes(2);

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
    /// Nothing but its word about itself.
    Probe {
        /// Which mailbox.
        mailbox: DeviceId,
    },
}

impl Use {
    pub(crate) fn mailbox(self) -> DeviceId {
        match self {
            Self::Read { mailbox, .. } | Self::Leave { mailbox } | Self::Probe { mailbox } => mailbox,
        }
    }
}

/// What was asked, to know what an answer is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    /// The first word.
    Hello {
        /// When.
        at: Timestamp,
    },
    /// An inbox and queues of a period.
    Register(Registration),
    /// To be told what is there.
    Subscribe,
    /// Envelopes.
    Get,
    /// To forget envelopes.
    Delete,
    /// What it offers.
    Info,
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

/// A request that was sent.
struct Pending {
    asked: Asked,
    /// The envelopes that are still to come, if some were asked for. Each counts once, however often it is said.
    left: BTreeSet<Sequence>,
    /// When, or when it was last answered in part.
    since: Timestamp,
}

struct Stream {
    used_for: Use,
    state: State,
    next_number: u32,
    pending: BTreeMap<u32, Pending>,
    /// What the window has no room for; a few registrations and fetches, because deposits ask for room first.
    waiting: VecDeque<(Request, Asked)>,
    since: Timestamp,
    /// When something was last asked while nothing was, or answered.
    moved: Timestamp,
    /// Whether it did any work.
    worked: bool,
    /// Whether it answered anything after its greeting, if only with a no.
    answered: bool,
}

#[derive(Clone, Copy, Default)]
struct Pause {
    failures: u32,
    failed_at: Timestamp,
    until: Timestamp,
    hinted: Timestamp,
}

/// A stream that is gone.
pub(crate) struct Gone {
    /// What it was for.
    pub(crate) used_for: Use,
    /// Whether it did any work, or said no.
    pub(crate) answered: bool,
    /// Devices whose receipts were on their way, and are lost.
    pub(crate) lost_notes: Vec<DeviceId>,
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
        core: &mut Core,
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
        let new = Stream {
            used_for,
            state: State::Opening,
            next_number: 1,
            pending: BTreeMap::new(),
            waiting: VecDeque::new(),
            since: core.now,
            moved: core.now,
            worked: false,
            answered: false,
        };
        self.streams.insert(stream, new);
        self.by_use.insert(used_for, stream);
        out.effect(Effect::OpenMailbox { stream, device: used_for.mailbox(), addresses });
        None
    }

    /// A stream is open: says hello.
    pub(crate) fn opened(&mut self, core: &mut Core, out: &mut Output, stream: u64) {
        let Some(known) = self.streams.get_mut(&stream) else {
            return out.effect(Effect::CloseMailbox { stream });
        };
        if known.state != State::Opening {
            return;
        }
        known.state = State::Greeting;
        let used_for = known.used_for;
        let asked = Asked::Hello { at: core.now };
        self.ask(core, out, used_for, Request::Hello { version: MAILBOX_VERSION }, asked);
    }

    /// The mailbox said hello.
    pub(crate) fn greeted(&mut self, used_for: Use, nonce: Nonce) {
        if let Some(stream) = self.by_use.get(&used_for).and_then(|stream| self.streams.get_mut(stream)) {
            stream.state = State::Ready(nonce);
        }
    }

    /// A mailbox did on a stream what was asked of it.
    pub(crate) fn worked(&mut self, used_for: Use) {
        if let Some(stream) = self.by_use.get(&used_for).and_then(|stream| self.streams.get_mut(stream)) {
            stream.worked = true;
        }
    }

    /// Until when a mailbox is not tried.
    pub(crate) fn paused_until(&self, mailbox: &DeviceId) -> Timestamp {
        self.pauses.get(mailbox).map_or(Timestamp(0), |pause| pause.until)
    }

    /// The nonce to sign with, once requests may be made.
    pub(crate) fn nonce(&self, used_for: Use) -> Option<Nonce> {
        match self.streams.get(self.by_use.get(&used_for)?)?.state {
            State::Ready(nonce) => Some(nonce),
            _ => None,
        }
    }

    /// Asks something on an open stream, as soon as the window has room.
    pub(crate) fn ask(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        used_for: Use,
        word: Request,
        asked: Asked,
    ) {
        let Some(name) = self.by_use.get(&used_for).copied() else { return };
        let Some(stream) = self.streams.get_mut(&name) else { return };
        stream.waiting.push_back((word, asked));
        stream.flush(core, out, name);
    }

    /// How many more requests fit the window of a stream.
    pub(crate) fn room(&self, used_for: Use) -> usize {
        let stream = self.by_use.get(&used_for).and_then(|stream| self.streams.get(stream));
        stream.map_or(0, |stream| WINDOW.saturating_sub(stream.pending.len() + stream.waiting.len()))
    }

    /// What an answer is about. An answer that is the last of its request makes room for another.
    pub(crate) fn answered(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        stream: u64,
        number: u32,
        word: &Answer,
    ) -> Option<(Use, Asked)> {
        let name = stream;
        let stream = self.streams.get_mut(&name)?;
        let pending = stream.pending.get_mut(&number)?;
        if let (Asked::Get, Answer::Envelope { sequence, .. } | Answer::Gone { sequence }) =
            (&pending.asked, word)
            && !pending.left.remove(sequence)
        {
            // Said before, or never asked for: what is still to come is as much as it was.
            return None;
        }
        let about = pending.asked.clone();
        if pending.since < Timestamp::NEVER {
            pending.since = core.now;
        }
        let settled = match (&pending.asked, word) {
            (Asked::Subscribe, Answer::CaughtUp {}) => {
                // From now on it is the mailbox that speaks when there is something to say.
                pending.since = Timestamp::NEVER;
                stream.pending.retain(|of, pending| *of == number || pending.asked != Asked::Subscribe);
                false
            }
            (Asked::Subscribe, Answer::Index { .. } | Answer::Moved { .. }) => false,
            (Asked::Get, Answer::Envelope { .. } | Answer::Gone { .. }) => pending.left.is_empty(),
            _ => true,
        };
        if settled {
            stream.pending.remove(&number);
        }
        stream.moved = core.now;
        stream.answered |= !matches!(about, Asked::Hello { .. });
        let used_for = stream.used_for;
        stream.flush(core, out, name);
        Some((used_for, about))
    }

    /// Whether a deletion was asked for on a stream and is not answered.
    pub(crate) fn is_deleting(&self, used_for: Use) -> bool {
        let Some(stream) = self.by_use.get(&used_for).and_then(|stream| self.streams.get(stream)) else {
            return false;
        };
        let waiting = stream.waiting.iter().map(|(_, asked)| asked);
        stream
            .pending
            .values()
            .map(|pending| &pending.asked)
            .chain(waiting)
            .any(|asked| *asked == Asked::Delete)
    }

    /// Envelopes that were asked for on a stream and have not come.
    pub(crate) fn fetching(&self, used_for: Use) -> usize {
        let Some(stream) = self.by_use.get(&used_for).and_then(|stream| self.streams.get(stream)) else {
            return 0;
        };
        let waiting = stream.waiting.iter().map(|(request, _)| wanted(request).len());
        stream.pending.values().map(|pending| pending.left.len()).chain(waiting).sum()
    }

    /// A stream is gone. Returns what it was for.
    pub(crate) fn closed(&mut self, core: &mut Core, stream: u64) -> Option<Gone> {
        let known = self.streams.remove(&stream)?;
        self.by_use.remove(&known.used_for);
        if self.pauses.len() > MAX_PAUSES {
            self.pauses.retain(|_, pause| pause.until > core.now);
        }
        let pause = self.pauses.entry(known.used_for.mailbox()).or_default();
        pause.failed_at = core.now;
        if known.worked && core.now.since(known.since) >= LASTING {
            pause.failures = 0;
        }
        let longest = if known.worked { WORKING_PAUSE_MAX } else { PAUSE_MAX };
        let doubled = PAUSE_MIN.0.saturating_mul(1 << pause.failures.min(20)).min(longest.0);
        pause.failures = pause.failures.saturating_add(1);
        pause.until = pause.until.max(core.now + with_jitter(core, Span(doubled)));
        let notes = known.pending.into_values().filter_map(|pending| match pending.asked {
            Asked::Deposit { device, position: None, .. } => Some(device),
            _ => None,
        });
        let answered = known.worked || known.answered;
        Some(Gone { used_for: known.used_for, answered, lost_notes: notes.collect() })
    }

    /// Nothing is asked of a mailbox for a while: it said so.
    pub(crate) fn pause(&mut self, mailbox: &DeviceId, until: Timestamp) {
        let pause = self.pauses.entry(*mailbox).or_default();
        pause.until = pause.until.max(until);
    }

    /// Closes a stream that is not needed any more.
    pub(crate) fn close(&mut self, out: &mut Output, used_for: Use) {
        if let Some(stream) = self.by_use.remove(&used_for) {
            self.streams.remove(&stream);
            out.effect(Effect::CloseMailbox { stream });
        }
    }

    /// The stream that is open for something, or about to be.
    pub(crate) fn stream_for(&self, used_for: Use) -> Option<u64> {
        self.by_use.get(&used_for).copied()
    }

    /// The streams on which nothing is answered, and those on which nothing is left to be said. Sets the deadline for the
    /// others.
    pub(crate) fn overdue(&self, core: &mut Core) -> (Vec<Use>, Vec<Use>) {
        let (mut mute, mut idle) = (Vec::new(), Vec::new());
        for stream in self.streams.values() {
            let (at, is_idle) = stream.deadline();
            if at > core.now {
                if at < Timestamp::NEVER {
                    core.timers.set_earlier(TimerKey::Mute, at);
                }
            } else if is_idle {
                idle.push(stream.used_for);
            } else {
                mute.push(stream.used_for);
            }
        }
        (mute, idle)
    }

    /// The network may be another, or a mailbox is there again: pauses are over, of that one or of all.
    pub(crate) fn try_again(&mut self, now: Timestamp, only: Option<&DeviceId>) {
        for (_, pause) in
            self.pauses.iter_mut().filter(|(mailbox, _)| only.is_none_or(|only| only == *mailbox))
        {
            if pause.hinted == Timestamp(0) || now.since(pause.hinted) >= HINT_PAUSE {
                (pause.hinted, pause.until) = (now, Timestamp(0));
            }
        }
    }

    /// Whether a mailbox answers on any stream.
    pub(crate) fn is_ready(&self, mailbox: &DeviceId) -> bool {
        self.streams
            .values()
            .any(|stream| stream.used_for.mailbox() == *mailbox && matches!(stream.state, State::Ready(_)))
    }

    /// Whether a mailbox has failed more than once in a row, a moment ago, and does not answer now.
    pub(crate) fn is_down(&self, now: Timestamp, mailbox: &DeviceId) -> bool {
        let pause = self.pauses.get(mailbox);
        let failed = pause.is_some_and(|pause| pause.failures > 1 && now.since(pause.failed_at) < DOWN_FOR);
        failed && !self.is_ready(mailbox)
    }
}

impl Stream {
    /// Sends what the window has room for.
    fn flush(&mut self, core: &mut Core, out: &mut Output, name: u64) {
        while self.pending.len() < WINDOW
            && let Some((word, asked)) = self.waiting.pop_front()
        {
            let number = self.next_number;
            self.next_number = number.wrapping_add(1).max(1);
            if !self.is_waited_for() {
                self.moved = core.now;
            }
            let left = wanted(&word).iter().copied().collect();
            self.pending.insert(number, Pending { asked, left, since: core.now });
            out.effect(Effect::AskMailbox { stream: name, request: Numbered { number, word } });
            core.timers.set_earlier(TimerKey::Mute, core.now + SILENCE);
        }
    }

    fn is_waited_for(&self) -> bool {
        self.pending.values().any(|pending| pending.since < Timestamp::NEVER)
    }

    /// When it is to be closed unless something happens, and whether that would be for having nothing to do.
    fn deadline(&self) -> (Timestamp, bool) {
        let oldest = self.pending.values().map(|pending| pending.since).min();
        match oldest.filter(|oldest| *oldest < Timestamp::NEVER) {
            Some(oldest) => ((self.moved + SILENCE).min(oldest + PATIENCE), false),
            // A dial may take its time.
            None if self.state == State::Opening => (self.since + PATIENCE, false),
            None if matches!(self.used_for, Use::Leave { .. }) => (self.moved + IDLE, true),
            None => (Timestamp::NEVER, false),
        }
    }
}

/// The envelopes that a request asks for.
fn wanted(request: &Request) -> &[Sequence] {
    if let Request::Get { sequences } = request { sequences } else { &[] }
}

/// A span with a fifth of jitter, so that a mailbox that comes back is not called by everyone at once.
fn with_jitter(core: &mut Core, span: Span) -> Span {
    let [roll] = core.random::<1>();
    Span(span.0 - span.0 / 10 + span.0 / 5 * u64::from(roll) / 255)
}
