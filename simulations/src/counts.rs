//! What a world counts while it runs.

use crate::action::Who;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events of the queue.
    pub steps: u64,
    /// Frames sent.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Dials.
    pub dials: u64,
    /// Crashes.
    pub crashes: u64,
}

/// How long a message took from being written to being shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// Who wrote it.
    pub from: Who,
    /// Who is shown it.
    pub to: Who,
    /// Milliseconds.
    pub millis: u64,
}
