//! Results as aligned columns of plain text, and as data.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// A table with its heading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
    /// What has to be known to read it.
    pub notes: Vec<String>,
}

impl Table {
    /// An empty table.
    pub fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Self { title: title.into(), columns, ..Self::default() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds a note.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).chain(self.columns.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        writeln!(f, "{}", self.title)?;
        for row in std::iter::once(&self.columns).chain(&self.rows) {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                // Words to the left, figures to the right.
                line += &if at == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
            }
            writeln!(f, "  {}", line.trim_end())?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "  ({note})"))
    }
}

/// Milliseconds as people read them.
pub fn time(millis: u64) -> String {
    match millis {
        u64::MAX => "later".to_owned(),
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{:.1} s", millis as f64 / 1e3),
        60_000..3_600_000 => format!("{:.0} min", millis as f64 / 6e4),
        _ => format!("{:.1} h", millis as f64 / 3.6e6),
    }
}

/// A share of a whole as a percentage; a dash of nothing.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
}

/// The value below which so many of 100 are. Zero of nothing.
pub fn percentile(sorted: &[u64], part: usize) -> u64 {
    sorted.get(sorted.len() * part / 100).or(sorted.last()).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_figures_are_to_the_right() {
        let mut table = Table::new("People", &["who", "age"]).note("in years");
        table.row(["Ann".to_owned(), "7".to_owned()]);
        table.row(["Roberta".to_owned(), "101".to_owned()]);
        assert_eq!(
            table.to_string(),
            "People\n  who      age\n  Ann        7\n  Roberta  101\n  (in years)\n"
        );
    }

    #[test]
    fn times_and_shares_are_short() {
        let times = [12, 1_250, 90_000, 5_400_000, u64::MAX].map(time);
        assert_eq!(times, ["12 ms", "1.2 s", "2 min", "1.5 h", "later"]);
        assert_eq!([percent(1, 3), percent(0, 0)], ["33.3 %", "-"]);
        assert_eq!([percentile(&[1, 2, 3, 4], 50), percentile(&[], 99)], [3, 0]);
    }
}
