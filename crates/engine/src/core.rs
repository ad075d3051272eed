//! What every machine needs in a step: the time, the generator, the deadlines, the limits and the counters.

use kith_proto::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use rand_core::SeedableRng as _;

use crate::config::Config;
use crate::stats::Stats;
use crate::timer::Timers;

/// Shared by the machines of one engine, passed to their methods.
pub(crate) struct Core {
    /// The time of the current step; never runs backwards.
    pub(crate) now: Timestamp,
    /// The engine's generator, seeded from the operating system.
    pub(crate) rng: ChaCha20Rng,
    /// The deadlines.
    pub(crate) timers: Timers,
    /// The limits.
    pub(crate) config: Config,
    /// The counters.
    pub(crate) stats: Stats,
    /// Whether the input of this moment was a frame that holds receipts and nothing else.
    pub(crate) only_receipts: bool,
}

impl Core {
    pub(crate) fn new(now: Timestamp, entropy: [u8; 32], config: Config) -> Self {
        let rng = ChaCha20Rng::from_seed(entropy);
        Self { now, rng, timers: Timers::default(), config, stats: Stats::default(), only_receipts: false }
    }

    /// Moves the time on; an earlier time is ignored.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Mixes fresh randomness into the generator. Neither the old state nor `entropy` alone tells what follows.
    pub(crate) fn stir(&mut self, entropy: &[u8; 32]) {
        let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 engine generator v1");
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
}
