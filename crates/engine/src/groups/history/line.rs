//! Sets of numbers as runs: which of a device's posts are here.

use kith_proto::sync::MAX_RUNS;
use kith_proto::sync::Place;
use kith_proto::sync::Run;

use super::rows::LineRow;

impl LineRow {
    /// Adds a number that is not in the set. Returns `false`, and does nothing, when that would make too many runs.
    pub(crate) fn add(&mut self, number: u32) -> bool {
        if number == self.upto.saturating_add(1) {
            self.upto = number;
            if let Some(first) = self.beyond.first().copied().filter(|run| run.from - 1 == number) {
                self.upto = first.to;
                self.beyond.remove(0);
            }
            return true;
        }
        let at = self.beyond.partition_point(|run| run.to < number);
        let touches_next = self.beyond.get(at).is_some_and(|run| run.from - 1 == number);
        let touches_last =
            at.checked_sub(1).and_then(|at| self.beyond.get(at)).is_some_and(|run| run.to + 1 == number);
        if !touches_next && !touches_last {
            if self.beyond.len() >= MAX_RUNS {
                return false;
            }
            self.beyond.insert(at, Run { from: number, to: number });
            return true;
        }
        let from = if touches_last { self.beyond.remove(at - 1).from } else { number };
        let at = if touches_last { at - 1 } else { at };
        match self.beyond.get_mut(at) {
            Some(next) if touches_next => next.from = from,
            _ => self.beyond.insert(at, Run { from, to: number }),
        }
        true
    }

    /// What is missing before what is here.
    pub(crate) fn holes(&self) -> impl Iterator<Item = Run> {
        let before = std::iter::once(self.upto).chain(self.beyond.iter().map(|run| run.to));
        before.zip(&self.beyond).map(|(before, run)| Run { from: before + 1, to: run.from - 1 })
    }

    /// A new post may be the newest one. `named` says whether somebody has named it before it came.
    pub(crate) fn offer_tip(&mut self, sequence: u32, place: Place, named: bool) {
        let newer = self
            .tip
            .is_none_or(|(number, tip)| sequence > number || (sequence == number && place.post < tip.post));
        if newer {
            self.tip = Some((sequence, place));
            self.named = named;
        }
    }
}

/// All that a line has, as runs.
pub(crate) fn runs(upto: u32, beyond: &[Run]) -> Vec<Run> {
    let first = (upto > 0).then_some(Run { from: 1, to: upto });
    first.into_iter().chain(beyond.iter().copied()).collect()
}

/// What is in `whole` and not in `less`; both in ascending order.
pub(crate) fn subtract(whole: &[Run], less: &[Run]) -> Vec<Run> {
    let mut left = Vec::new();
    let mut less = less.iter().copied().peekable();
    for run in whole {
        // The next number of the run that was not looked at; `None` beyond the last of all.
        let mut next = Some(run.from);
        while let (Some(from), Some(cut)) = (next, less.peek().copied()) {
            if cut.from > run.to {
                break;
            }
            if cut.from > from {
                left.push(Run { from, to: cut.from - 1 });
            }
            next = cut.to.checked_add(1).map(|after| after.max(from));
            if cut.to > run.to {
                break;
            }
            less.next();
        }
        left.extend(next.filter(|from| *from <= run.to).map(|from| Run { from, to: run.to }));
    }
    left
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn numbers(runs: &[Run]) -> BTreeSet<u32> {
        runs.iter().flat_map(|run| run.from..=run.to).collect()
    }

    fn row(numbers: &[u32]) -> (LineRow, BTreeSet<u32>) {
        let (mut line, mut set) = (LineRow::default(), BTreeSet::new());
        for number in numbers {
            if set.insert(*number) {
                assert!(line.add(*number));
            }
        }
        (line, set)
    }

    proptest! {
        #[test]
        fn runs_are_a_set_of_numbers(
            one in prop::collection::vec(1..80_u32, 0..60),
            other in prop::collection::vec(1..80_u32, 0..60),
        ) {
            let ((one, these), (other, those)) = (row(&one), row(&other));
            let all = runs(one.upto, &one.beyond);
            prop_assert_eq!(&numbers(&all), &these);
            prop_assert!(all.windows(2).all(|pair| pair[0].to + 1 < pair[1].from), "no two runs touch");
            let left = subtract(&all, &runs(other.upto, &other.beyond));
            prop_assert_eq!(numbers(&left), these.difference(&those).copied().collect::<BTreeSet<_>>());
            let holes: Vec<Run> = one.holes().collect();
            let last = these.last().copied().unwrap_or_default();
            prop_assert_eq!(numbers(&holes), (1..last).filter(|n| !these.contains(n)).collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn the_last_number_of_all_is_no_trap() {
        let last = Run { from: u32::MAX, to: u32::MAX };
        let (line, _) = row(&[u32::MAX, u32::MAX - 1]);
        assert_eq!(line.beyond, [Run { from: u32::MAX - 1, to: u32::MAX }]);
        assert_eq!(subtract(&line.beyond, &[last]), [Run { from: u32::MAX - 1, to: u32::MAX - 1 }]);
        assert_eq!(subtract(&[last], &line.beyond), []);
        assert_eq!(subtract(&[last], &[]), [last]);
    }

    #[test]
    fn gaps_are_bounded() {
        let mut line = LineRow::default();
        let taken = (1..2_000_u32).filter(|number| line.add(number * 2)).count();
        assert_eq!(taken, MAX_RUNS);
        assert!(line.add(3), "what fills a gap is still taken");
    }
}
