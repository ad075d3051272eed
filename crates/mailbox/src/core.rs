//! What every machine needs in a step: the time, the generator, the deadlines, the limits, the counters, the secrets and
//! the totals; and with them the rows and the output of the step.

use kith_proto::mailbox::Answer;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use rand_core::SeedableRng as _;

use crate::config::Config;
use crate::keys::Keys;
use crate::output::Output;
use crate::rows;
use crate::rows::TotalsRow;
use crate::stats::Stats;
use crate::timer::Timers;
use crate::work::Knocks;

const HOUR: Span = Span::from_hours(1);

/// Shared by the machines of one mailbox.
pub(crate) struct Core {
    /// The time of the current step; never runs backwards.
    pub(crate) now: Timestamp,
    /// The generator, seeded from the operating system.
    pub(crate) rng: ChaCha20Rng,
    /// The deadlines.
    pub(crate) timers: Timers,
    /// The limits.
    pub(crate) config: Config,
    /// The counters.
    pub(crate) stats: Stats,
    /// The secrets.
    pub(crate) keys: Keys,
    /// What is held in all; the same as in its row.
    pub(crate) totals: TotalsRow,
    /// How many strangers knocked lately.
    pub(crate) knocks: Knocks,
}

/// One step: the core, what is committed, and what this batch adds.
pub(crate) struct Step<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) rows: &'a dyn Rows,
    pub(crate) out: &'a mut Output,
}

impl Core {
    /// Moves the time on; an earlier time is ignored.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Mixes fresh randomness into the generator. Neither the old state nor `entropy` alone tells what follows.
    pub(crate) fn stir(&mut self, entropy: &[u8; 32]) {
        let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 mailbox generator v1");
        hasher.update(&self.random::<32>());
        hasher.update(entropy);
        self.rng = ChaCha20Rng::from_seed(*hasher.finalize().as_bytes());
    }

    /// Random bytes.
    pub(crate) fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// Bytes charged for everything.
    pub(crate) fn charged(&self) -> u64 {
        let of_inboxes = u64::from(self.totals.inboxes) * rows::INBOX_CHARGE;
        self.totals.charged + of_inboxes + u64::from(self.totals.queues) * rows::QUEUE_CHARGE
    }

    /// How full the mailbox is, in percent.
    pub(crate) fn load_percent(&self) -> u8 {
        let percent = u128::from(self.charged()) * 100 / u128::from(self.config.capacity_bytes.max(1));
        u8::try_from(percent.min(100)).unwrap_or(100)
    }

    /// Counts a request that broke the rules, and says so.
    pub(crate) fn refuse(&mut self) -> Answer {
        self.stats.refused += 1;
        Answer::Refused {}
    }
}

impl Step<'_> {
    /// Writes the totals after they changed.
    pub(crate) fn save_totals(&mut self) {
        self.out.save(rows::TOTALS, rows::SELF, &self.core.totals);
    }
}

/// The hour that has begun.
pub(crate) fn hour_of(at: Timestamp) -> u32 {
    u32::try_from(at.0 / HOUR.0).unwrap_or(u32::MAX)
}

/// The first full hour that is not earlier.
pub(crate) fn hour_after(at: Timestamp) -> u32 {
    u32::try_from(at.0.div_ceil(HOUR.0)).unwrap_or(u32::MAX)
}

/// When an hour begins.
pub(crate) fn start_of(hour: u32) -> Timestamp {
    Timestamp(u64::from(hour) * HOUR.0)
}
