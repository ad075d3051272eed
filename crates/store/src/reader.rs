//! Reading: views of the rows, on any thread.

use std::ops::Bound;
use std::sync::Arc;

use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Table;
use redb::ReadTransaction;
use redb::ReadableDatabase as _;

use crate::ledger::definition;
use crate::shred;
use crate::store::Shared;

/// Makes snapshots; as many as wanted, on any thread.
#[derive(Clone)]
pub struct Reader(pub(crate) Arc<Shared>);

/// One consistent view of the rows. Commits after it was made are not in it.
pub struct Snapshot {
    shared: Arc<Shared>,
    keys: Arc<shred::Keys>,
    transaction: ReadTransaction,
}

impl Reader {
    /// A view of everything that is committed now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, RowsError> {
        // Held over the beginning: keys and rows must be of the same moment, or rows seem damaged.
        let keys = self.0.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let transaction =
            self.0.tables.database.begin_read().map_err(|error| self.0.unreadable(error.into()))?;
        Ok(Snapshot { shared: Arc::clone(&self.0), keys: Arc::clone(&keys), transaction })
    }
}

impl Shared {
    fn unreadable(&self, error: redb::Error) -> RowsError {
        RowsError(self.tables.failed(error).to_string())
    }
}

impl Snapshot {
    fn plain(&self, table: Table, key: &[u8], stored: &[u8]) -> Result<Vec<u8>, RowsError> {
        if !self.shared.shredded.contains(table.name) {
            return Ok(stored.to_vec());
        }
        shred::open(&self.keys, table.name, key, stored)
            .ok_or_else(|| RowsError(self.shared.tables.damaged().to_string()))
    }
}

/// Each read sees everything that is committed by then.
impl Rows for Reader {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowsError> {
        self.snapshot()?.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), RowsError> {
        self.snapshot()?.scan(table, from, to, direction, visit)
    }
}

impl Rows for Snapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowsError> {
        let unreadable = |error: redb::Error| self.shared.unreadable(error);
        let open =
            self.transaction.open_table(definition(table.name)).map_err(|error| unreadable(error.into()))?;
        let stored = open.get(key).map_err(|error| unreadable(error.into()))?;
        stored.map(|value| self.plain(table, key, value.value())).transpose()
    }

    fn scan(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), RowsError> {
        let unreadable = |error: redb::Error| self.shared.unreadable(error);
        let open =
            self.transaction.open_table(definition(table.name)).map_err(|error| unreadable(error.into()))?;
        let mut range = open.range::<&[u8]>((from, to)).map_err(|error| unreadable(error.into()))?;
        loop {
            let next = match direction {
                Direction::Up => range.next(),
                Direction::Down => range.next_back(),
            };
            let Some(row) = next else { return Ok(()) };
            let (key, value) = row.map_err(|error| unreadable(error.into()))?;
            if !visit(key.value(), &self.plain(table, key.value(), value.value())?) {
                return Ok(());
            }
        }
    }
}
