//! Where chance comes from: dice of their own for each purpose, each link and each moment, made from the seed alone.
//!
//! ```text
//!  seed, purpose, link, moment, how many so far in that moment ── blake3 ─▶ dice
//! ```
//!
//! So what goes wrong, and what people do when, does not depend on how often an engine draws or how much it says: two versions of
//! the engine meet the same weather, and what they make of it can be compared. Not here: what engines draw themselves.

use std::collections::BTreeMap;

use kith_proto::time::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_core::Rng as _;
use rand_core::SeedableRng as _;

/// What dice are thrown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// The keys of a person.
    Account,
    /// The keys of a community node.
    Mailbox,
    /// What an engine draws from after a start.
    Start,
    /// Who sits behind what address translation.
    Place,
    /// How long a commit takes.
    Commit,
    /// What happens to a frame on its way.
    Frame,
    /// What happens to a message of a topic on its way.
    Gossip,
    /// How long a look-up takes.
    LookUp,
    /// How long a dial takes.
    Dial,
    /// How long it takes to punch a hole.
    Punch,
    /// How long a relay takes to answer.
    Reserve,
    /// How long media take.
    Media,
    /// What a liar says.
    Lie,
    /// What is done next.
    Deed,
    /// What a study draws.
    Study,
}

/// All dice of a world.
#[derive(Debug)]
pub(crate) struct Chance {
    seed: u64,
    /// How many dice were made in the newest moment of each link.
    made: BTreeMap<(Purpose, usize, usize), (Timestamp, u64)>,
}

/// A generator for one thing.
#[derive(Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Chance {
    /// All dice of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, made: BTreeMap::new() }
    }

    /// Dice for something between two, or about one, that happens now.
    pub(crate) fn dice(&mut self, now: Timestamp, purpose: Purpose, one: usize, other: usize) -> Dice {
        let made = self.made.entry((purpose, one, other)).or_insert((now, 0));
        if made.0 != now {
            *made = (now, 0);
        }
        made.1 += 1;
        let number = made.1;
        self.make(purpose, [one as u64, other as u64, now.0, number])
    }

    /// Dice for the n-th of something, whenever it is.
    pub(crate) fn numbered(&self, purpose: Purpose, number: u64) -> Dice {
        self.make(purpose, [number, 0, 0, 0])
    }

    fn make(&self, purpose: Purpose, what: [u64; 4]) -> Dice {
        let mut hasher = blake3::Hasher::new_derive_key("kith simulations dice v1");
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(&[purpose as u8]);
        for number in what {
            hasher.update(&number.to_le_bytes());
        }
        Dice(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }
}

impl Dice {
    /// A number below a limit.
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0.next_u64() % below.max(1)
    }

    /// The number of one of so many.
    pub(crate) fn one_of(&mut self, count: usize) -> usize {
        usize::try_from(self.roll(count as u64)).unwrap_or(0)
    }

    /// The numbers of so many in some order. Whoever takes the first that will do is moved little by who else would.
    pub(crate) fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for left in (1..count).rev() {
            order.swap(left, self.one_of(left + 1));
        }
        order
    }

    /// Bytes for keys.
    pub(crate) fn entropy(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn thrown(dice: &mut Dice) -> u64 {
        dice.roll(u64::MAX)
    }

    #[test]
    fn what_happens_on_one_link_does_not_depend_on_others() {
        let (mut quiet, mut busy) = (Chance::new(7), Chance::new(7));
        for _ in 0..5 {
            thrown(&mut busy.dice(NOW, Purpose::Frame, 1, 0));
            thrown(&mut busy.dice(NOW, Purpose::Dial, 0, 1));
        }
        let mut dice = busy.dice(NOW, Purpose::Frame, 0, 1);
        assert_eq!(thrown(&mut dice), thrown(&mut quiet.dice(NOW, Purpose::Frame, 0, 1)));
        thrown(&mut dice);
        // However often somebody spoke or drew before: the next moment is as it is.
        thrown(&mut busy.dice(NOW, Purpose::Frame, 0, 1));
        let later = Timestamp(NOW.0 + 1);
        let (mut one, mut other) =
            (quiet.dice(later, Purpose::Frame, 0, 1), busy.dice(later, Purpose::Frame, 0, 1));
        assert_eq!(thrown(&mut one), thrown(&mut other));
    }

    #[test]
    fn what_differs_in_anything_is_drawn_anew() {
        let mut chance = Chance::new(7);
        let mut all = vec![
            thrown(&mut chance.dice(NOW, Purpose::Frame, 0, 1)),
            thrown(&mut chance.dice(NOW, Purpose::Frame, 0, 1)),
            thrown(&mut chance.dice(NOW, Purpose::Frame, 1, 0)),
            thrown(&mut chance.dice(NOW, Purpose::Gossip, 0, 1)),
            thrown(&mut chance.dice(Timestamp(0), Purpose::Frame, 0, 1)),
            thrown(&mut chance.numbered(Purpose::Deed, 0)),
            thrown(&mut chance.numbered(Purpose::Deed, 1)),
            thrown(&mut Chance::new(8).dice(NOW, Purpose::Frame, 0, 1)),
        ];
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 8);
    }

    #[test]
    fn an_order_has_everybody_once() {
        let mut order = Chance::new(7).numbered(Purpose::Deed, 3).order(60);
        assert_ne!(order, (0..60).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..60).collect::<Vec<_>>());
    }
}
