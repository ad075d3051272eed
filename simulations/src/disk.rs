//! A simulated disk: named tables of rows in memory. A commit is there whole or not at all, and the whole disk can be
//! copied and put back, as when somebody restores an old backup.

use std::collections::BTreeMap;
use std::ops::Bound;

use kith_proto::id::DeviceId;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Table;
use kith_proto::rows::Write;

/// Rows that survive a crash.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    tables: BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// What the rows were before the commits that a crash undoes, oldest first.
    undo: Vec<Write>,
    /// Commits so far.
    pub commits: u64,
}

impl Disk {
    /// Writes all of it, and all that was written before is safe.
    pub fn commit(&mut self, writes: Vec<Write>) {
        self.commit_soon(writes);
        self.undo.clear();
    }

    /// Writes all of it; a crash undoes it, unless a [`commit`](Self::commit) came after.
    pub fn commit_soon(&mut self, writes: Vec<Write>) {
        self.commits += 1;
        for write in writes {
            let (table, key) = (write.table.clone(), write.key.clone());
            let value = self.set(write);
            self.undo.push(Write { table, key, value });
        }
    }

    /// The power goes: what was written and is not safe yet is gone.
    pub fn crash(&mut self) {
        while let Some(before) = self.undo.pop() {
            self.set(before);
        }
    }

    fn set(&mut self, write: Write) -> Option<Vec<u8>> {
        let table = self.tables.entry(write.table).or_default();
        match write.value {
            Some(value) => table.insert(write.key, value),
            None => table.remove(&write.key),
        }
    }

    /// How many rows a table has.
    pub fn rows_in(&self, table: &str) -> usize {
        self.tables.get(table).map_or(0, BTreeMap::len)
    }

    /// How many things wait for a device in an outbox.
    pub fn waiting_for(&self, device: &DeviceId) -> usize {
        let rows = self.tables.get("outbox").map(|rows| rows.range(device.0.to_vec()..));
        rows.into_iter().flatten().take_while(|(key, _)| key.starts_with(&device.0)).count()
    }

    /// How many rows all tables have.
    pub fn rows(&self) -> usize {
        self.tables.values().map(BTreeMap::len).sum()
    }

    /// The bytes of all keys and values.
    pub fn size(&self) -> usize {
        let rows = self.tables.values().flatten();
        rows.map(|(key, value)| key.len() + value.len()).sum()
    }
}

impl Rows for Disk {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowsError> {
        Ok(self.tables.get(table.name).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), RowsError> {
        let Some(rows) = self.tables.get(table.name) else { return Ok(()) };
        let mut range = rows.range::<[u8], _>((from, to));
        loop {
            let next = match direction {
                Direction::Up => range.next(),
                Direction::Down => range.next_back(),
            };
            match next {
                Some((key, value)) if visit(key, value) => {}
                _ => return Ok(()),
            }
        }
    }
}
