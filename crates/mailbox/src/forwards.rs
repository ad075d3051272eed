//! Deposits by way of another mailbox: the one that passes them on sees where they come from and neither queue nor
//! envelope; the one that stores them sees these and not where they come from.

use std::collections::BTreeMap;

use kith_proto::address::DeviceAddress;
use kith_proto::bounded::BoundedBytes;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::MAX_FORWARDED_BYTES;
use kith_proto::mailbox::Nonce;

use crate::core::Core;
use crate::core::Step;
use crate::core::hour_of;
use crate::deposits;
use crate::deposits::Deposited;
use crate::effect::Effect;
use crate::error::StorageError;
use crate::input::Source;
use crate::limits::Limits;
use crate::output::Output;
use crate::timer::TimerKey;

/// A sealed deposit is taken for a day before and after the hour that it names: clocks of senders differ. Together not
/// longer than deleted envelopes are known, so that whoever passed it on cannot bring it back later.
const VALID_HOURS: u32 = 24;

/// The nonce of deposits that have no stream of their own.
const NO_NONCE: Nonce = [0; 16];

/// When to try again if too many are under way.
const RETRY_SECS: u32 = 5;

/// How many of one stream may be under way.
const PER_STREAM: usize = 16;

/// Deposits on their way to other mailboxes.
#[derive(Debug, Default)]
pub(crate) struct Forwards {
    waiting: BTreeMap<u64, (u64, u32)>,
    last: u64,
}

impl Forwards {
    /// Passes a deposit on; the answer comes later, or now if it cannot be done.
    pub(crate) fn start(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        (stream, number): (u64, u32),
        to: DeviceAddress,
        sealed: BoundedBytes<MAX_FORWARDED_BYTES>,
    ) -> Option<Answer> {
        if core.config.forwards == 0 {
            return Some(core.refuse());
        }
        let of_stream = self.waiting.values().filter(|(waits, _)| *waits == stream).count();
        if self.waiting.len() >= core.config.forwards || of_stream >= PER_STREAM {
            core.stats.too_fast += 1;
            return Some(Answer::OverQuota { retry_after_secs: RETRY_SECS });
        }
        self.last += 1;
        self.waiting.insert(self.last, (stream, number));
        core.timers.set(TimerKey::Forward(self.last), core.now + core.config.forward_within);
        core.stats.forwarded += 1;
        out.effect(Effect::Forward { forward: self.last, to, sealed });
        None
    }

    /// Takes the other mailbox's answer. Returns who waits for it and what to say; words that answer no deposit are not
    /// passed on.
    pub(crate) fn done(
        &mut self,
        core: &mut Core,
        forward: u64,
        answer: Option<Answer>,
    ) -> Option<(u64, u32, Answer)> {
        let (stream, number) = self.waiting.remove(&forward)?;
        core.timers.clear(TimerKey::Forward(forward));
        let answers_a_deposit = matches!(
            answer,
            Some(
                Answer::Stored { .. }
                    | Answer::OverQuota { .. }
                    | Answer::NoQueue {}
                    | Answer::Full {}
                    | Answer::WorkWanted { .. }
                    | Answer::Moved { .. }
            )
        );
        let answer = answer.filter(|_| answers_a_deposit).unwrap_or(Answer::Refused {});
        Some((stream, number, answer))
    }

    /// How many are under way.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// Takes a deposit that was sealed for this mailbox.
pub(crate) fn unseal(
    step: &mut Step<'_>,
    limits: &mut Limits,
    from: Source,
    sealed: &[u8],
) -> Result<Deposited, StorageError> {
    let now = hour_of(step.core.now);
    let opened = step.core.keys.sealing.open(&step.core.keys.device, sealed);
    match opened.filter(|inner| inner.hour.abs_diff(now) <= VALID_HOURS) {
        Some(inner) => {
            step.core.stats.unsealed += 1;
            deposits::deposit(step, limits, from, &NO_NONCE, &inner.deposit)
        }
        None => {
            step.core.stats.bad_sealed += 1;
            limits.fine(&step.core.config, step.core.now, from);
            Ok(Deposited { answer: step.core.refuse(), new: None })
        }
    }
}
