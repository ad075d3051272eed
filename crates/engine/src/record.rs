//! A record of a run: the rows it began with, every input, and a name for what each commit wrote. With it a run can be
//! repeated elsewhere, bit by bit, because the engine has no input but these.
//!
//! A record holds keys and everything that is said, in the clear. It is written only where somebody asks for it.

use std::ops::Bound;

use kith_proto::codec::put_varint;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Write;
use kith_proto::time::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::input::Input;
use crate::rows::TABLES;

/// One line of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Line {
    /// A run begins.
    Start {
        /// When.
        now: Timestamp,
        /// The randomness it was given.
        entropy: [u8; 32],
        /// Everything that was stored.
        rows: Vec<Write>,
    },
    /// The engine was given something.
    Input {
        /// When.
        now: Timestamp,
        /// What.
        input: Input,
    },
    /// What the inputs since the last line of this kind wrote was committed.
    Commit {
        /// [`digest`] of the writes.
        digest: String,
    },
}

/// Everything that is stored, as the writes that make it.
///
/// # Errors
/// When the storage cannot be read.
pub fn all_rows(rows: &dyn Rows) -> Result<Vec<Write>, RowsError> {
    let mut writes = Vec::new();
    for table in TABLES {
        rows.scan(*table, Bound::Unbounded, Bound::Unbounded, Direction::Up, &mut |key, value| {
            let (table, key, value) = (table.name.to_owned(), key.to_vec(), Some(value.to_vec()));
            writes.push(Write { table, key, value });
            true
        })?;
    }
    Ok(writes)
}

/// A name for exactly these writes.
pub fn digest(writes: &[Write]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut length = Vec::new();
    for Write { table, key, value } in writes {
        for part in [Some(table.as_bytes()), Some(key), value.as_deref()] {
            length.clear();
            put_varint(&mut length, part.map_or(0, |part| part.len() as u64 + 1));
            hasher.update(&length).update(part.unwrap_or_default());
        }
    }
    hasher.finalize().to_hex().chars().take(16).collect()
}
