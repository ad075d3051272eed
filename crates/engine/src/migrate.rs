//! Changes of the rows between versions: pure functions from rows to writes, numbered, only ever added to.

use kith_proto::rows::Rows;
use kith_proto::rows::Write;

/// The version of the rows that this code reads and writes.
pub const SCHEMA_VERSION: u32 = 1;

/// The writes that bring rows of version `from` to [`SCHEMA_VERSION`], to be committed together with the new number.
///
/// # Errors
/// A sentence, when the rows are of a version that this code does not know.
pub fn migrate(from: u32, _rows: &dyn Rows) -> Result<Vec<Write>, String> {
    match from {
        // A new folder has no rows; version 1 is this one.
        0 | SCHEMA_VERSION => Ok(Vec::new()),
        newer => Err(format!(
            "this data folder was written by a newer version of Kith (format {newer}): update Kith to open it"
        )),
    }
}
