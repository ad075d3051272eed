//! The root: it owns the machines and routes. Every rule lives in a machine.

use kith_proto::id::DeviceId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::MAILBOX_VERSION;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::rows::Rows;
use kith_proto::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::config::Config;
use crate::core::Core;
use crate::core::Step;
use crate::deletions;
use crate::deposits;
use crate::deposits::Deposited;
use crate::effect::CloseReason;
use crate::error::StorageError;
use crate::inboxes;
use crate::inboxes::Registration;
use crate::input::Input;
use crate::input::Source;
use crate::keys;
use crate::keys::Keys;
use crate::limits::Kind;
use crate::limits::Limits;
use crate::output::Output;
use crate::rows;
use crate::rows::TotalsRow;
use crate::stats::Overview;
use crate::stats::Stats;
use crate::streams::Streams;
use crate::sweep;
use crate::timer::TimerKey;
use crate::timer::Timers;
use crate::work;
use crate::work::Knocks;

/// A mailbox of one device.
pub struct Mailbox {
    core: Core,
    streams: Streams,
    limits: Limits,
}

/// A request that was let in, and where it came from.
struct Asked {
    stream: u64,
    number: u32,
    from: Source,
    nonce: kith_proto::mailbox::Nonce,
}

impl Mailbox {
    /// The mailbox as its rows say; an empty one when there are none.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub fn restore(
        config: Config,
        device_seed: &[u8; 32],
        now: Timestamp,
        entropy: [u8; 32],
        rows: &dyn Rows,
    ) -> Result<Self, StorageError> {
        let totals = Output::new().load::<TotalsRow>(rows, rows::TOTALS, rows::SELF)?;
        let nothing = TotalsRow { inboxes: 0, queues: 0, envelopes: 0, memories: 0, charged: 0 };
        let mut timers = Timers::default();
        timers.set(TimerKey::Sweep, now);
        let core = Core {
            now,
            rng: ChaCha20Rng::from_seed(entropy),
            timers,
            config,
            stats: Stats::default(),
            keys: Keys::new(device_seed),
            totals: totals.unwrap_or(nothing),
            knocks: Knocks::default(),
        };
        let (streams, limits) = Default::default();
        Ok(Self { core, streams, limits })
    }

    /// Other numbers from now on. What is held stays: an inbox that has more than it may takes nothing until it has less.
    pub fn configure(&mut self, config: Config) {
        self.core.config = config;
    }

    /// Takes one input. Writes and effects are added to `out`, which several inputs may share. `rows` is what was
    /// committed before this batch.
    ///
    /// # Errors
    /// When the rows cannot be read. As after a failed commit, the mailbox and `out` are then of no use: restore it.
    pub fn handle(
        &mut self,
        now: Timestamp,
        input: Input,
        rows: &dyn Rows,
        out: &mut Output,
    ) -> Result<(), StorageError> {
        self.core.advance(now);
        let Self { core, streams, .. } = self;
        match input {
            Input::Opened { stream, from } => streams.open(core, out, stream, from),
            Input::Asked { stream, request } => return self.on_request(stream, request, rows, out),
            Input::Malformed { stream } => {
                core.stats.malformed += 1;
                if let Some((from, _)) = streams.origin(stream) {
                    self.limits.fine(&core.config, core.now, from);
                }
                streams.close(core, out, stream, CloseReason::Malformed);
            }
            Input::Drained { stream, bytes } => {
                let listed = streams.drained(&mut Step { core, rows, out }, stream, bytes)?;
                if let Some((from, _)) = streams.origin(stream) {
                    self.limits.charge(&core.config, core.now, from, listed / ROWS_PER_CHECK);
                }
            }
            Input::Closed { stream } => streams.closed(core, stream),
            Input::Entropy(bytes) => core.stir(&bytes),
            Input::Wake => return self.on_wake(rows, out),
        }
        Ok(())
    }

    /// When [`Input::Wake`] is due next. A time that is not later than now means: in this batch, before the commit.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.core.timers.next()
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.core.stats
    }

    /// What is held now.
    pub fn overview(&self) -> Overview {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Overview {
            inboxes: self.core.totals.inboxes,
            queues: self.core.totals.queues,
            envelopes: self.core.totals.envelopes,
            memories: self.core.totals.memories,
            bytes: self.core.charged(),
            capacity: self.core.config.capacity_bytes,
            load_percent: self.core.load_percent(),
            streams: count(self.streams.len()),
            subscriptions: count(self.streams.subscriptions()),
        }
    }

    /// The device whose mailbox this is.
    pub fn device(&self) -> DeviceId {
        self.core.keys.device
    }

    fn on_request(
        &mut self,
        stream: u64,
        request: Numbered<Request>,
        rows: &dyn Rows,
        out: &mut Output,
    ) -> Result<(), StorageError> {
        let Numbered { number, word } = request;
        let Self { core, streams, limits, .. } = self;
        let Some((from, nonce)) = streams.origin(stream) else { return Ok(()) };
        core.stats.requests += 1;
        if let Request::Hello { version } = word {
            if version < MAILBOX_VERSION {
                streams.close(core, out, stream, CloseReason::Version);
            } else if let Some(nonce) = streams.greet(stream) {
                streams.touch(core, stream);
                let word = Answer::Hello { version: MAILBOX_VERSION, nonce };
                streams.answer(core, out, stream, number, word);
            }
            return Ok(());
        }
        if !streams.is_greeted(stream) {
            streams.close(core, out, stream, CloseReason::NoHello);
            return Ok(());
        }
        streams.touch(core, stream);
        // Rates before anything that costs: a signature is a hundred times the price of this.
        let mut rate = limits.take(&core.config, core.now, from, Kind::Request);
        if is_signed(&word) {
            rate = rate.and_then(|()| limits.take(&core.config, core.now, from, Kind::Check));
        }
        if let Err(retry_after_secs) = rate {
            core.stats.too_fast += 1;
            streams.answer(core, out, stream, number, Answer::OverQuota { retry_after_secs });
            return Ok(());
        }
        let asked = Asked { stream, number, from, nonce };
        if let Some(answer) = self.answer(&asked, word, rows, out)? {
            self.streams.answer(&mut self.core, out, stream, number, answer);
        }
        Ok(())
    }

    /// The answer to a request that was let in; `None` when it was given already or comes later.
    fn answer(
        &mut self,
        asked: &Asked,
        request: Request,
        rows: &dyn Rows,
        out: &mut Output,
    ) -> Result<Option<Answer>, StorageError> {
        let step = &mut Step { core: &mut self.core, rows, out };
        Ok(match request {
            Request::Hello { .. } => None,
            Request::Register { .. } => Some(self.register(asked, &request, rows, out)?),
            Request::Deposit { .. } => {
                let done = deposits::deposit(step, &mut self.limits, asked.from, &asked.nonce, &request)?;
                Some(self.deposited(out, done))
            }
            Request::Subscribe { .. } => self.subscribe(asked, &request, rows, out)?,
            Request::Get { sequences } => match self.streams.reads(asked.stream) {
                None => Some(step.core.refuse()),
                Some(_) if self.streams.get(step, asked.stream, asked.number, &sequences)? => None,
                Some(_) => {
                    step.core.stats.too_fast += 1;
                    Some(Answer::OverQuota { retry_after_secs: 1 })
                }
            },
            Request::Delete { up_to } => Some(match self.streams.reads(asked.stream) {
                None => step.core.refuse(),
                Some((inbox, reader)) => {
                    deletions::up_to(step, &inbox, &reader, up_to)?;
                    Answer::Done {}
                }
            }),
            Request::DeleteThese { sequences } => Some(match self.streams.reads(asked.stream) {
                None => step.core.refuse(),
                Some((inbox, reader)) => {
                    deletions::these(step, &inbox, &reader, &sequences)?;
                    Answer::Done {}
                }
            }),
            Request::Info {} => Some(Answer::Info {
                capacity: step.core.config.capacity_bytes,
                load_percent: step.core.load_percent(),
                work_bits: work::knock_bits(step.core, 0),
                keep_secs: KEEP_SECS,
            }),
        })
    }

    fn register(
        &mut self,
        asked: &Asked,
        request: &Request,
        rows: &dyn Rows,
        out: &mut Output,
    ) -> Result<Answer, StorageError> {
        let Request::Register { inbox, period, readers, queues, owners, admission, signature } = request
        else {
            return Ok(self.core.refuse());
        };
        if !self.is_signed_by(asked, request, inbox, signature) {
            return Ok(self.core.refuse());
        }
        let (period, is_paid) = (*period, self.streams.is_paid(asked.stream, *period));
        let registration = Registration { inbox, period, readers, queues, owners, admission, is_paid };
        let opened = self.core.stats.inboxes_opened;
        let step = &mut Step { core: &mut self.core, rows, out };
        let answer = inboxes::register(step, &mut self.limits, asked.from, &registration)?;
        if self.core.stats.inboxes_opened > opened {
            self.streams.note_opened(asked.stream, period);
        }
        if matches!(answer, Answer::Registered { .. }) {
            self.streams.keep_readers(&mut self.core, out, inbox, readers);
        }
        Ok(answer)
    }

    fn subscribe(
        &mut self,
        asked: &Asked,
        request: &Request,
        rows: &dyn Rows,
        out: &mut Output,
    ) -> Result<Option<Answer>, StorageError> {
        let Request::Subscribe { inbox, reader, after, signature } = request else {
            return Ok(Some(self.core.refuse()));
        };
        if !self.is_signed_by(asked, request, inbox, signature) {
            return Ok(Some(self.core.refuse()));
        }
        let step = &mut Step { core: &mut self.core, rows, out };
        match deletions::heard_of(step, inbox, reader)? {
            Some(row) => step.out.save(rows::INBOXES, inbox, &row),
            // The inbox is unknown, or knows no such reader: in either case it has to be registered.
            None => return Ok(Some(Answer::NoQueue {})),
        }
        let listed = self.streams.subscribe(step, asked.stream, asked.number, *inbox, *reader, *after)?;
        let core = &mut self.core;
        self.limits.charge(&core.config, core.now, asked.from, listed / ROWS_PER_CHECK);
        Ok(None)
    }

    fn is_signed_by(
        &mut self,
        asked: &Asked,
        request: &Request,
        key: &[u8; 32],
        signature: &kith_proto::mailbox::Signature,
    ) -> bool {
        let core = &mut self.core;
        core.stats.checks += 1;
        let holds = keys::holds(key, &request.signed_bytes(&core.keys.device, &asked.nonce), signature);
        if !holds {
            core.stats.bad_signatures += 1;
            self.limits.fine(&core.config, core.now, asked.from);
        }
        holds
    }

    fn deposited(&mut self, out: &mut Output, done: Deposited) -> Answer {
        if let Some((inbox, entry)) = done.new {
            self.streams.push(&mut self.core, out, &inbox, &entry);
        }
        done.answer
    }

    fn on_wake(&mut self, rows: &dyn Rows, out: &mut Output) -> Result<(), StorageError> {
        while let Some(key) = self.core.timers.pop_due(self.core.now) {
            match key {
                TimerKey::Sweep => {
                    let step = &mut Step { core: &mut self.core, rows, out };
                    if sweep::run(step)? {
                        self.streams.note_readers(step)?;
                        self.limits.tidy(self.core.now);
                    }
                }
                TimerKey::Idle(stream) => {
                    let greeted = self.streams.is_greeted(stream);
                    let why = if greeted { CloseReason::Idle } else { CloseReason::NoHello };
                    self.streams.close(&mut self.core, out, stream, why);
                }
            }
        }
        Ok(())
    }
}

/// Whether answering takes a signature check.
fn is_signed(request: &Request) -> bool {
    matches!(request, Request::Register { .. } | Request::Deposit { .. } | Request::Subscribe { .. })
}

/// Rows of an index that cost a source as much as a check: a page of them costs sixteen. What a reader has waiting on an
/// ordinary morning stays free, and a thousand times that may be listed at once.
const ROWS_PER_CHECK: u32 = 64;

/// The longest time that anything is kept.
const KEEP_SECS: u32 = 30 * 86_400;
