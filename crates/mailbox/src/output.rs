//! What one or more steps produced. Several inputs share one `Output` and so one commit; later ones read through it, so
//! that they see what the earlier ones wrote.

use std::collections::BTreeMap;
use std::ops::Bound;

use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::MAX_INDEX;
use kith_proto::mailbox::Numbered;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::Table;
use kith_proto::rows::Write;

use crate::effect::Effect;
use crate::error::StorageError;

/// A key and a value.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// Writes and effects, to be committed and then run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    writes: BTreeMap<(&'static str, Vec<u8>), Option<Vec<u8>>>,
    /// What to do after the commit, in order.
    pub effects: Vec<Effect>,
    /// The last index pushed to a stream in this batch; what arrives next is added to it.
    pushes: BTreeMap<u64, usize>,
}

impl Output {
    /// An empty output.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing has to be written.
    pub fn has_no_writes(&self) -> bool {
        self.writes.is_empty()
    }

    /// How many rows will be written.
    pub fn writes(&self) -> usize {
        self.writes.len()
    }

    /// Whether there is nothing at all to do.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.effects.is_empty()
    }

    /// Takes the writes, in key order, leaving the effects.
    pub fn take_writes(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.writes)
            .into_iter()
            .map(|((table, key), value)| Write { table: table.to_owned(), key, value })
            .collect()
    }

    /// Takes the effects, in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        self.pushes.clear();
        std::mem::take(&mut self.effects)
    }

    /// Sets a row. A later write of the same row replaces this one.
    pub(crate) fn put(&mut self, table: Table, key: &[u8], value: Vec<u8>) {
        self.writes.insert((table.name, key.to_vec()), Some(value));
    }

    /// Sets a row that is a struct.
    pub(crate) fn save(&mut self, table: Table, key: &[u8], row: &impl Encode) {
        self.put(table, key, row.to_bytes());
    }

    /// Deletes a row.
    pub(crate) fn delete(&mut self, table: Table, key: &[u8]) {
        self.writes.insert((table.name, key.to_vec()), None);
    }

    /// A row as it will be after this batch.
    pub(crate) fn read(
        &self,
        rows: &dyn Rows,
        table: Table,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StorageError> {
        match self.writes.get(&(table.name, key.to_vec())) {
            Some(written) => Ok(written.clone()),
            None => Ok(rows.get(table, key)?),
        }
    }

    /// A row that is a struct, as it will be after this batch.
    pub(crate) fn load<T: Decode>(
        &self,
        rows: &dyn Rows,
        table: Table,
        key: &[u8],
    ) -> Result<Option<T>, StorageError> {
        let bytes = self.read(rows, table, key)?;
        let decode = |bytes: Vec<u8>| T::from_bytes(&bytes).map_err(|_| StorageError::Damaged(table.name));
        bytes.map(decode).transpose()
    }

    /// The first `limit` rows with keys from `from` to before `to`, as they will be after this batch.
    pub(crate) fn scan(
        &self,
        rows: &dyn Rows,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, StorageError> {
        let mut found = Vec::new();
        if from >= to || limit == 0 {
            return Ok(found);
        }
        let staged = self.writes.range((table.name, from.to_vec())..(table.name, to.to_vec()));
        let mut staged = staged.map(|((_, key), value)| (key, value)).peekable();
        let (from, to) = (Bound::Included(from), Bound::Excluded(to));
        rows.scan(table, from, to, Direction::Up, &mut |key, value| {
            while found.len() < limit
                && let Some((written, row)) = staged.next_if(|(written, _)| written.as_slice() < key)
            {
                found.extend(row.as_ref().map(|row| (written.clone(), row.clone())));
            }
            if found.len() < limit {
                match staged.next_if(|(written, _)| written.as_slice() == key) {
                    Some((written, row)) => {
                        found.extend(row.as_ref().map(|row| (written.clone(), row.clone())));
                    }
                    None => found.push((key.to_vec(), value.to_vec())),
                }
            }
            found.len() < limit
        })?;
        for (written, row) in staged {
            if found.len() >= limit {
                break;
            }
            found.extend(row.as_ref().map(|row| (written.clone(), row.clone())));
        }
        Ok(found)
    }

    /// Adds an effect.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Tells a subscriber of a new envelope. Several in one batch share an answer. Returns how many bytes were added.
    pub(crate) fn push(&mut self, stream: u64, number: u32, entry: &IndexEntry) -> u64 {
        let last = self.pushes.get(&stream).and_then(|at| self.effects.get_mut(*at));
        if let Some(Effect::Answer { answer, .. }) = last
            && answer.number == number
            && let Answer::Index { entries } = &mut answer.word
            && entries.len() < MAX_INDEX
        {
            let mut list = std::mem::take(entries).into_inner();
            list.push(entry.clone());
            *entries = BoundedVec::truncated(list);
            return entry.to_bytes().len() as u64;
        }
        let word = Answer::Index { entries: BoundedVec::truncated(vec![entry.clone()]) };
        let answer = Numbered { number, word };
        let bytes = answer.wire_bytes() as u64;
        self.pushes.insert(stream, self.effects.len());
        self.effect(Effect::Answer { stream, answer });
        bytes
    }
}
