//! The wall clock for the engine: never runs backwards while the node runs, even when the system's does.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use kith_proto::time::Timestamp;

/// A clock that only goes on.
#[derive(Debug, Default)]
pub struct Clock {
    last: Timestamp,
}

impl Clock {
    /// The time now, or the last one given if the system's clock was set back.
    pub fn now(&mut self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        self.last = self.last.max(now);
        self.last
    }

    /// How long to wait until a time, at most an hour.
    pub fn until(&mut self, at: Option<Timestamp>) -> Duration {
        let hour = Duration::from_secs(3_600);
        match at {
            Some(at) => Duration::from_millis(at.since(self.now()).as_millis()).min(hour),
            None => hour,
        }
    }
}
