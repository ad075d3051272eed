//! A list of rows of different heights, of which only those in view are ever measured.
//!
//! The place of the reader is a row and a distance into it, not a distance from the top: when a guess above the view
//! is replaced by a measured height, nothing that is being read moves. A Fenwick tree tells distances from the top,
//! for the scroll bar alone.

use std::collections::BTreeMap;

use crate::model::timeline::Row;

/// The room above a row that is gone to, in points: what was said before it helps to understand it.
const ROOM_ABOVE: f32 = 140.0;

/// Where the reader is in a list of rows.
pub struct AnchoredList {
    heights: Vec<f32>,
    measured: Vec<bool>,
    tree: Vec<f64>,
    anchor: usize,
    /// How far the top of the view is below the top of the anchor.
    offset: f32,
    /// Whether the newest row is kept in view.
    pub stick: bool,
    width: f32,
}

/// A row to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Which row.
    pub row: usize,
    /// Its top below the top of the view.
    pub top: f32,
    /// Its height.
    pub height: f32,
}

impl Default for AnchoredList {
    fn default() -> Self {
        Self::new()
    }
}

impl AnchoredList {
    /// An empty list that follows its end.
    pub fn new() -> Self {
        Self {
            heights: Vec::new(),
            measured: Vec::new(),
            tree: vec![0.0],
            anchor: 0,
            offset: 0.0,
            stick: true,
            width: 0.0,
        }
    }

    /// Takes other rows: their heights and whether those are measured, and the row that the reader's row is now.
    pub fn reset(&mut self, heights: &[(f32, bool)], anchor: Option<usize>) {
        self.heights = heights.iter().map(|(height, _)| *height).collect();
        self.measured = heights.iter().map(|(_, measured)| *measured).collect();
        self.tree = vec![0.0; heights.len() + 1];
        for (at, (height, _)) in heights.iter().enumerate() {
            self.grow(at, f64::from(*height));
        }
        match anchor {
            Some(anchor) => self.anchor = anchor,
            None => {
                self.anchor = heights.len().saturating_sub(1);
                self.offset = 0.0;
                self.stick = true;
            }
        }
    }

    /// Nothing is measured any more: the rows look different.
    pub fn forget_heights(&mut self) {
        self.measured.fill(false);
    }

    /// The measured heights by what the rows are.
    pub fn heights_of(&self, rows: &[Row], name: impl Fn(&Row) -> Option<u64>) -> BTreeMap<u64, f32> {
        let known = rows.iter().zip(&self.heights).zip(&self.measured).filter(|(_, measured)| **measured);
        known.filter_map(|((row, height), _)| Some((name(row)?, *height))).collect()
    }

    /// The row at the top of the view, unless the end is followed.
    pub fn anchor(&self) -> Option<usize> {
        (!self.stick).then_some(self.anchor)
    }

    fn grow(&mut self, at: usize, by: f64) {
        let mut node = at + 1;
        while let Some(sum) = self.tree.get_mut(node) {
            *sum += by;
            node += node & node.wrapping_neg();
        }
    }

    /// The distance from the top to a row.
    fn above(&self, row: usize) -> f64 {
        let (mut node, mut sum) = (row, 0.0);
        while node > 0 {
            sum += self.tree.get(node).copied().unwrap_or(0.0);
            node &= node - 1;
        }
        sum
    }

    /// The height of everything.
    pub fn total(&self) -> f64 {
        self.above(self.heights.len())
    }

    /// The row at a distance from the top, and how far into it.
    fn at(&self, distance: f64) -> (usize, f32) {
        let (mut node, mut left) = (0, distance);
        let mut step = self.heights.len().next_power_of_two();
        while step > 0 {
            if let Some(sum) = self.tree.get(node + step).filter(|sum| **sum <= left) {
                left -= sum;
                node += step;
            }
            step /= 2;
        }
        if node >= self.heights.len() {
            (self.heights.len().saturating_sub(1), 0.0)
        } else {
            (node, left as f32)
        }
    }

    /// Scrolls by so many points; down is positive.
    pub fn scroll_by(&mut self, points: f32) {
        if points != 0.0 {
            self.stick = false;
            self.offset += points;
        }
    }

    /// Goes to a part of the whole, 0 to 1.
    pub fn scroll_to(&mut self, part: f64, view: f32) {
        let most = (self.total() - f64::from(view)).max(0.0);
        (self.anchor, self.offset) = self.at(most * part.clamp(0.0, 1.0));
        self.stick = part >= 1.0;
    }

    /// Goes to a row and leaves some room above it.
    pub fn show_row(&mut self, row: usize) {
        (self.anchor, self.offset, self.stick) = (row, -ROOM_ABOVE, false);
    }

    /// Which part of the whole is in view: where it begins and how much it is, 0 to 1.
    pub fn part(&self, view: f32) -> (f64, f64) {
        let total = self.total().max(1.0);
        let top = self.above(self.anchor) + f64::from(self.offset);
        ((top / (total - f64::from(view)).max(1.0)).clamp(0.0, 1.0), (f64::from(view) / total).min(1.0))
    }

    /// Whether the first row is in view.
    pub fn at_top(&self) -> bool {
        self.anchor == 0 && !self.stick
    }

    fn height(&mut self, row: usize, measure: &mut impl FnMut(usize) -> f32) -> f32 {
        if self.measured.get(row) == Some(&false) {
            let height = measure(row);
            let old = self.heights.get(row).copied().unwrap_or(0.0);
            self.grow(row, f64::from(height - old));
            if let (Some(slot), Some(flag)) = (self.heights.get_mut(row), self.measured.get_mut(row)) {
                (*slot, *flag) = (height, true);
            }
        }
        self.heights.get(row).copied().unwrap_or(0.0)
    }

    /// Places the rows that are in view, measuring those that are seen for the first time.
    pub fn place(&mut self, width: f32, view: f32, mut measure: impl FnMut(usize) -> f32) -> Vec<Placed> {
        let count = self.heights.len();
        if count == 0 {
            return Vec::new();
        }
        if (width - self.width).abs() > 0.5 {
            self.width = width;
            self.measured.fill(false);
        }
        self.anchor = self.anchor.min(count - 1);
        if self.stick {
            self.go_to_end(view, &mut measure);
        } else {
            self.settle(&mut measure);
            if self.bottom(view, &mut measure) < view {
                self.go_to_end(view, &mut measure);
            }
        }
        let (mut placed, mut top, mut row) = (Vec::with_capacity(32), -self.offset, self.anchor);
        while top < view && row < count {
            let height = self.height(row, &mut measure);
            placed.push(Placed { row, top, height });
            top += height;
            row += 1;
        }
        self.stick |= row == count && top <= view + 1.0;
        placed
    }

    /// Puts the last row at the bottom of the view, or everything at the top when it all fits.
    fn go_to_end(&mut self, view: f32, measure: &mut impl FnMut(usize) -> f32) {
        let (mut row, mut sum) = (self.heights.len(), 0.0);
        while row > 0 && sum < view {
            row -= 1;
            sum += self.height(row, measure);
        }
        self.anchor = row;
        self.offset = (sum - view).max(0.0);
    }

    /// Moves the anchor so that the offset lies within it.
    fn settle(&mut self, measure: &mut impl FnMut(usize) -> f32) {
        while self.offset < 0.0 && self.anchor > 0 {
            self.anchor -= 1;
            self.offset += self.height(self.anchor, measure);
        }
        self.offset = self.offset.max(0.0);
        loop {
            let height = self.height(self.anchor, measure);
            if self.offset < height || self.anchor + 1 >= self.heights.len() {
                break;
            }
            self.offset -= height;
            self.anchor += 1;
        }
    }

    /// Where the rows from the anchor on end, as far as the view reaches.
    fn bottom(&mut self, view: f32, measure: &mut impl FnMut(usize) -> f32) -> f32 {
        let (mut bottom, mut row) = (-self.offset, self.anchor);
        while bottom < view && row < self.heights.len() {
            bottom += self.height(row, measure);
            row += 1;
        }
        bottom
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(count: usize) -> AnchoredList {
        let mut list = AnchoredList::new();
        list.reset(&vec![(50.0, false); count], None);
        list
    }

    #[test]
    fn a_new_list_shows_its_end() {
        let placed = list(100).place(300.0, 400.0, |_| 50.0);
        assert_eq!(placed.first().map(|placed| (placed.row, placed.top)), Some((92, 0.0)));
        assert_eq!(placed.last().map(|placed| placed.row), Some(99));
    }

    #[test]
    fn what_is_measured_above_does_not_move_what_is_read() {
        let mut list = list(100);
        list.place(300.0, 400.0, |_| 50.0);
        list.scroll_by(-1_000.0);
        let before = list.place(300.0, 400.0, |_| 50.0);
        for row in 0..20 {
            list.grow(row, 450.0);
            list.heights[row] = 500.0;
        }
        assert_eq!(list.place(300.0, 400.0, |_| 50.0), before);
    }

    #[test]
    fn rows_before_the_first_do_not_move_what_is_read() {
        let mut list = list(100);
        list.place(300.0, 400.0, |_| 50.0);
        list.scroll_by(-1_000.0);
        let before = list.place(300.0, 400.0, |_| 50.0);
        let anchor = list.anchor().map(|row| row + 200);
        list.reset(&vec![(44.0, false); 300], anchor);
        let after = list.place(300.0, 400.0, |_| 50.0);
        assert_eq!(
            before.iter().map(|placed| placed.top).collect::<Vec<_>>(),
            after.iter().map(|p| p.top).collect::<Vec<_>>()
        );
        assert_eq!(before[0].row + 200, after[0].row);
    }

    #[test]
    fn the_bar_agrees_with_a_plain_sum() {
        let mut list = AnchoredList::new();
        let heights: Vec<(f32, bool)> = (0..1_000).map(|row| (10.0 + (row * 7 % 13) as f32, true)).collect();
        list.reset(&heights, None);
        let mut sum = 0.0;
        for (row, (height, _)) in heights.iter().enumerate() {
            assert!((list.above(row) - sum).abs() < 1e-6);
            assert_eq!(list.at(sum + 0.25).0, row);
            sum += f64::from(*height);
        }
    }

    #[test]
    fn short_lists_stay_at_the_top_and_scrolling_past_the_end_stops_there() {
        let mut short = list(2);
        assert_eq!(short.place(300.0, 400.0, |_| 50.0)[0].top, 0.0);
        let mut long = list(100);
        long.scroll_to(0.5, 400.0);
        long.scroll_by(1e9);
        let placed = long.place(300.0, 400.0, |_| 50.0);
        assert_eq!(placed.last().map(|placed| placed.top + placed.height), Some(400.0));
    }
}
