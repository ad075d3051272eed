//! How much is sent in a second.

use std::time::Duration;

/// Bits a second. Never negative, never infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bitrate(u64);

impl Bitrate {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// More than any line carries; sums of a few of these do not overflow.
    pub const MAX: Self = Self(1_000_000_000_000);

    /// A rate in bits a second.
    pub const fn from_bps(bits: u64) -> Self {
        Self(if bits > Self::MAX.0 { Self::MAX.0 } else { bits })
    }

    /// A rate in thousands of bits a second.
    pub const fn from_kbps(kilobits: u64) -> Self {
        Self::from_bps(kilobits.saturating_mul(1_000))
    }

    /// A rate from a calculation; what is no number or negative is nothing.
    pub fn from_f64(bits: f64) -> Self {
        // The cast saturates, and turns what is no number into zero.
        Self::from_bps(bits as u64)
    }

    /// Bits a second.
    pub const fn bps(self) -> u64 {
        self.0
    }

    /// Bits a second, to calculate with.
    pub const fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// This rate, `factor` times.
    pub fn scaled(self, factor: f64) -> Self {
        Self::from_f64(self.as_f64() * factor)
    }

    /// How long `bytes` take at this rate; an hour when nothing moves.
    pub fn time_for(self, bytes: usize) -> Duration {
        if self.0 == 0 {
            return Duration::from_secs(3_600);
        }
        Duration::from_secs_f64((bytes as f64 * 8.0 / self.as_f64()).min(3_600.0))
    }

    /// How many bytes leave in `span`.
    pub fn bytes_in(self, span: Duration) -> usize {
        (self.as_f64() * span.as_secs_f64() / 8.0) as usize
    }
}
