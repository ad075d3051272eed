//! When a chain has to be replaced before the next message. Lazily: a device that says nothing replaces nothing.

use std::collections::BTreeSet;

use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::sending::SendingChain;

/// How long a chain is used. A stolen chain is of use until then; each rotation costs a small envelope for each device.
pub const MAX_AGE: Span = Span::from_days(7);

/// How many messages a chain seals.
pub const MAX_SEALED: u32 = 200;

/// By how much a clock may have gone back since the chain was made before that counts as a doubt.
pub const MAX_CLOCK_STEP: Span = Span::from_hours(1);

/// Why a chain must not be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotate {
    /// A device that has it is not a member's any more.
    Left,
    /// The own state may be an old one: a key could be used twice.
    Doubt,
    /// It has sealed [`MAX_SEALED`] messages.
    Count,
    /// It is [`MAX_AGE`] old.
    Age,
}

/// Whether a chain must be replaced before the next message, and why. `holders` are all devices that it was handed to,
/// `roster` those that should have it now; devices that are new need a share, not a rotation. `doubt` is whatever the
/// caller knows that makes its state suspect: a disk that was put back, a backup, a commit that may be lost.
pub fn must_rotate(
    chain: &SendingChain,
    holders: &BTreeSet<DeviceId>,
    roster: &BTreeSet<DeviceId>,
    now: Timestamp,
    doubt: bool,
) -> Option<Rotate> {
    if !holders.is_subset(roster) {
        Some(Rotate::Left)
    } else if doubt || chain.made_at().since(now) > MAX_CLOCK_STEP {
        Some(Rotate::Doubt)
    } else if chain.sealed() >= MAX_SEALED {
        Some(Rotate::Count)
    } else if now.since(chain.made_at()) >= MAX_AGE {
        Some(Rotate::Age)
    } else {
        None
    }
}
