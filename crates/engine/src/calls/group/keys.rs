//! How this device seals its frames in a call of a group, and when it seals otherwise.
//!
//! ```text
//!  somebody came:  the key goes on by one step; they get that, the others get there by themselves
//!  somebody left:  a fresh key goes to all who are left; it is used once they have it, or after a moment; one at a time
//! ```
//!
//! Keys are random, for one device in one call, and not derived from the chains of the group: these are in the hands of all members, and of
//! whoever comes by a link with the history; and large groups do not change them at once when somebody is removed.

use kith_crypto::sframe::BaseKey;
use kith_crypto::sframe::KeyName;
use kith_proto::call::Step;
use kith_proto::call::group::CallKey;
use kith_proto::call::media::FrameKey;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

/// Steps of one generation: whoever hears nothing of a sender meanwhile, as it is muted, still gets there (`kith_crypto::sframe`).
const MOST_STEPS: u8 = 7;

/// A fresh key is used at the latest after so long: whoever has left does not hear more than that, wherever frames of the former key still go.
const USED_AFTER: Span = Span::from_secs(1);

/// The keys of this device.
pub(super) struct Keys {
    name: KeyName,
    base: BaseKey,
    next: Option<Next>,
    /// Whether a fresh one is needed.
    stale: bool,
}

struct Next {
    name: KeyName,
    base: BaseKey,
    since: Timestamp,
}

impl Keys {
    /// The first.
    pub(super) fn new(base: BaseKey) -> Self {
        Self { name: KeyName { generation: 0, step: 0 }, base, next: None, stale: false }
    }

    /// Somebody came: the keys that they get. None if there is none for them yet, as a fresh one is to follow.
    pub(super) fn came(&mut self) -> Vec<FrameKey> {
        let next = self.next.as_ref().map(|next| frame_key(next.name, &next.base));
        if self.name.step >= MOST_STEPS {
            // They get the next one alone, with which nothing was sealed; all others get it as well.
            self.stale |= next.is_none();
            return next.into_iter().collect();
        }
        (self.name, self.base) = (self.name.next_step(), self.base.next());
        std::iter::once(self.used()).chain(next).collect()
    }

    /// Somebody left.
    pub(super) fn left(&mut self) {
        self.stale = true;
    }

    /// Whether a fresh key is needed. Not while one waits to be used: otherwise whoever comes and goes all the time keeps it from ever being used, and
    /// others keep only few.
    pub(super) fn is_stale(&self) -> bool {
        self.stale && self.next.is_none()
    }

    /// A fresh key: it goes to all who are in the call.
    pub(super) fn renew(&mut self, now: Timestamp, base: BaseKey) -> FrameKey {
        self.stale = false;
        let name = self.name.next_generation();
        let told = frame_key(name, &base);
        self.next = Some(Next { name, base, since: now });
        told
    }

    /// Uses the fresh key if it is time. `taken`: all have it.
    pub(super) fn use_next(&mut self, now: Timestamp, taken: bool) -> Option<FrameKey> {
        self.next.as_ref().filter(|next| taken || now.since(next.since) >= USED_AFTER)?;
        let Next { name, base, .. } = self.next.take()?;
        (self.name, self.base) = (name, base);
        Some(self.used())
    }

    /// When [`use_next`](Self::use_next) is due.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        Some(self.next.as_ref()?.since + USED_AFTER)
    }

    /// The key that is used.
    pub(super) fn used(&self) -> FrameKey {
        frame_key(self.name, &self.base)
    }
}

/// How a key is told to somebody.
pub(super) fn step(key: &FrameKey) -> Step {
    Step::Key { generation: key.generation, step: key.step, key: key.key.clone() }
}

fn frame_key(name: KeyName, base: &BaseKey) -> FrameKey {
    FrameKey { generation: name.generation, step: name.step, key: CallKey::new(*base.as_bytes()) }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("name", &self.name).field("stale", &self.stale).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(number: u8) -> BaseKey {
        BaseKey::new([number; 64])
    }

    #[test]
    fn who_comes_when_no_step_is_left_changes_nothing_until_there_is_a_fresh_key() {
        let mut keys = Keys::new(fresh(1));
        for _ in 0..MOST_STEPS {
            assert_eq!(keys.came().len(), 1);
        }
        let used = keys.used();
        assert_eq!(keys.came(), []);
        assert_eq!(keys.used(), used, "sealing must not begin anew with it");
        assert!(keys.is_stale());
        let next = keys.renew(Timestamp(1_000), fresh(2));
        assert_eq!((keys.came(), keys.used()), (vec![next], used), "it is theirs, and not used before");
    }

    #[test]
    fn who_comes_and_goes_all_the_time_does_not_keep_a_fresh_key_from_being_used() {
        let (mut keys, begin) = (Keys::new(fresh(1)), Timestamp(1_000_000));
        let mut used = Vec::new();
        for moment in 0..500_u64 {
            let now = begin + Span(10 * moment);
            keys.left();
            used.extend(keys.use_next(now, false).map(|key| key.generation));
            if keys.is_stale() {
                let told = keys.renew(now, fresh(u8::try_from(moment % 251).unwrap()));
                assert_eq!(
                    told.generation,
                    keys.used().generation + 1,
                    "no more than two are known at a time"
                );
            }
        }
        assert_eq!(used, [1, 2, 3, 4]);
    }
}
