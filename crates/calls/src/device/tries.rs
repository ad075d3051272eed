//! When a device is opened: at first, when the person chooses another, and again while there is none.

use std::time::Duration;
use std::time::Instant;

/// What was tried last.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// Which choice of the person, and when.
    last: Option<(u64, Instant)>,
}

/// Which try it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Try {
    /// The first one of what was chosen.
    First,
    /// It was not there before.
    Again,
}

impl Tries {
    /// Whether the choice with this number is to be tried now; then it counts as tried. `open`: whether a device is open.
    pub(crate) fn are_due(&mut self, choice: u64, open: bool) -> Option<Try> {
        let which = match self.last {
            Some((last, at)) if last == choice => {
                (!open && at.elapsed() >= TRY_AGAIN).then_some(Try::Again)?
            }
            _ => Try::First,
        };
        self.last = Some((choice, Instant::now()));
        Some(which)
    }

    /// How long ago the last one was; nothing before the first.
    pub(crate) fn since_last(&self) -> Duration {
        self.last.map_or(Duration::ZERO, |(_, at)| at.elapsed())
    }
}

/// What was plugged in again is found within this.
const TRY_AGAIN: Duration = Duration::from_secs(2);
