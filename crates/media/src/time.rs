//! Time as a value, fine enough for packets. A call counts from a moment of its own choice; nobody asks a clock.

use std::ops::Add;
use std::time::Duration;

/// Microseconds since a moment that the caller chose, on the clock of this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

/// Microseconds on the clock of the other side. Only differences mean something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemoteTime(pub u64);

impl Time {
    /// A time in milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// The span from `earlier` to `self`; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Seconds from `earlier` to `self`; zero when `earlier` is later.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.since(earlier).as_secs_f64()
    }
}

impl RemoteTime {
    /// Milliseconds from `other` to `self`, negative when `other` is later.
    pub fn millis_after(self, other: Self) -> f64 {
        let (ahead, behind) = (self.0.saturating_sub(other.0), other.0.saturating_sub(self.0));
        (ahead as f64 - behind as f64) / 1_000.0
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}
