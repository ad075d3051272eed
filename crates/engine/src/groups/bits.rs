//! A set of small numbers, one bit each: which operations of a log are in the past of one, or void.

/// A set of indices. Grows as needed; whatever is beyond its end is not in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// Adds an index. Returns whether it is new.
    pub(super) fn set(&mut self, index: u32) -> bool {
        let (word, bit) = place(index);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let Some(word) = self.0.get_mut(word) else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Adds all of another set.
    pub(super) fn unite(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    /// Takes all of another set away.
    pub(super) fn subtract(&mut self, other: &Self) {
        for (word, less) in self.0.iter_mut().zip(&other.0) {
            *word &= !less;
        }
    }

    /// Whether an index is in the set.
    pub(super) fn has(&self, index: u32) -> bool {
        let (word, bit) = place(index);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Whether both sets have an index in common.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }

    /// Whether both are the same set.
    pub(super) fn equals(&self, other: &Self) -> bool {
        let common = self.0.len().min(other.0.len());
        let (Some((one, rest)), Some((two, more))) =
            (self.0.split_at_checked(common), other.0.split_at_checked(common))
        else {
            return false;
        };
        one == two && rest.iter().chain(more).all(|word| *word == 0)
    }

    /// How many both sets have in common.
    pub(super) fn common(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).map(|(one, other)| (one & other).count_ones() as usize).sum()
    }

    /// How many are in the set.
    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The indices in the set, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().zip(0u32..).flat_map(|(word, at)| ones(*word, at))
    }

    /// The indices below `end` that are not in the set, ascending.
    pub(super) fn absent(&self, end: u32) -> impl Iterator<Item = u32> + '_ {
        let words = end.div_ceil(64);
        (0..words)
            .flat_map(|at| ones(!self.0.get(at as usize).copied().unwrap_or(0), at))
            .take_while(move |index| *index < end)
    }

    /// The bytes that the set takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<u64>()
    }
}

impl FromIterator<u32> for Bits {
    fn from_iter<I: IntoIterator<Item = u32>>(indices: I) -> Self {
        let mut bits = Self::default();
        for index in indices {
            bits.set(index);
        }
        bits
    }
}

fn place(index: u32) -> (usize, u64) {
    ((index / 64) as usize, 1 << (index % 64))
}

fn ones(mut word: u64, at: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        if word == 0 {
            return None;
        }
        let bit = word.trailing_zeros();
        word &= word - 1;
        Some(at * 64 + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_knows_what_is_in_it_and_what_is_not() {
        let bits: Bits = [0, 63, 64, 200].into_iter().collect();
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 200]);
        assert_eq!(bits.absent(66).collect::<Vec<_>>(), (1..63).chain([65]).collect::<Vec<_>>());
        assert!(bits.has(200) && !bits.has(201) && !bits.has(9_999));
        assert_eq!(bits.count(), 4);
    }

    #[test]
    fn sets_are_united_and_compared_whatever_their_length() {
        let mut one: Bits = [1, 2].into_iter().collect();
        let other: Bits = [2, 300].into_iter().collect();
        assert!(one.meets(&other) && !one.equals(&other));
        assert_eq!(one.common(&other), 1);
        one.unite(&other);
        assert_eq!(one.iter().collect::<Vec<_>>(), [1, 2, 300]);
        one.subtract(&other);
        assert!(one.equals(&[1].into_iter().collect()), "words that are zero do not count");
    }
}
