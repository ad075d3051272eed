//! The wall clock, which goes on even when the system's is set back; and randomness.

use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use kith_proto::time::Timestamp;

use crate::error::HostError;

pub(crate) struct Clock {
    since: Instant,
    start: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), start: wall_millis() }
    }

    pub(crate) fn now(&mut self) -> Timestamp {
        let (wall, now) = (wall_millis(), Instant::now());
        let passed = now.saturating_duration_since(self.since).as_millis();
        let steady = self.start.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
        if wall > steady {
            (self.since, self.start) = (now, wall);
        }
        Timestamp(wall.max(steady))
    }
}

fn wall_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn entropy() -> Result<[u8; 32], HostError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| HostError::System(format!("no randomness: {error}")))?;
    Ok(bytes)
}
