//! What the deadlines are for.

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    /// What expired is removed, and deletions that were too long for one step go on.
    Sweep,
    /// A stream has said nothing.
    Idle(u64),
}

/// The deadlines.
pub(crate) type Timers = kith_proto::timers::Timers<TimerKey>;
