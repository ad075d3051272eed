//! All that the pure crates know of storage: named tables of bytes, a list of writes that happen together or not at
//! all, and reads in key order. `kith-store` keeps them on disk, the simulator in a map; both run the same rows.

use std::ops::Bound;

use serde::Deserialize;
use serde::Serialize;

/// A named table of byte keys and byte values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    /// The name on disk; never reused with another meaning.
    pub name: &'static str,
    /// Whether rows must be forgettable: such values are sealed again under a shred key, so that a row that was
    /// replaced or deleted cannot be read from an old page once the key is dropped.
    pub shred: bool,
}

impl Table {
    /// A table whose deleted rows may linger (sealed) in free pages until those are reused.
    pub const fn plain(name: &'static str) -> Self {
        Self { name, shred: false }
    }

    /// A table whose deleted rows are gone for good once the shred key has been changed.
    pub const fn shredded(name: &'static str) -> Self {
        Self { name, shred: true }
    }
}

/// One change of one row. A commit is a list of writes; the last write of a key wins.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The table's name.
    pub table: String,
    /// The row's key.
    pub key: Vec<u8>,
    /// The new value, or `None` to delete the row.
    pub value: Option<Vec<u8>>,
}

impl std::fmt::Debug for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = self.value.as_ref().map(Vec::len);
        write!(f, "Write({}, key of {} bytes, {size:?})", self.table, self.key.len())
    }
}

/// Why rows could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored data could not be read: {0}")]
pub struct RowsError(pub String);

/// In which direction a scan walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the lowest key up.
    Up,
    /// From the highest key down.
    Down,
}

/// A consistent view of the stored rows. Writers never disturb it.
pub trait Rows {
    /// The value of one row.
    ///
    /// # Errors
    /// When the storage cannot be read or does not authenticate.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowsError>;

    /// Calls `visit` for each row between the bounds in key order until it returns `false`.
    ///
    /// # Errors
    /// When the storage cannot be read or does not authenticate.
    fn scan(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), RowsError>;
}
